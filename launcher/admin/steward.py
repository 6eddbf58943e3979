"""What the API does, behind a small protocol, so that the listener can be tested without a gateway."""

from pathlib import Path
from typing import Any, Protocol

from launcher.supervisor.signals import Wish
from launcher.supervisor.states import Status


class Steward(Protocol):
    """Who keeps the gateway."""

    home: Path
    config_problems: tuple[str, ...]

    @property
    def status(self) -> Status:
        """How it stands."""

    def wish(self, wish: Wish) -> None:
        """A person asked for something."""

    async def ask(self, what: str, about: dict[str, Any] | None = None) -> Any:
        """Ask the running gateway; LookupError where none runs."""

    async def inspect(self, seconds: float) -> str:
        """
        Have mitmweb show what passes, for so long; the address of its page.

        Raises:
            LookupError: it cannot be; the text says why.
        """

    def quit(self) -> None:
        """End the launcher, and the gateway with it."""
