"""What a login consists of, and when it is due for renewal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import SecretStr

MARGIN_S = 300.0
"""How long before its end a token is renewed."""
SHORT_LIFE_S = 1500.0
"""Below this, the margin is a share of the life."""
SHORT_LIFE_SHARE = 0.8
WARN_BEFORE_DEADLINE_S = 3 * 86_400.0
"""How long before the end of the whole grant its owner is told."""

_NO_FACTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """
    The tokens of one login.

    Attributes:
        access_token: What is sent, unless the login has an `api_key`.
        refresh_token: What a new access token is had for; None: the login ends with the token.
        id_token: Who signed in, as the provider says it.
        api_key: What is sent in place of the access token (iFlow).
        expires_at: End of the access token, Unix seconds; None: unknown, or never.
        refresh_expires_at: End of the whole login, which no refresh moves; None: unknown.
        obtained_at: When the access token was had, Unix seconds; 0: unknown.
        renew_by: When to renew at the latest, though the access token may hold for longer, Unix seconds; None: no such rule.
        renew_from: The provider wants no renewal before, Unix seconds; None: it does not say.
        scopes: What was granted, as far as the provider says it.
        facts: What is known of the login, no secrets: email, account_id, plan, organization,
            organization_id, subject, client_id, resource_url.
    """

    access_token: SecretStr
    refresh_token: SecretStr | None = None
    id_token: SecretStr | None = None
    api_key: SecretStr | None = None
    expires_at: float | None = None
    refresh_expires_at: float | None = None
    obtained_at: float = 0.0
    renew_by: float | None = None
    renew_from: float | None = None
    scopes: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default=_NO_FACTS)

    @property
    def credential(self) -> SecretStr:
        """What requests to models carry."""
        return self.access_token if self.api_key is None else self.api_key


def identity_of(tokens: TokenSet) -> tuple[str, ...]:
    """
    Whose login it is, as far as the provider says; empty if it does not.

    An account with its organization, else the subject of an id_token, else the email: one email can
    own several accounts.
    """
    facts = tokens.facts
    if facts.get("account_id"):
        return facts["account_id"], facts.get("organization_id", "")
    name = facts.get("subject") or facts.get("email")
    return (name,) if name else ()


def due_at(tokens: TokenSet, early_s: float = 0.0) -> float | None:
    """
    When to renew the access token, in Unix seconds; None if nothing says.

    Five minutes before the end; at four fifths of a life shorter than 25 minutes; sooner where the provider's own tool
    renews sooner, and never before the provider allows it, though no later than the end.

    Args:
        tokens: The tokens.
        early_s: So much sooner, as far as that is allowed.
    """
    ends = [it for it in (_end_of_use(tokens), tokens.renew_by) if it is not None]
    if not ends:
        return None
    due = min(ends) - early_s
    if tokens.renew_from is None:
        return due
    latest = tokens.renew_from if tokens.expires_at is None else tokens.expires_at
    return max(due, min(tokens.renew_from, latest))


def is_due(tokens: TokenSet, now: float, early_s: float = 0.0) -> bool:
    """Whether the access token is to be renewed now; `early_s` as in `due_at`."""
    due = due_at(tokens, early_s)
    return due is not None and due <= now


def is_expired(tokens: TokenSet, now: float) -> bool:
    """Whether the access token is past its end."""
    return tokens.expires_at is not None and tokens.expires_at <= now


def ends_soon(tokens: TokenSet, now: float) -> bool:
    """Whether the whole login ends within three days, so that its owner must sign in again."""
    deadline = tokens.refresh_expires_at
    return deadline is not None and deadline - now <= WARN_BEFORE_DEADLINE_S


def _end_of_use(tokens: TokenSet) -> float | None:
    """When to renew by the access token's own end."""
    if tokens.expires_at is None:
        return None
    life_s = tokens.expires_at - tokens.obtained_at
    if tokens.obtained_at > 0 and life_s < SHORT_LIFE_S:
        return tokens.obtained_at + SHORT_LIFE_SHARE * max(life_s, 0.0)
    return tokens.expires_at - MARGIN_S
