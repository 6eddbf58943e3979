import json
import sys
from pathlib import Path

import pytest

from launcher import service
from launcher.cli import run
from launcher.service import ServiceError, ServiceState

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the entry is freedesktop's")


def test_autostart_is_switched_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for verb, on in (("status", False), ("on", True), ("status", True), ("off", False)):
        assert run(["autostart", verb, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["autostart"] is on
    assert run(["autostart", "status"]) == 0
    assert capsys.readouterr().out == "KorProxy does not start at login.\n"


class ToyService:
    state_now = ServiceState(installed=False, running=False, where="unit")

    def install(self, command: list[str]) -> ServiceState:
        assert command[-1] == "run"
        self.state_now = ServiceState(installed=True, running=True, where="unit")
        return self.state_now

    def uninstall(self) -> ServiceState:
        raise ServiceError("no user bus")

    def state(self) -> ServiceState:
        return self.state_now


def test_the_service_is_installed_and_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    toy = ToyService()
    monkeypatch.setattr(service, "this_system", lambda: toy)
    assert run(["service", "status"]) == 0
    assert capsys.readouterr().out == "The service is not installed (unit).\n"
    assert run(["service", "install"]) == 0
    assert capsys.readouterr().out == "The service is installed, running (unit).\n"
    assert run(["service", "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "installed": True, "running": True, "where": "unit",
    }  # fmt: skip


def test_a_system_that_refuses_is_quoted_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(service, "this_system", ToyService)
    assert run(["service", "uninstall"]) == 1
    said = capsys.readouterr().err
    assert "KP-SYS-511" in said
    assert "no user bus" in said
    assert "korproxy run" in said
