"""
From the model a client names to the accounts that may serve it, best first.

Pure: what the accounts offer is handed in. A model nobody offers is an error that names near matches; it is never
replaced by another model.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError

NEAR_MATCHES = 5
ANY_MODEL = "*"
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """
    What one account can serve.

    Attributes:
        account_id: The account.
        provider: Its provider's id.
        models: Ids it is known to serve; `*` in it stands for any.
        own_login: The account stands for the client's own login and may only serve requests that bring one.
    """

    account_id: str
    provider: str
    models: frozenset[str] = field(default_factory=frozenset)
    own_login: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """One account that may serve the request, and the model to ask it for."""

    account_id: str
    model: str


@dataclass(frozen=True, slots=True)
class Choice:
    """
    The outcome of a look-up.

    Attributes:
        candidates: In the order of the config; empty where nobody offers the model.
        why: The reason to show (`pinned`, `alias`), or "".
    """

    candidates: tuple[Candidate, ...]
    why: str = ""


def choose(
    model: str,
    offers: Sequence[Offer],
    aliases: Mapping[str, str],
    *,
    own_login: bool = False,
) -> Choice:
    """
    The accounts that may serve `model`.

    `provider/model` and `provider@account/model` pin; the first segment counts only if it names a provider that has an
    account, so that model ids with a slash of their own keep working. A pinned model is asked for as written, listed or
    not: the provider itself knows best.

    Args:
        model: As the client named it.
        offers: In the order of the config.
        aliases: Model names of the user's own, each with what it stands for.
        own_login: The request brings the client's own vendor login, which only such accounts may carry.
    """
    why = ""
    if model in aliases:
        model, why = aliases[model], "alias"
    usable = [offer for offer in offers if offer.own_login == own_login]
    pin, slash, rest = model.partition("/")
    provider, _, account = pin.partition("@")
    if slash and rest and any(offer.provider == provider for offer in usable):
        pinned = [
            offer
            for offer in usable
            if offer.provider == provider and account in ("", offer.account_id)
        ]
        return Choice(tuple(Candidate(offer.account_id, rest) for offer in pinned), "pinned")
    served = [offer for offer in usable if model in offer.models]
    if not served:
        served = [offer for offer in usable if ANY_MODEL in offer.models or offer.own_login]
    return Choice(tuple(Candidate(offer.account_id, model) for offer in served), why)


def unknown_model(model: str, offers: Iterable[Offer], aliases: Mapping[str, str]) -> KorProxyError:
    """The error for a model nobody offers, with the names that come closest."""
    known = {name for offer in offers for name in offer.models if name != ANY_MODEL} | set(aliases)
    # Case is the commonest slip. A name longer than any model's would only cost time.
    by_lower = {name.lower(): name for name in sorted(known)}
    wanted = model.rpartition("/")[2][:_LONGEST_NAME].lower()
    near = difflib.get_close_matches(wanted, by_lower, n=NEAR_MATCHES, cutoff=0.5)
    if not near:
        family = wanted.partition("-")[0]
        near = [name for name in by_lower if family and name.startswith(family)][:NEAR_MATCHES]
    near = [by_lower[name] for name in near]
    hint = f"close: {', '.join(near)}" if near else "no account offers a name like it"
    return KorProxyError(catalogue.UNKNOWN_MODEL, f"“{model[:120]}”; {hint}", param="model")
