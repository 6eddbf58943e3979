"""
Finds a Python that can run KorProxy. Starts on Python 3.8, standard library only.

The default `python3` of many machines is too old while a newer one lies elsewhere: under pyenv, beside
it with a version in its name, behind Windows' `py`, or where uv keeps its own. Whatever is found is run
once before it is believed: a name on PATH may be a shim, a shop window (Windows), or a Python without
`venv` or `ssl`.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

OLDEST = (3, 12)
NEWEST = (3, 14)
FETCHED = "3.13"

_QUESTION = (
    "import sys, ensurepip, ssl, venv, sqlite3, zlib;"
    "print('korproxy', *sys.version_info[:3]);"
    "print(getattr(sys, '_base_executable', None) or sys.executable)"
)
_PROBE_TIMEOUT_S = 30

Which = Callable[[str], Optional[str]]


class Interpreter(NamedTuple):
    """A Python that answered: absolute path of its executable, and its version."""

    path: str
    version: Tuple[int, int, int]

    @property
    def is_locked_for(self) -> bool:
        """Whether requirements.lock was made for this version."""
        return OLDEST <= self.version[:2] <= NEWEST


Probe = Callable[[List[str]], Optional[Interpreter]]


class NoPythonError(Exception):
    """No suitable Python; the message says what to install."""


def probe(argv: List[str]) -> Optional[Interpreter]:
    """The interpreter behind a command, or None: it does not run, or lacks a part that we need."""
    try:
        done = subprocess.run(
            [*argv, "-I", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return read_answer(done.stdout.decode("utf-8", "replace")) if done.returncode == 0 else None


def read_answer(text: str) -> Optional[Interpreter]:
    """What a probed interpreter printed: `korproxy 3 13 0`, then its path."""
    lines = text.splitlines()
    match = re.match(r"korproxy (\d+) (\d+) (\d+)$", lines[0]) if lines else None
    if match is None or len(lines) < 2 or not lines[1].strip():
        return None
    major, minor, micro = (int(number) for number in match.groups())
    return Interpreter(lines[1].strip(), (major, minor, micro))


def candidates(
    environ: Mapping[str, str],
    home: Path,
    platform: str = sys.platform,
    which: Which = shutil.which,
) -> Iterator[List[str]]:
    """
    Commands that may be a suitable Python, best first, each once.

    Args:
        environ: Environment variables; PYENV_ROOT, UV_PYTHON_INSTALL_DIR and their like are honoured.
        home: The user's home folder.
        platform: As `sys.platform`.
        which: Finds a program on PATH.
    """
    seen = set()
    for argv in _all_candidates(environ, home, platform, which):
        if tuple(argv) not in seen:
            seen.add(tuple(argv))
            yield argv


def _all_candidates(
    environ: Mapping[str, str], home: Path, platform: str, which: Which
) -> Iterator[List[str]]:
    yield [getattr(sys, "_base_executable", None) or sys.executable]
    minors = range(NEWEST[1], OLDEST[1] - 1, -1)
    for name in [*(f"python3.{minor}" for minor in minors), "python3", "python"]:
        found = which(name)
        if found:
            yield [found]
    launcher = which("py") if platform == "win32" else None
    if launcher:
        for version in [*(f"-3.{minor}" for minor in minors), "-3"]:
            yield [launcher, version]
    for folder, pattern in _places(environ, home, platform):
        for path in newest_first(folder, pattern):
            yield [str(path)]


def _places(environ: Mapping[str, str], home: Path, platform: str) -> Iterator[Tuple[Path, str]]:
    """Folders that hold one Python per version, and where in each its executable lies."""
    if platform == "win32":
        pyenv_root = environ.get("PYENV") or environ.get("PYENV_ROOT")
        yield Path(pyenv_root or home / ".pyenv" / "pyenv-win") / "versions", "python.exe"
        yield Path(environ.get("LOCALAPPDATA", home)) / "Programs" / "Python", "python.exe"
        uv_default = Path(environ.get("APPDATA", home)) / "uv" / "python"
        yield Path(environ.get("UV_PYTHON_INSTALL_DIR") or uv_default), "python.exe"
        return
    yield Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions", "bin/python3"
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    yield Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python"), "bin/python3"
    if platform == "darwin":
        frameworks = Path("/Library/Frameworks/Python.framework/Versions")
        for folder in (home / "Library/Application Support/uv/python", frameworks):
            yield folder, "bin/python3"
        for prefix in ("/opt/homebrew", "/usr/local"):
            yield Path(prefix) / "opt", "libexec/bin/python3"  # Homebrew's python@3.13


def newest_first(folder: Path, pattern: str) -> List[Path]:
    """Executables `folder/<version>/pattern` of versions that suit, the newest version first."""
    found: Dict[Path, Tuple[int, ...]] = {}
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return []
    for name in names:
        match = re.search(r"(?:^|\D)3\.?(\d{2})(?:\.(\d+))?(?!\d)", name)
        path = folder / name / pattern
        if match and OLDEST[1] <= int(match.group(1)) <= NEWEST[1] and path.exists():
            found[path] = (int(match.group(1)), int(match.group(2) or 0))
    return sorted(found, key=lambda path: (found[path], str(path)), reverse=True)


def choose(
    environ: Mapping[str, str],
    home: Path,
    platform: str = sys.platform,
    which: Which = shutil.which,
    ask: Probe = probe,
) -> Interpreter:
    """
    The Python to use: KORPROXY_PYTHON if set, else the first candidate that suits, else one that uv fetches.

    Raises:
        NoPythonError: Nothing suits; the message says what to install.
    """
    chosen = environ.get("KORPROXY_PYTHON")
    if chosen:
        return _chosen(chosen, which, ask)
    for argv in candidates(environ, home, platform, which):
        interpreter = ask(argv)
        if interpreter is not None and interpreter.is_locked_for:
            return interpreter
    fetched = _fetched_by_uv(which("uv"), ask)
    if fetched is not None:
        return fetched
    raise NoPythonError(advice(platform))


def _chosen(chosen: str, which: Which, ask: Probe) -> Interpreter:
    """The Python that KORPROXY_PYTHON names; it may be newer than the lock, never older."""
    interpreter = ask([which(chosen) or chosen])
    if interpreter is None:
        raise NoPythonError(f"KORPROXY_PYTHON is {chosen}: it does not run, or lacks a part.")
    if interpreter.version[:2] < OLDEST:
        version = ".".join(map(str, interpreter.version))
        raise NoPythonError(f"KORPROXY_PYTHON is {chosen}: Python {version}, but 3.12 is needed.")
    return interpreter


def _fetched_by_uv(uv: Optional[str], ask: Probe) -> Optional[Interpreter]:
    """A Python that uv has or installs (into uv's own folder), or None."""
    if uv is None:
        return None
    print(f"No Python 3.12 to 3.14 found; asking uv for {FETCHED}", file=sys.stderr)
    try:
        subprocess.run([uv, "python", "install", FETCHED], stdout=sys.stderr, check=False)
        found = subprocess.run(
            [uv, "python", "find", FETCHED], stdout=subprocess.PIPE, check=False
        ).stdout
    except OSError:
        return None
    path = found.decode("utf-8", "replace").strip()
    return ask([path]) if Path(path).exists() else None


def advice(platform: str) -> str:
    """What to install, by platform."""
    ways = {
        "darwin": "`brew install python@3.13`, or the installer from python.org",
        "win32": "`winget install Python.Python.3.13`, or the installer from python.org",
    }
    way = ways.get(
        platform, "your distribution's python3.13 with its venv package, or `pyenv install 3.13`"
    )
    return (
        "KorProxy needs Python 3.12, 3.13 or 3.14 with venv and ssl; none was found.\n"
        f"Install one: {way}. Or install uv, which fetches one.\n"
        "If it lies where nobody looks, set KORPROXY_PYTHON to its path."
    )
