"""The launcher's page in a real browser: it says how the gateway is, steers it, shows its log, and lets nobody in twice."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from launcher.single_instance import runs
from support import config_file
from support.asking import ask, question
from support.devtools import Chromium
from support.gateway import free_port
from support.waiting import until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX sockets are handed over"),
]
AWAY = {
    "away": {"dialect": "openai-chat", "base_url": "https://provider.invalid/v1", "auth": "none"}
}


def korproxy(home: Path, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "launcher", *words, "--home", str(home), "--json"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    settings = {
        "version": 1, "listen": {"port": free_port()}, "admin": {"port": 0}, "providers": AWAY,
    }  # fmt: skip
    config_file.write(folder, settings)
    assert korproxy(folder, "start")["state"] == "healthy"
    yield folder
    korproxy(folder, "stop")
    assert not runs(folder)


def test_the_page_says_what_is_so_and_steers(home: Path) -> None:
    with Chromium() as browser:
        link = korproxy(home, "open")["url"]
        browser.visit(link)
        browser.wait_for_text("Running.")
        status = korproxy(home, "status")
        assert f"{status['url']}/v1" in browser.text()
        browser.click("#actions button")  # the first one
        browser.wait_for_text("Paused. New requests are told so.")
        assert korproxy(home, "status")["state"] == "paused"
        browser.click("#actions button")
        browser.wait_for_text("Running.")
        for _ in range(3):
            ask(status["url"], question("openai-chat", "away/m", "hello"))
        browser.wait_for_text("Running, but no provider can be reached")
        assert "exchange finished" in browser.text(), "the log is there, too"
        korproxy(home, "stop")
        browser.wait_for_text("The launcher does not answer.")
    assert not runs(home)


def test_a_link_opens_once(home: Path) -> None:
    link = korproxy(home, "open")["url"]
    with Chromium() as first:
        first.visit(link)
        first.wait_for_text("Running.")
    with Chromium() as second:
        second.visit(link)
        second.wait_for_address("/sign-in")
        until(lambda: "korproxy open" in second.text())
