import plistlib
import shlex
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path
from typing import Any, Self

import pytest

from launcher.autostart import (
    Autostart,
    DesktopEntry,
    LaunchAgent,
    RunKey,
    desktop_entry,
    launch_agent,
    own_command,
    this_system,
    windows_command,
)

COMMAND = ["/opt/kor proxy/korproxy", "tray", "--home", '/srv/a/50 % "x"']


class ToyRegistry:
    """As much of `winreg` as is used."""

    HKEY_CURRENT_USER, REG_SZ, KEY_SET_VALUE = "HKCU", 1, 2

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def OpenKey(self, *_: Any) -> Self:  # noqa: N802
        return self

    CreateKey = OpenKey

    def QueryValueEx(self, _key: Any, name: str) -> str:  # noqa: N802
        if name not in self.values:
            raise FileNotFoundError(name)
        return self.values[name]

    def SetValueEx(self, _key: Any, name: str, *value: Any) -> None:  # noqa: N802
        self.values[name] = value[-1]

    def DeleteValue(self, _key: Any, name: str) -> None:  # noqa: N802
        if name not in self.values:
            raise FileNotFoundError(name)
        del self.values[name]


@pytest.fixture(params=["linux", "macos", "windows"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Autostart:
    ways: dict[str, Autostart] = {
        "linux": DesktopEntry(tmp_path),
        "macos": LaunchAgent(tmp_path),
        "windows": RunKey(ToyRegistry()),
    }
    return ways[request.param]


def test_it_is_turned_on_and_off_and_back(system: Autostart) -> None:
    assert not system.is_on()
    system.turn_off()
    for _ in range(2):
        assert system.turn_on(COMMAND)
        assert system.is_on()
    system.turn_off()
    assert not system.is_on()


def test_an_entry_that_the_desktop_hid_is_off(tmp_path: Path) -> None:
    entry = DesktopEntry(tmp_path)
    path = Path(entry.turn_on(COMMAND))
    path.write_text(path.read_text() + "Hidden=true\n")
    assert not entry.is_on()


def test_the_command_comes_out_as_it_went_in() -> None:
    """Spaces, quotes and percent signs: each system has its own way to read a line."""
    parser = RawConfigParser()
    parser.read_string(desktop_entry(COMMAND))
    assert shlex.split(parser["Desktop Entry"]["exec"].replace("%%", "%")) == COMMAND
    assert plistlib.loads(launch_agent(COMMAND))["ProgramArguments"] == COMMAND
    assert windows_command(COMMAND) == subprocess.list2cmdline(COMMAND)


def test_an_agent_of_a_service_is_kept_alive() -> None:
    assert plistlib.loads(launch_agent(COMMAND, keep_alive=True))["KeepAlive"] == {
        "SuccessfulExit": False
    }
    assert plistlib.loads(launch_agent(COMMAND))["KeepAlive"] is False


def test_this_system_has_its_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    found = this_system()
    assert isinstance(found, DesktopEntry)
    assert found.turn_on(COMMAND).startswith(str(tmp_path))
    monkeypatch.setattr(sys, "platform", "darwin")
    assert isinstance(this_system(), LaunchAgent)


def test_the_own_command_is_one_that_runs() -> None:
    done = subprocess.run(own_command("version"), capture_output=True, check=True)
    assert done.stdout
