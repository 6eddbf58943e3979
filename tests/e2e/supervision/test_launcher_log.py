"""The launcher's own log: states of the gateway, beside the gateway's lines, with levels that change while it runs."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from launcher.actions.log_levels import set_level
from launcher.log_lines import LogFilter, last_lines
from support.gateway import free_port
from support.kept import Launched
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="POSIX signals")]


def lines(home: Path) -> list[dict[str, Any]]:
    return last_lines(home, LogFilter(component="launcher"))


def events(home: Path) -> list[str]:
    return [it["event"] for it in lines(home)]


def test_its_states_are_logged_as_loudly_as_the_settings_say(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        f"version: 1\nlisten: {{port: {free_port()}, hosts: [127.0.0.1]}}\n"
        "logging:\n  components:\n    launcher: error\n"
    )
    config.chmod(0o600)
    with Launched(tmp_path) as launched:
        first = launched.wait_for("healthy")
        assert events(tmp_path) == []
        set_level(tmp_path, "launcher", "default")

        until(lambda: events(tmp_path) == ["log settings read"])
        os.kill(launched.process.pid, signal.SIGHUP)
        launched.wait_for("healthy", lambda it: it["pid"] != first["pid"])
        launched.stop()
    found = [it for it in lines(tmp_path) if it["event"] == "gateway state"]
    assert {it["port"] for it in found if it["state"] == "healthy"} == {first["port"]}
    assert found[-1]["state"] == "stopped"
