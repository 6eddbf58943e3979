"""
Logins that belong to the official tools: read as they are, remembered until they change or end, never renewed by us.

Renewing one from outside would take the refresh token away under the tool, which is then logged out.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from korproxy_addons.auth.tokens import TokenSet, is_expired
from korproxy_addons.errors.catalogue import CLI_LOGIN_EXPIRED, CLI_LOGIN_MISSING
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.cli_places import TOOLS, CliPlaces, CliTool, Found, NotFoundError
from korproxy_addons.io.cli_schemas import NoLoginError
from korproxy_addons.io.private_file import Signature


@dataclass(frozen=True, slots=True)
class _Seen:
    found: Found
    stamp: tuple[Signature | None, ...]


class CliLogins:
    """
    The official tools' logins of this user. Safe to use from any thread; a call may read files or a keychain.

    Args:
        places: Where they lie.
        clock: Unix seconds.
    """

    def __init__(
        self, places: CliPlaces | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._places = places or CliPlaces()
        self._clock = clock
        self._mutex = threading.Lock()
        self._seen: dict[str, _Seen] = {}

    def load(self, tool: str) -> TokenSet:
        """
        The tool's login, with an access token that has not run out.

        Args:
            tool: One of `CLI_TOOLS`.
        Raises:
            KorProxyError: CLI_LOGIN_MISSING, CLI_LOGIN_EXPIRED; both say what to run.
        """
        tokens = self.look(tool).tokens
        if is_expired(tokens, self._clock()):
            assert tokens.expires_at is not None
            ended = datetime.fromtimestamp(tokens.expires_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
            owner = TOOLS[tool]
            detail = f"{owner.name}'s login ended at {ended}: run `{owner.command}` once"
            raise KorProxyError(CLI_LOGIN_EXPIRED, detail)
        return tokens

    def look(self, tool: str) -> Found:
        """
        What the tool has left, run out or not.

        Raises:
            KorProxyError: CLI_LOGIN_MISSING.
        """
        with self._mutex:
            seen = self._seen.get(tool)
            stamp = self._places.stamp(tool)
            if seen is not None and seen.stamp == stamp and self._holds(seen):
                return seen.found
            try:
                found = self._places.read(tool)
            except NotFoundError as nothing:
                self._seen.pop(tool, None)
                raise _missing(TOOLS[tool], f"there is no {nothing}") from None
            except NoLoginError as nothing:
                # The tool may be in the middle of writing; its last login is good for a little longer.
                if seen is not None and self._holds(seen):
                    return seen.found
                raise _missing(TOOLS[tool], str(nothing)) from None
            self._seen[tool] = _Seen(found, stamp)
            return found

    def forget(self, tool: str | None = None) -> None:
        """Read the tool's login, or every one, anew at the next use."""
        with self._mutex:
            if tool is None:
                self._seen.clear()
            else:
                self._seen.pop(tool, None)

    def _holds(self, seen: _Seen) -> bool:
        return not is_expired(seen.found.tokens, self._clock())


def _missing(tool: CliTool, reason: str) -> KorProxyError:
    detail = f"{tool.name}: {reason}; run `{tool.command}` once and sign in"
    return KorProxyError(CLI_LOGIN_MISSING, detail)
