"""
Makes and keeps `.venv`, exactly as requirements.lock says. Starts on Python 3.8, standard library only.

A stamp file inside `.venv`, written last, says what it was made from: a start that finds it current
costs a few file reads. A half-made environment has no stamp and is made anew by the next start. One
process at a time works on it.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Callable, Dict, Iterator, List, Mapping, Optional

from dev_python import OLDEST, Interpreter

LOCK_NAME = "requirements.lock"
# What an environment holds besides the locked packages.
_UNLOCKED = {"korproxy", "pip", "setuptools"}
# Stamp entries whose change needs a new environment, not only other packages.
_REMAKE = ("folder", "oldest", "chosen")
_POLL_S = 0.2

Choose = Callable[[], Interpreter]


class EnvironmentFailedError(Exception):
    """The environment could not be made; the message names the step that failed."""


class Environment:
    """The virtual environment `.venv` of one clone."""

    def __init__(self, root: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.root = root
        self._chosen = environ.get("KORPROXY_PYTHON", "")
        self.folder = root / ".venv"
        self.stamp = self.folder / "korproxy.json"
        on_windows = sys.platform == "win32"
        self.scripts = self.folder / ("Scripts" if on_windows else "bin")
        self._suffix = ".exe" if on_windows else ""
        self.python = self.script("python")

    def script(self, name: str) -> Path:
        """The program `name` of `.venv`."""
        return self.scripts / (name + self._suffix)

    def wanted(self) -> Dict[str, str]:
        """What the stamp has to say: hashes of the lock and of the project's own settings."""
        wanted = {
            "lock": _digest(self.root / LOCK_NAME),
            "project": _digest(self.root / "pyproject.toml"),
            "folder": str(self.folder),  # its scripts name it: a moved clone starts anew
            "oldest": ".".join(map(str, OLDEST)),
        }
        if self._chosen:
            wanted["chosen"] = self._chosen
        return wanted

    def stamped(self) -> Dict[str, str]:
        """What the stamp says; empty if there is none, or if its Python is gone."""
        try:
            stamp = json.loads(self.stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        # exists() follows the link to the interpreter that the environment was made from
        usable = isinstance(stamp, dict) and self.python.exists()
        return {str(key): str(value) for key, value in stamp.items()} if usable else {}

    def is_current(self) -> bool:
        """Whether nothing is to be done."""
        stamped = self.stamped()
        return all(stamped.get(key) == value for key, value in self.wanted().items())

    def prepare(self, choose: Choose) -> None:
        """
        Bring `.venv` to what the lock says; returns at once if it is there.

        Raises:
            EnvironmentFailedError: A step failed, or another process holds `.venv`.
        """
        if self.is_current():
            return
        with one_at_a_time(self.root / ".venv.lock"):
            if not self.is_current():  # else another process did it while we waited
                self._make(choose)

    def _make(self, choose: Choose) -> None:
        started_at = time.monotonic()
        wanted, stamped = self.wanted(), self.stamped()
        if any(stamped.get(key) != wanted.get(key, stamped.get(key)) for key in _REMAKE):
            chosen = choose()
            _say(f"making .venv with Python {'.'.join(map(str, chosen.version))} ({chosen.path})")
            if self.folder.exists():
                shutil.rmtree(str(self.folder))
            _run([chosen.path, "-m", "venv", str(self.folder)], "make .venv")
            stamped = {}
        with contextlib.suppress(FileNotFoundError):
            self.stamp.unlink()
        installer = Installer(self, shutil.which("uv"))
        if stamped.get("lock") != wanted["lock"]:
            _say(f"installing {LOCK_NAME}")
            installer.sync()
        installer.install_project()
        self.stamp.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
        _say(f".venv is ready ({time.monotonic() - started_at:.0f} s)")

    def child_environ(self, environ: Mapping[str, str]) -> Dict[str, str]:
        """Environment variables of a program that runs in `.venv`."""
        child = {key: value for key, value in environ.items() if key != "PYTHONHOME"}
        child["VIRTUAL_ENV"] = str(self.folder)
        child["PATH"] = os.pathsep.join([str(self.scripts), environ.get("PATH", os.defpath)])
        return child


class Installer:
    """Installs by uv where there is one, because it is quick; else, or if uv fails, by pip."""

    def __init__(self, environment: Environment, uv: Optional[str]) -> None:
        self._environment = environment
        self._uv = uv

    def sync(self) -> None:
        """Install the locked packages, checked by hash, and remove all others."""
        lock = str(self._environment.root / LOCK_NAME)
        if self._by_uv(["sync", "--require-hashes", lock]):
            return
        self._by_pip(["install", "--require-hashes", "-r", lock], f"install {LOCK_NAME}")
        strangers = sorted(self._installed() - locked_names(Path(lock)) - _UNLOCKED)
        if strangers:
            self._by_pip(["uninstall", "--yes", *strangers], "remove what is no longer locked")

    def install_project(self) -> None:
        """Install the project itself, editable; needs no network, as its build backend is locked."""
        options = ["--no-deps", "--no-build-isolation", "--editable", str(self._environment.root)]
        if not self._by_uv(["install", *options]):
            self._by_pip(["install", *options], "install KorProxy into .venv")

    def _by_uv(self, arguments: List[str]) -> bool:
        if self._uv is None:
            return False
        command = [self._uv, "pip", *arguments, "--quiet"]
        command += ["--python", str(self._environment.python)]
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode == 0:
            return True
        _say("uv could not; trying pip")
        self._uv = None
        return False

    def _by_pip(self, arguments: List[str], step: str) -> None:
        options = ["-qq", "--disable-pip-version-check", "--no-input"]
        _run([*self._pip(), *arguments, *options], step)

    def _pip(self) -> List[str]:
        return [str(self._environment.python), "-m", "pip"]

    def _installed(self) -> "set[str]":
        command = [*self._pip(), "list", "--format=json", "--disable-pip-version-check"]
        listed = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=_pip_environ())
        return {normal_name(row["name"]) for row in json.loads(listed.stdout.decode("utf-8"))}


