"""Which accounts offer a model: looked up once per model, however many accounts there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from korproxy_addons.routing.rules import ANY_MODEL, Candidate, Offer

REMEMBERED = 2048
"""Answers that are kept; clients choose the names, so their number must be bounded."""


type _Asked = tuple[tuple[str, ...] | None, str, bool, bool, Pin | None]


@dataclass(frozen=True, slots=True)
class Pin:
    """
    A model's name that says who shall serve it: `provider/model` or `provider@account/model`.

    Attributes:
        provider: Id of the provider.
        account: Id of the account; "" for any of the provider's.
        model: The model to ask it for, as written: the provider itself knows best.
    """

    provider: str
    account: str
    model: str


class Market:
    """
    What all accounts of a configuration offer.

    Args:
        offers: In the order of the config.
    """

    def __init__(self, offers: Sequence[Offer]) -> None:
        self.offers = offers
        self._by_account = {it.account_id: it for it in offers}
        self._providers = frozenset(it.provider for it in offers)
        self._served: dict[_Asked, tuple[Candidate, ...]] = {}

    def pin(self, model: str) -> Pin | None:
        """
        Who a model's name asks for; None if it is a plain name.

        The first segment counts only if it names a provider that has an account, so that ids with a slash of their own
        keep working.
        """
        first, slash, rest = model.partition("/")
        if not slash or not rest:
            return None
        provider, _, account = first.partition("@")
        return Pin(provider, account, rest) if provider in self._providers else None

    def serving(
        self,
        accounts: tuple[str, ...] | None,
        model: str,
        *,
        own_login: bool,
        pin: Pin | None = None,
        by_config: bool = False,
    ) -> tuple[Candidate, ...]:
        """
        The accounts that may serve a model, best first; empty if there is none.

        Those that list it come alone; only where none does, those that serve anything. Accounts that stand for a client's
        own login serve nobody else; a client that brings one is served by others only where somebody named them.

        Args:
            accounts: Ids in the order to ask them; None for all.
            model: The model's plain name.
            own_login: The request brings the client's own vendor login.
            pin: Only those that fit it are asked, whether they list its model or not.
            by_config: The configuration, not the client, says that the model shall be asked for.
        """
        others = by_config or accounts is not None or (pin is not None and pin.account != "")
        key = (accounts, model, own_login, others, pin)
        found = self._served.get(key)
        if found is None:
            if len(self._served) >= REMEMBERED:
                self._served.clear()
            offers = self._named(accounts)
            usable = [it for it in offers if it.own_login == own_login or (others and own_login)]
            found = self._served[key] = _serving(usable, model, pin)
        return found

    def _named(self, accounts: tuple[str, ...] | None) -> Sequence[Offer]:
        if accounts is None:
            return self.offers
        return [self._by_account[it] for it in accounts if it in self._by_account]


def _serving(offers: Sequence[Offer], model: str, pin: Pin | None) -> tuple[Candidate, ...]:
    if pin is not None:
        fitting = [
            it
            for it in offers
            if it.provider == pin.provider and pin.account in ("", it.account_id)
        ]
        return tuple(Candidate(it.account_id, pin.model) for it in fitting)
    served = [it for it in offers if model in it.models]
    if not served:
        served = [it for it in offers if ANY_MODEL in it.models or it.own_login]
    return tuple(Candidate(it.account_id, model) for it in served)
