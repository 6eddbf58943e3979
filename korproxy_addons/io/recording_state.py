"""Whether exchanges are recorded now: a small file of its own, so that it needs no launcher and outlives a restart."""

import contextlib
from pathlib import Path

from filelock import FileLock
from msgspec import DecodeError, Struct, ValidationError, json

from korproxy_addons.io.private_file import (
    Signature,
    make_private_folder,
    read_private,
    replace_private,
    signature,
)

FILE_NAME = "recording.json"
_LOCK_NAME = "recording.lock"
_LOCK_WAIT_S = 5.0
_CLOCKS_DIFFER_S = 60.0
LONGEST_MINUTES = 24 * 60
"""Nobody forgets for longer than this that what is said is kept."""


class RecordingState(Struct, frozen=True, kw_only=True):
    """
    What was asked for with `korproxy record on`.

    Attributes:
        since: Unix seconds of when it was.
        until_at: Unix seconds of when it ends by itself.
        tool: Record this tool's exchanges alone; "": of all.
        shapes: Keep what bodies are like, and not what they say.
    """

    since: float
    until_at: float
    tool: str = ""
    shapes: bool = False

    def takes(self, tool: str) -> bool:
        """Whether a tool's exchanges are recorded: `codex` means codex-cli, too."""
        return not self.tool or tool == self.tool or tool.startswith(f"{self.tool}-")

    def is_on(self, now: float) -> bool:
        """Whether it still holds; a clock that was set back does not bring it back."""
        return self.since - _CLOCKS_DIFFER_S <= now < self.until_at


_DECODER = json.Decoder(RecordingState)


class RecordingSwitch:
    """
    The switch of one folder.

    Args:
        home: The KorProxy folder.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / FILE_NAME

    def stamp(self) -> Signature | None:
        """What changes with the switch; one `stat`."""
        return signature(self._path)

    def state(self, now: float) -> RecordingState | None:
        """
        What is recorded at `now` (Unix seconds); None: nothing.

        A file that cannot be read records nothing.
        """
        try:
            found = read_private(self._path)
        except OSError:
            return None
        if found is None:
            return None
        try:
            state = _DECODER.decode(found[0])
        except (DecodeError, ValidationError, UnicodeDecodeError):
            return None
        return state if state.is_on(now) else None

    def turn_on(self, state: RecordingState) -> None:
        """
        Record from now on.

        Raises:
            OSError: The file cannot be written.
        """
        make_private_folder(self._path.parent)
        with FileLock(self._path.with_name(_LOCK_NAME), timeout=_LOCK_WAIT_S, mode=0o600):
            replace_private(self._path, json.encode(state), keeps_backup=False)

    def turn_off(self) -> None:
        """
        Record nothing from now on.

        Raises:
            OSError: The file cannot be removed.
        """
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
