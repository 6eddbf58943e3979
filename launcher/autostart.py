"""Starting KorProxy with the person's session: one class per system, each with one file or value that is wholly ours."""

import os
import plistlib
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

from launcher.legacy_names import own_program

PLIST_LABEL = "com.korproxy.app"


class Autostart(Protocol):
    """How one system is told."""

    def is_on(self) -> bool:
        """Whether KorProxy starts with the session."""

    def turn_on(self, command: list[str]) -> str:
        """Have `command` run with each session; returns where that was written."""

    def turn_off(self) -> None:
        """Undo it; nothing happens where it was off."""


class DesktopEntry:
    """
    Linux and other freedesktop sessions: an entry in the autostart folder.

    Args:
        config_home: XDG_CONFIG_HOME, or `~/.config`.
    """

    def __init__(self, config_home: Path) -> None:
        self._path = config_home / "autostart" / "korproxy.desktop"

    def is_on(self) -> bool:
        """Whether the entry is there and not hidden."""
        try:
            return "Hidden=true" not in self._path.read_text(encoding="utf-8")
        except OSError:
            return False

    def turn_on(self, command: list[str]) -> str:
        """Write the entry."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(desktop_entry(command), encoding="utf-8")
        return str(self._path)

    def turn_off(self) -> None:
        """Remove the entry."""
        self._path.unlink(missing_ok=True)


class LaunchAgent:
    """
    macOS: an agent that runs at load.

    Args:
        home: The person's home folder.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / "Library" / "LaunchAgents" / f"{PLIST_LABEL}.plist"

    def is_on(self) -> bool:
        """Whether the agent is there."""
        return self._path.exists()

    def turn_on(self, command: list[str]) -> str:
        """Write the agent; it runs at the next login."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_bytes(launch_agent(command))
        return str(self._path)

    def turn_off(self) -> None:
        """Remove the agent."""
        self._path.unlink(missing_ok=True)


class RunKey:
    """
    Windows: a value below HKEY_CURRENT_USER.

    Args:
        registry: The module `winreg`.
    """

    PATH = r"Software\Microsoft\Windows\CurrentVersion\Run"
    VALUE = "KorProxy"

    def __init__(self, registry: Any) -> None:
        self._registry = registry

    def is_on(self) -> bool:
        """Whether the value is there."""
        registry = self._registry
        try:
            with registry.OpenKey(registry.HKEY_CURRENT_USER, self.PATH) as key:
                registry.QueryValueEx(key, self.VALUE)
        except FileNotFoundError:
            return False
        return True

    def turn_on(self, command: list[str]) -> str:
        """Write the value."""
        registry = self._registry
        with registry.CreateKey(registry.HKEY_CURRENT_USER, self.PATH) as key:
            registry.SetValueEx(key, self.VALUE, 0, registry.REG_SZ, windows_command(command))
        return rf"HKEY_CURRENT_USER\{self.PATH}\{self.VALUE}"

    def turn_off(self) -> None:
        """Remove the value."""
        registry = self._registry
        try:
            with registry.OpenKey(
                registry.HKEY_CURRENT_USER, self.PATH, 0, registry.KEY_SET_VALUE
            ) as key:
                registry.DeleteValue(key, self.VALUE)
        except FileNotFoundError:
            return


def this_system() -> Autostart | None:
    """This system's way; None if it has none that we know."""
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - Windows alone has it

        return RunKey(winreg)
    if sys.platform == "darwin":
        return LaunchAgent(Path.home())
    if os.name == "posix":
        return DesktopEntry(Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"))
    return None


def own_command(*words: str) -> list[str]:
    """Argv of `korproxy WORDS`, from source or frozen, or as KORPROXY_CLI names the program."""
    program = (
        [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "launcher"]
    )
    return [*(own_program() or program), *words]


def desktop_entry(command: list[str]) -> str:
    """An autostart entry; a percent sign would begin a field code."""
    words = shlex.join(command).replace("%", "%%")
    return (
        "[Desktop Entry]\nType=Application\nName=KorProxy\n"
        "Comment=One local endpoint for your AI accounts\n"
        f"Exec={words}\nTerminal=false\nX-GNOME-Autostart-enabled=true\n"
    )


def launch_agent(command: list[str], *, keep_alive: bool = False) -> bytes:
    """A property list that runs `command` at login."""
    return plistlib.dumps(
        {
            "Label": PLIST_LABEL,
            "ProgramArguments": command,
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False} if keep_alive else False,
            "ProcessType": "Background",
        }
    )


def windows_command(command: list[str]) -> str:
    """A command line as Windows splits it."""
    return subprocess.list2cmdline(command)