def normal_name(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_names(lock: Path) -> "set[str]":
    """Normal names of the distributions in a lock file."""
    text = lock.read_text(encoding="utf-8")
    return {normal_name(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}


@contextlib.contextmanager
def one_at_a_time(path: Path, deadline_s: float = 900.0) -> Iterator[None]:
    """
    Hold the lock file `path`; the system frees it if we die.

    Raises:
        EnvironmentFailedError: Another process has held it for `deadline_s` seconds.
    """
    give_up_at = time.monotonic() + deadline_s
    with path.open("a+b") as file:
        waiting = False
        while not _try_lock(file):
            if not waiting:
                _say("another dev.py is at work on .venv; waiting for it")
                waiting = True
            if time.monotonic() > give_up_at:
                raise EnvironmentFailedError(f"{path} has been held for {deadline_s:.0f} s.")
            time.sleep(_POLL_S)
        yield  # closing the file frees the lock


def _try_lock(file: "IO[bytes]") -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415  # of this platform only

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415  # of this platform only

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _digest(path: Path) -> str:
    # text, so that a checkout with other line ends is the same
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def _run(command: List[str], step: str) -> None:
    if subprocess.run(command, stdout=sys.stderr, check=False, env=_pip_environ()).returncode:
        raise EnvironmentFailedError(f"could not {step}: {' '.join(command)}")


def _pip_environ() -> Dict[str, str]:
    """Our environment without what would send pip's work elsewhere than into `.venv`."""
    elsewhere = {"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONHOME", "PYTHONPATH"}
    return {key: value for key, value in os.environ.items() if key not in elsewhere}


def _say(text: str) -> None:
    print(f"dev.py: {text}", file=sys.stderr, flush=True)
