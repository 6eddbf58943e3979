"""The vault's passphrase, from the person at the terminal."""

import getpass
import sys
from collections.abc import Callable

from pydantic import SecretStr

MOST_QUESTIONS = 3
"""How often a process asks for the passphrase of a vault: nobody may be sitting there."""


class TerminalAsk:
    """
    Asks at the terminal; nothing that is typed is shown.

    Args:
        read: Shows a prompt and reads a line unseen.
        is_terminal: Whether a person can be asked; None: whether stdin is a terminal.
    """

    def __init__(
        self,
        read: Callable[[str], str] | None = None,
        is_terminal: Callable[[], bool] | None = None,
    ) -> None:
        self._read = read or _read_unseen
        self._is_terminal = is_terminal or sys.stdin.isatty
        self._questions_left = MOST_QUESTIONS

    def __call__(self, *, new: bool) -> SecretStr | None:
        """What was typed; None where nobody is there, nothing was typed, or the two spellings of a new one differ."""
        if not self._questions_left or not self._is_terminal():
            return None
        self._questions_left -= 1
        try:
            typed = self._read(
                "A new passphrase for the vault: " if new else "The vault's passphrase: "
            )
            if new and typed and self._read("The same once more: ") != typed:
                return None
        except EOFError:
            return None
        return SecretStr(typed) if typed else None


def _read_unseen(prompt: str) -> str:
    return getpass.getpass(prompt, stream=sys.stderr)
