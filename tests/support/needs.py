"""What a test needs beside Python; a test that does not find it is skipped, and says what to install."""

import importlib.util
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
KNOWN_RECORDINGS = (
    "anthropic/060-ai-anthropic-tool-search-regex-1.json",
    "gemini/049-ai-google-tool-call-gemini3.json",
    "openai_chat/051-ai-anthropic-fallback-tool-call.json",
    "openai_responses/069-ai-openai-web-search-tool-1.json",
)
"""The last of each dialect in the set that the tests were written with, alone or among others."""
TOOLS = ROOT / ".tools" / "node_modules"


@dataclass(frozen=True)
class CodingTool:
    """
    A real coding tool of the pinned ones.

    Attributes:
        path: Its program.
        search_path: PATH for its process: the Node it runs on comes first.
    """

    path: Path
    search_path: str


def needs_coding_tool(name: str, environ: Mapping[str, str] = os.environ) -> CodingTool:
    """The coding tool `claude`, `codex` or `gemini`, as pinned in packaging/npm."""
    suffix = ".cmd" if os.name == "nt" else ""
    path = TOOLS / ".bin" / (name + suffix)
    if not path.exists():
        pytest.skip(f"{name} is not installed: python3 packaging/dev.py tools")
    return CodingTool(path, os.pathsep.join([str(TOOLS / ".bin"), environ.get("PATH", "")]))


def needs_program(names: str | tuple[str, ...], install: str) -> Path:
    """A program on PATH, by the first of its names that is there; `install` says how it is installed."""
    wanted = (names,) if isinstance(names, str) else names
    found = next(filter(None, map(shutil.which, wanted)), None)
    if found is None:
        pytest.skip(f"{wanted[0]} is not installed: {install}")
    return Path(found)


def needs_recordings(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of recorded replies: KORPROXY_RECORDINGS, or shared/recordings beside the clone."""
    folder = Path(environ.get("KORPROXY_RECORDINGS") or ROOT.parent / "shared" / "recordings")
    if not folder.is_dir():
        pytest.skip("the recorded replies are not here: set KORPROXY_RECORDINGS to their folder")
    return folder


def needs_all_recordings(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder, for what only the whole set can show: that nothing occurs but what occurs in it."""
    folder = needs_recordings(environ)
    if not _are_known(folder):
        pytest.skip("other recordings than this compares with")
    return folder


def least(count: int, environ: Mapping[str, str] = os.environ) -> int:
    """
    How many recordings of a kind a test must have seen, so that it cannot pass by having met none.

    Args:
        count: What holds of the whole set of recordings.
        environ: As for `needs_recordings`.
    Returns:
        `count`, but 0 where the folder holds another set, of which nothing is known.
    """
    return count if _are_known(needs_recordings(environ)) else 0


def _are_known(folder: Path) -> bool:
    return all((folder / name).exists() for name in KNOWN_RECORDINGS)


TRAY = ROOT / ".tools" / "tray"
"""What the tray needs of the system's desktop libraries, built for this Python."""


def needs_tray() -> None:
    """GTK's and the status icon's bindings, in this Python or in .tools/tray."""
    if importlib.util.find_spec("gi") is None and not (TRAY / "gi").is_dir():
        pytest.skip(
            "the tray's libraries are lacking: python3 packaging/dev.py --with-system tools"
        )
