"""The switch that has exchanges recorded; what there is then is `actions/recorded.py`'s."""

import contextlib
import difflib
import time
from dataclasses import dataclass
from pathlib import Path

from korproxy_addons.errors.catalogue import STATE_UNAVAILABLE
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.io.recording_state import LONGEST_MINUTES, RecordingState, RecordingSwitch
from korproxy_addons.presets import PRESETS

DEFAULT_MINUTES = 30


@dataclass(frozen=True, slots=True)
class RecordState:
    """
    Whether exchanges are recorded.

    Attributes:
        on: They are.
        until_at: Unix seconds of when it ends by itself; None while it is off.
        tool: This tool's alone; "": all.
        shapes: Without what bodies say.
    """

    on: bool
    until_at: float | None = None
    tool: str = ""
    shapes: bool = False


def recording_state(home: Path, now: float | None = None) -> RecordState:
    """How the switch of a folder stands, at `now` in Unix seconds."""
    found = RecordingSwitch(home).state(time.time() if now is None else now)
    if found is None:
        return RecordState(on=False)
    return RecordState(on=True, until_at=found.until_at, tool=found.tool, shapes=found.shapes)


def start_recording(
    home: Path,
    *,
    minutes: float = DEFAULT_MINUTES,
    tool: str = "",
    shapes: bool = False,
    now: float | None = None,
) -> RecordState:
    """
    Record from now on; whoever records already goes on as this says.

    Args:
        home: The KorProxy folder.
        minutes: For so long, at most 24 hours.
        tool: This tool's exchanges alone, such as claude-code; "": all.
        shapes: Keep what bodies are like, and not what they say.
        now: Unix seconds.
    Raises:
        KorProxyError: STATE_UNAVAILABLE.
    """
    at = time.time() if now is None else now
    until_at = at + min(minutes, LONGEST_MINUTES) * 60
    try:
        RecordingSwitch(home).turn_on(
            RecordingState(since=at, until_at=until_at, tool=tool, shapes=shapes)
        )
    except OSError as error:
        raise KorProxyError(STATE_UNAVAILABLE, error.strerror or "recording.json") from None
    return recording_state(home, at)


def stop_recording(home: Path) -> RecordState:
    """
    Record nothing from now on; what there is stays.

    Raises:
        KorProxyError: STATE_UNAVAILABLE.
    """
    try:
        RecordingSwitch(home).turn_off()
    except OSError as error:
        raise KorProxyError(STATE_UNAVAILABLE, error.strerror or "recording.json") from None
    return RecordState(on=False)


def tool_meant(home: Path, word: str) -> tuple[str, str]:
    """
    The tool whose exchanges a person wants recorded, and what they should know of it; "" for nothing.

    Args:
        home: The KorProxy folder.
        word: A tool's id, the beginning of one (`codex`), its name, or that of a program of the person's own.
    """
    wanted = word.strip().lower()
    if not wanted or any(it == wanted or it.startswith(f"{wanted}-") for it in PRESETS):
        return wanted, ""
    for preset in PRESETS.values():
        if wanted in (preset.name.lower(), *preset.programs):
            return preset.id, ""
    if _has_asked(home, wanted):
        return wanted, ""
    names = {it.partition("-")[0]: it for it in PRESETS} | {it: it for it in PRESETS}
    near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.7)
    hint = (
        f"Did you mean {names[near[0]]}?"
        if near
        else f"Those that are known: {', '.join(PRESETS)}."
    )
    return (
        wanted,
        f"No tool is known as {wanted}, and no program of that name has asked yet. {hint}",
    )


def _has_asked(home: Path, tool: str) -> bool:
    with contextlib.suppress(KorProxyError), LedgerFile(home / FILE_NAME) as file:
        return bool(file.rows("SELECT 1 FROM usage_daily WHERE tool = ? LIMIT 1", (tool,)))
    return False
