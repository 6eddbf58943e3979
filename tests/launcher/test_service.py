import os
import sys
from collections.abc import Sequence
from configparser import RawConfigParser
from pathlib import Path

import pytest

from launcher.service import (
    LaunchdAgent,
    ScheduledTask,
    Service,
    ServiceError,
    SystemdUnit,
    run_program,
    systemd_unit,
    this_system,
)

COMMAND = ["/opt/kor proxy/korproxy", "run", "--home", "/srv/a/50%$x"]


class ToySystem:
    """Runs nothing; notes what would have been run."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.refuses = ""
        self.says = ""

    def __call__(self, words: Sequence[str]) -> tuple[int, str]:
        line = " ".join(words)
        self.ran.append(line)
        if self.refuses and self.refuses in line:
            return 1, "it is refused"
        return 0, self.says


@pytest.fixture
def toy() -> ToySystem:
    return ToySystem()


@pytest.fixture(params=["linux", "macos", "windows"])
def service(request: pytest.FixtureRequest, tmp_path: Path, toy: ToySystem) -> Service:
    ways: dict[str, Service] = {
        "linux": SystemdUnit(tmp_path, toy),
        "macos": LaunchdAgent(tmp_path, toy, 501),
        "windows": ScheduledTask(toy),
    }
    return ways[request.param]


def test_it_is_installed_and_removed(service: Service, toy: ToySystem) -> None:
    toy.says = "state = running\nStatus: Running"
    state = service.install(COMMAND)
    assert (state.installed, state.running) == (True, True)
    toy.refuses = "is-active" if isinstance(service, SystemdUnit) else "print"
    if isinstance(service, ScheduledTask):
        toy.refuses = "/Query"
    state = service.uninstall()
    assert (state.installed, state.running) == (False, False)


def test_a_manager_that_refuses_is_quoted(service: Service, toy: ToySystem) -> None:
    words: dict[type[object], str] = {
        SystemdUnit: "enable", LaunchdAgent: "bootstrap", ScheduledTask: "/Create",
    }  # fmt: skip
    toy.refuses = words[type(service)]
    with pytest.raises(ServiceError, match="it is refused"):
        service.install(COMMAND)


def test_systemd_is_told_all_it_needs(tmp_path: Path, toy: ToySystem) -> None:
    SystemdUnit(tmp_path, toy).install(COMMAND)
    assert toy.ran[:2] == [
        "systemctl --user daemon-reload",
        "systemctl --user enable --now korproxy.service",
    ]
    text = (tmp_path / "systemd" / "user" / "korproxy.service").read_text()
    assert text == systemd_unit(COMMAND)


def test_a_unit_says_its_command_in_systemd_s_own_way() -> None:
    parser = RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(systemd_unit(COMMAND))
    assert parser["Service"]["ExecStart"] == '"/opt/kor proxy/korproxy" run --home /srv/a/50%%$$x'
    assert parser["Service"]["Restart"] == "on-failure"
    assert parser["Install"]["WantedBy"] == "default.target"


def test_a_program_that_is_not_there_is_an_error_in_words() -> None:
    with pytest.raises(ServiceError, match="cannot be run here"):
        run_program(("/nowhere/at/all",))
    assert run_program(("true",))[0] == 0 or os.name == "nt"


def test_this_system_has_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for platform, kind in (
        ("linux", SystemdUnit),
        ("darwin", LaunchdAgent),
        ("win32", ScheduledTask),
    ):
        monkeypatch.setattr(sys, "platform", platform)
        assert isinstance(this_system(), kind)
