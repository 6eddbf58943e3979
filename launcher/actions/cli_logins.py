"""Logins that the official tools have left on this machine: what is there, whose it is, how long it holds."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from korproxy_addons.auth.tokens import is_expired
from korproxy_addons.config.schema import Config
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.cli_logins import CliLogins
from korproxy_addons.io.cli_places import TOOLS
from korproxy_addons.io.cli_schemas import API_KEY_MODE
from launcher.actions.offers import find_offer


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLogin:
    """
    An official tool's login as people and scripts see it; no token is in it.

    Attributes:
        tool: What follows `cli:`.
        name: The tool, as its maker calls it.
        command: What its owner runs to sign in, or to have it renewed.
        provider, access: What an account with this login has to say.
        secret: What an account with this login has as its secret.
        state: `ready`, `expired` (the tool must be run once), `retired` (its provider has ended such logins), `missing`.
        place: Where it was found; "" if it was not.
        email, plan, organization, account_id: Whose it is, as far as is known.
        expires_at: End of the access token, ISO 8601; None: unknown, or never.
        problem: What is wrong, and what to do; "" if nothing is.
    """

    tool: str
    name: str
    command: str
    provider: str
    access: str
    secret: str
    state: str
    place: str = ""
    email: str = ""
    plan: str = ""
    organization: str = ""
    account_id: str = ""
    expires_at: str | None = None
    problem: str = ""


def found_logins(
    logins: CliLogins | None = None, clock: Callable[[], float] = time.time
) -> tuple[FoundLogin, ...]:
    """
    Every official tool, with the login that it has left.

    Args:
        logins: Where to look; None: at this user's.
        clock: Unix seconds.
    """
    where = logins or CliLogins(clock=clock)
    return tuple(find_login(tool, where, clock) for tool in TOOLS)


def find_login(
    tool: str, logins: CliLogins | None = None, clock: Callable[[], float] = time.time
) -> FoundLogin:
    """
    One official tool's login.

    Args:
        tool: One of `TOOLS`.
        logins: Where to look; None: at this user's.
        clock: Unix seconds.
    """
    about = TOOLS[tool]
    secret = f"cli:{tool}"
    try:
        found = (logins or CliLogins(clock=clock)).look(tool)
    except KorProxyError as error:
        return FoundLogin(
            tool=tool,
            name=about.name,
            command=about.command,
            provider=about.provider,
            access=about.access,
            secret=secret,
            state="missing",
            problem=error.detail,
        )
    tokens, facts = found.tokens, found.tokens.facts
    ended = is_expired(tokens, clock())
    return FoundLogin(
        tool=tool,
        name=about.name,
        command=about.command,
        provider=about.provider,
        access="api-key" if facts.get("mode") == API_KEY_MODE else about.access,
        secret=secret,
        state="expired" if ended else "ready",
        place=found.place,
        email=facts.get("email", ""),
        plan=facts.get("plan", ""),
        organization=facts.get("organization", ""),
        account_id=facts.get("account_id", ""),
        expires_at=_iso(tokens.expires_at),
        problem=f"It has run out: run `{about.command}` once, then it is used." if ended else "",
    )


def as_offered(
    found: FoundLogin, config: Config, home: Path, clock: Callable[[], float] = time.time
) -> FoundLogin:
    """
    A login as it can be used today: one whose provider has ended it is `retired`, whatever its token says.

    Args:
        found: As the tool has left it.
        config: The configuration, which may send it elsewhere.
        home: The KorProxy folder.
        clock: Unix seconds.
    """
    if found.state == "missing":
        return found
    offer = find_offer(config, found.provider, found.access, home, clock)
    if not offer.retired or offer.way.route is None:
        return found
    return replace(found, state="retired", problem=offer.way.route.explained())


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
