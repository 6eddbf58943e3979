"""While exchanges are recorded, everybody who looks sees it: `korproxy status` and the status page of a real launcher."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from launcher.actions.recording import recording_state
from launcher.single_instance import runs
from support import config_file
from support.devtools import Chromium
from support.gateway import free_port
from support.waiting import until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX sockets are handed over"),
]


def korproxy(home: Path, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "launcher", *words, "--home", str(home), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return json.loads(done.stdout)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder whose launcher runs."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    settings = {"version": 1, "listen": {"port": free_port()}, "admin": {"port": 0}}
    config_file.write(folder, settings)
    assert korproxy(folder, "start")["state"] == "healthy"
    yield folder
    korproxy(folder, "stop")
    assert not runs(folder)


def test_the_badge_is_there_while_exchanges_are_recorded(home: Path) -> None:
    """And the button beside it ends that, for the gateway too."""
    with Chromium() as browser:
        browser.visit(korproxy(home, "open")["url"])
        browser.wait_for_text("Running.")
        assert "Recording" not in browser.text()

        on = korproxy(home, "record", "on", "--tool", "codex", "--shapes")
        assert (on["recording"]["on"], on["gateway"]) == (True, "taken up")
        assert korproxy(home, "status")["recording"]["tool"] == "codex"
        text = browser.wait_for_text("● Recording until ")
        assert "(codex, without content)" in text

        browser.click("#stop-recording")
        until(lambda: not recording_state(home).on)
        until(lambda: "Recording" not in browser.text())
    assert korproxy(home, "status")["recording"] is None
    found = korproxy(home, "record", "status")
    assert (found["recording"]["on"], found["gateway"]) == (False, "taken up")
