"""Credentials in force: fixed keys, and tokens that expire, rotate and get used up."""

from dataclasses import dataclass, field, replace

from launcher.simulator.keys import CREDENTIALS, Credential, State


@dataclass
class Family:
    """All refresh tokens of one login; once a used one comes again, none of them works."""

    revoked: bool = False


@dataclass
class Grant:
    """A refresh token's state: which login it belongs to, whether it was used, when the whole grant ends."""

    credential: Credential
    used: bool = False
    ends_at: float | None = None
    family: Family = field(default_factory=Family)


class Logins:
    """All credentials; refreshed tokens are added, outdated ones stop to work."""

    def __init__(self) -> None:
        self._by_secret: dict[str, Credential] = {}
        self._grants: dict[str, Grant] = {}
        self._expires_at: dict[str, float] = {}
        self._made = 0
        for credential in CREDENTIALS:
            self._by_secret[credential.secret] = credential
            if credential.refresh:
                self._grants[credential.refresh] = Grant(credential)

    def find(self, secret: str | None, now: float) -> Credential | None:
        """The credential with this secret; its state is `EXPIRED` once its time is over."""
        credential = self._by_secret.get(secret or "")
        if credential is None:
            return None
        if self._expires_at.get(credential.secret, now + 1) <= now:
            return replace(credential, state=State.EXPIRED)
        return credential

    def grant(self, refresh_token: str) -> Grant | None:
        """The state of a refresh token, or nothing if nobody gave it out."""
        return self._grants.get(refresh_token)

    def expire(self, secret: str, at: float) -> None:
        """Let an access token end at this time."""
        self._expires_at[secret] = at

    def end_grant(self, refresh_token: str, at: float) -> None:
        """Let a login end at this time, however often it is refreshed."""
        self._grants[refresh_token].ends_at = at

    def revoke(self, refresh_token: str) -> None:
        """End the login that a refresh token belongs to."""
        grant = self._grants.get(refresh_token)
        if grant is not None:
            grant.family.revoked = True

    def start(
        self,
        who: Credential,
        now: float,
        lifetime_s: float,
        *,
        scopes: frozenset[str],
        secret: str = "",
    ) -> Credential:
        """A new login of somebody: an access token and a refresh token of its own."""
        self._made += 1
        stem = secret or who.secret.split("~")[0]
        refresh = f"{who.refresh.split('~')[0]}~{self._made}"
        state = State.OK if who.state is State.EXPIRED else who.state
        new = replace(
            who, secret=f"{stem}~{self._made}", refresh=refresh, scopes=scopes, state=state
        )
        self._by_secret[new.secret] = new
        self._expires_at[new.secret] = now + lifetime_s
        self._grants[refresh] = Grant(new)
        return new

    def renew(
        self, grant: Grant, now: float, lifetime_s: float, *, rotate: bool, secret: str = ""
    ) -> Credential:
        """
        A new access token for a login (`secret`, or one made from the old), and a new refresh token if they rotate.

        The old access token ends with its own time, not before; a rotated refresh token is used up.
        """
        self._made += 1
        old = grant.credential
        stem = secret or old.secret.split("~")[0]
        refresh = f"{old.refresh.split('~')[0]}~{self._made}" if rotate else old.refresh
        state = State.OK if old.state is State.EXPIRED else old.state
        new = replace(old, secret=f"{stem}~{self._made}", refresh=refresh, state=state)
        self._by_secret[new.secret] = new
        self._expires_at[new.secret] = now + lifetime_s
        if rotate:
            grant.used = True
            self._grants[refresh] = Grant(new, ends_at=grant.ends_at, family=grant.family)
        return new
