"""
KorProxy as a service of the person's account: it runs without a tray and without a terminal, from login on.

systemd's user manager on Linux, launchd on macOS, Task Scheduler on Windows; each by its own program, which is a port here.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from launcher.autostart import launch_agent

UNIT = "korproxy.service"
TASK = "KorProxy"
PLIST = "com.korproxy.service"

type Run = Callable[[Sequence[str]], tuple[int, str]]
"""Runs a program; its exit code and what it said."""


class ServiceError(Exception):
    """The system's service manager refused; the text is what it said."""


@dataclass(frozen=True, slots=True)
class ServiceState:
    """
    How the service stands.

    Attributes:
        installed: It is known to the system.
        running: It runs now.
        where: The file, or the name, that makes it known.
    """

    installed: bool
    running: bool
    where: str


class Service(Protocol):
    """One system's way."""

    def install(self, command: list[str]) -> ServiceState:
        """Have `command` kept running from login on, and start it now."""

    def uninstall(self) -> ServiceState:
        """Stop it, and forget it."""

    def state(self) -> ServiceState:
        """How it stands."""


class SystemdUnit:
    """
    A unit of systemd's user manager.

    Args:
        config_home: XDG_CONFIG_HOME, or `~/.config`.
        run: Runs systemctl.
    """

    def __init__(self, config_home: Path, run: Run) -> None:
        self._path = config_home / "systemd" / "user" / UNIT
        self._run = run

    def install(self, command: list[str]) -> ServiceState:
        """Write the unit, enable and start it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(systemd_unit(command), encoding="utf-8")
        self._systemctl("daemon-reload")
        self._systemctl("enable", "--now", UNIT)
        return self.state()

    def uninstall(self) -> ServiceState:
        """Disable and stop the unit, and remove it."""
        if self._path.exists():
            self._systemctl("disable", "--now", UNIT)
            self._path.unlink()
            self._systemctl("daemon-reload")
        return self.state()

    def state(self) -> ServiceState:
        """How it stands."""
        code, _ = self._run(("systemctl", "--user", "is-active", "--quiet", UNIT))
        return ServiceState(self._path.exists(), code == 0, str(self._path))

    def _systemctl(self, *words: str) -> None:
        code, said = self._run(("systemctl", "--user", *words))
        if code != 0:
            raise ServiceError(
                said.strip() or f"systemctl --user {' '.join(words)}: exit code {code}"
            )


class LaunchdAgent:
    """
    An agent of launchd that is kept alive.

    Args:
        home: The person's home folder.
        run: Runs launchctl.
        user: The person's numeric id.
    """

    def __init__(self, home: Path, run: Run, user: int) -> None:
        self._path = home / "Library" / "LaunchAgents" / f"{PLIST}.plist"
        self._run = run
        self._domain = f"gui/{user}"

    def install(self, command: list[str]) -> ServiceState:
        """Write the agent and load it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = launch_agent(command, keep_alive=True).replace(b"com.korproxy.app", PLIST.encode())
        self._path.write_bytes(text)
        code, said = self._run(("launchctl", "bootstrap", self._domain, str(self._path)))
        if code != 0:
            raise ServiceError(said.strip() or f"launchctl: exit code {code}")
        return self.state()

    def uninstall(self) -> ServiceState:
        """Unload the agent and remove it."""
        self._run(("launchctl", "bootout", f"{self._domain}/{PLIST}"))
        self._path.unlink(missing_ok=True)
        return self.state()

    def state(self) -> ServiceState:
        """How it stands."""
        code, said = self._run(("launchctl", "print", f"{self._domain}/{PLIST}"))
        return ServiceState(
            self._path.exists(), code == 0 and "state = running" in said, str(self._path)
        )


class ScheduledTask:
    """
    A task that starts at logon.

    Args:
        run: Runs schtasks.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def install(self, command: list[str]) -> ServiceState:
        """Create the task and start it."""
        line = subprocess.list2cmdline(command)
        for words in (
            (
                "schtasks",
                "/Create",
                "/F",
                "/SC",
                "ONLOGON",
                "/RL",
                "LIMITED",
                "/TN",
                TASK,
                "/TR",
                line,
            ),
            ("schtasks", "/Run", "/TN", TASK),
        ):
            code, said = self._run(words)
            if code != 0:
                raise ServiceError(said.strip() or f"{words[0]}: exit code {code}")
        return self.state()

    def uninstall(self) -> ServiceState:
        """End and delete the task."""
        self._run(("schtasks", "/End", "/TN", TASK))
        self._run(("schtasks", "/Delete", "/F", "/TN", TASK))
        return self.state()

    def state(self) -> ServiceState:
        """How it stands."""
        code, said = self._run(("schtasks", "/Query", "/TN", TASK, "/FO", "LIST"))
        return ServiceState(code == 0, code == 0 and "Running" in said, TASK)


def this_system() -> Service:
    """This system's way."""
    if sys.platform == "win32":
        return ScheduledTask(run_program)
    if sys.platform == "darwin":
        return LaunchdAgent(Path.home(), run_program, os.getuid())
    config_home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return SystemdUnit(config_home, run_program)


def run_program(words: Sequence[str]) -> tuple[int, str]:
    """
    Run a program of the system's.

    Raises:
        ServiceError: it is not there.
    """
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(f"{words[0]} cannot be run here: {error}") from error
    return done.returncode, done.stdout + done.stderr


def systemd_unit(command: list[str]) -> str:
    """A unit that brings KorProxy back unless it ended as it was told to."""
    words = " ".join(_quoted(it) for it in command)
    return (
        "[Unit]\nDescription=KorProxy, one local endpoint for your AI accounts\nAfter=network.target\n\n"
        f"[Service]\nExecStart={words}\nExecReload=/bin/kill -HUP $MAINPID\nRestart=on-failure\nRestartSec=5\n"
        # As long as a drain may take, and a little more.
        "TimeoutStopSec=45\nKillMode=mixed\n\n[Install]\nWantedBy=default.target\n"
    )


def _quoted(word: str) -> str:
    """A word for systemd, which knows specifiers and variables of its own."""
    text = word.replace("%", "%%").replace("$", "$$").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"' if any(c.isspace() or c in "\"'\\" for c in text) else text
