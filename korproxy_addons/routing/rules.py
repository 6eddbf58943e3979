"""
What accounts offer, and what is said of a model that none of them does.

Pure: what the accounts offer is handed in. A model nobody offers is an error that names near matches; it is never
replaced by another model.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError

if TYPE_CHECKING:
    from korproxy_addons.routing.plan import Verdict

NEAR_MATCHES = 5
ANY_MODEL = "*"
_LONGEST_NAME = 200
_NO_ALIASES: Mapping[str, str] = MappingProxyType({})


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


class UnservedError(KorProxyError):
    """
    Nobody who may be asked serves the model, as far as the lists say that are known by now.

    Attributes:
        verdicts: What became of each rule, where that was asked for.
    """

    verdicts: tuple["Verdict", ...] = ()


def unserved(
    model: str, detail: str, offers: Iterable[Offer] = (), aliases: Mapping[str, str] = _NO_ALIASES
) -> UnservedError:
    """
    The error for a model that nobody who may be asked serves.

    Args:
        model: As it was asked for in the end.
        detail: Why it could not be anybody; "" names the nearest names among `offers` and `aliases` instead.
        offers: Of all accounts.
        aliases: The user's own names.
    """
    found = unknown_model(model, offers, aliases)
    text = f"“{model[:120]}”; {detail}" if detail else found.detail
    return UnservedError(catalogue.UNKNOWN_MODEL, text, param="model")


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
