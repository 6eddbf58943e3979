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
        # The log is there, too: a thread of the gateway writes it, and the page asks for it apart from its state.
        browser.wait_for_text("exchange finished")
        korproxy(home, "stop")
        browser.wait_for_text("The launcher does not answer.")
    assert not runs(home)


# From now on the page's question how the gateway stands is answered at once, and the first answer kept back.
HOLD_BACK = """
window.letGo = null;
const own = window.fetch;
window.fetch = async (path, ...more) => {
  const reply = await own(path, ...more);
  if (window.letGo || !path.endsWith("/status")) return reply;
  const said = await reply.json();
  await new Promise(done => { window.letGo = done; });
  return { ok: true, status: 200, json: async () => { setTimeout(() => { window.arrived = true; }); return said; } };
};
"""


def test_an_answer_that_was_overtaken_shows_nothing_any_more(home: Path) -> None:
    """The page asks every two seconds, and at each press: what was so before the press must not bring its buttons back."""
    with Chromium() as browser:
        browser.visit(korproxy(home, "open")["url"])
        browser.wait_for_text("Running.")
        browser.evaluate(HOLD_BACK)
        until(lambda: browser.evaluate("window.letGo !== null"))
        browser.click("#actions button")
        browser.wait_for_text("Paused. New requests are told so.")
        # Nothing is asked from here on, so that nothing mends what the late answer may do.
        browser.evaluate("window.fetch = () => new Promise(() => {})")
        browser.evaluate("window.letGo()")
        until(lambda: browser.evaluate("window.arrived === true"))
        assert "Paused. New requests are told so." in browser.text()
        assert browser.evaluate("document.querySelector('#actions button').innerText") == "Resume"


def test_a_link_opens_once(home: Path) -> None:
    link = korproxy(home, "open")["url"]
    with Chromium() as first:
        first.visit(link)
        first.wait_for_text("Running.")
    with Chromium() as second:
        second.visit(link)
        second.wait_for_address("/sign-in")
        until(lambda: "korproxy open" in second.text())
