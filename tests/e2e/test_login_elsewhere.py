"""Signing in where the browser is on another machine: by what a person pastes, and by a code on any device."""

import itertools
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from launcher.simulator import SimulatorThread
from support.devtools import Chromium
from support.gateway import free_port
from support.signing_in import LOGINS, SignInHome, SignInProcess

pytestmark = pytest.mark.e2e

SHOW_A_CODE = ("claude", "google")
END_ON_AN_ADDRESS = ("chatgpt", "siwc", "iflow")
DEVICES = ("chatgpt", "qwen")
QUICK_S = 0.2


@pytest.fixture(scope="module")
def sim() -> Iterator[SimulatorThread]:
    with SimulatorThread() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, sim: SimulatorThread) -> SignInHome:
    sim.reset()
    sim.simulator.world.authorizations.device_interval_s = QUICK_S
    return SignInHome(tmp_path / "home", sim)


def sign_in(home: SignInHome, name: str, *more: str, terminal: bool = False) -> SignInProcess:
    provider, access, _ = LOGINS[name]
    options = ("--access", access, "--accept-terms", *more)
    return SignInProcess(home, provider, *options, terminal=terminal)


class Holder:
    """Another program that listens on a port, and hangs up on whoever calls."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_server(("127.0.0.1", port))

    def __enter__(self) -> None:
        self._thread = threading.Thread(target=self._hang_up, daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _hang_up(self) -> None:
        with suppress(OSError):
            while True:
                self._socket.accept()[0].close()


def answer_at(browser: Chromium, url: str) -> str:
    """The address that the browser ends on."""
    browser.visit(url)
    browser.click("#approve")
    return browser.wait_for_address("code=ac_")


def answer(browser: Chromium, name: str, url: str) -> str:
    """What the person copies after they have allowed it."""
    if name not in SHOW_A_CODE:
        return answer_at(browser, url)
    browser.visit(url)
    browser.click("#approve")
    browser.wait_for_text("Copy this code")
    return str(browser.evaluate("document.querySelector('#code').innerText"))


@pytest.mark.parametrize("name", [*SHOW_A_CODE, *END_ON_AN_ADDRESS])
def test_what_the_person_pastes_signs_them_in(
    home: SignInHome, browser: Chromium, name: str
) -> None:
    with sign_in(home, name, "--paste") as running:
        running.type(answer(browser, name, home.page()))
        code, said = running.result()
    assert (code, said["account"]["state"]) == (0, "ready"), running.said


def test_another_sign_ins_answer_is_not_taken_and_the_right_one_still_is(
    home: SignInHome, browser: Chromium
) -> None:
    with sign_in(home, "chatgpt", "--paste") as running:
        stale = answer(browser, "chatgpt", home.page())
    with sign_in(home, "chatgpt", "--paste") as running:
        url = home.page()
        running.type(stale)
        running.wait_for("belongs to another sign-in")
        running.type("what do I paste?")
        running.wait_for("not the address")
        running.type(answer(browser, "chatgpt", url))
        assert running.result()[0] == 0


def test_a_pasted_code_that_was_used_already_is_refused(
    home: SignInHome, browser: Chromium, sim: SimulatorThread
) -> None:
    with sign_in(home, "claude", "--paste") as running:
        pasted = answer(browser, "claude", home.page())
        for code in sim.simulator.world.authorizations.codes.values():
            code.used = True
        running.type(pasted)
        result, said = running.result()
    assert (result, said["error"]["state"]) == (1, "INVALID_GRANT")
    assert "already used" in said["error"]["detail"]


def test_input_that_ends_ends_the_sign_in(home: SignInHome) -> None:
    with sign_in(home, "claude", "--paste") as running:
        assert running.process.stdin is not None
        home.page()
        running.process.stdin.close()
        code, said = running.result()
    assert (code, said["error"]["state"]) == (1, "AUTH_CANCELLED")


def test_a_port_that_another_program_holds_is_said_and_gone_around(
    home: SignInHome, browser: Chromium
) -> None:
    """Both of Codex's registered ports are taken; the answer is pasted."""
    with Holder(1455), Holder(1457):
        with sign_in(home, "chatgpt") as running:
            code, said = running.result()
        assert (code, said["error"]["code"]) == (1, "KP-AUTH-025")
        with sign_in(home, "chatgpt", terminal=True) as running:
            running.wait_for("another program holds port 1455 and 1457")
            pasted = answer(browser, "chatgpt", home.page())
            running.type(pasted)
            assert running.result()[0] == 0
        assert parse_qsl(urlsplit(pasted).query)[0][1] not in running.said  # a code is not shown


def test_at_a_terminal_the_address_may_be_pasted_though_the_browser_is_expected(
    home: SignInHome, browser: Chromium
) -> None:
    """The browser was on another machine: it never reaches this one."""
    with sign_in(home, "claude", terminal=True) as running:
        url = home.page()
        running.wait_for("Browser on another machine?")
        running.wait_for("left;")
        elsewhere = re.sub(r"localhost%3A\d+", f"localhost%3A{free_port()}", url)
        landed = answer_at(browser, elsewhere)
        issued = next(iter(home.sim.simulator.world.authorizations.codes.values()))
        redirect = dict(parse_qsl(urlsplit(url).query))["redirect_uri"]
        issued.asked = replace(issued.asked, redirect_uri=redirect)
        running.type(landed)
        assert running.result()[0] == 0


def test_one_registered_port_is_enough(home: SignInHome, browser: Chromium) -> None:
    with Holder(1455), sign_in(home, "chatgpt") as running:
        url = home.page()
        assert "localhost%3A1457" in url
        browser.visit(url)
        browser.click("#approve")
        browser.wait_for_text("You are signed in")
        assert running.result()[0] == 0


def device_page(running: SignInProcess, sim: SimulatorThread) -> tuple[str, str]:
    """The page that the terminal names, and the code it shows."""
    said = running.wait_for("left;")
    url = next(word for word in said.split() if word.startswith(f"{sim.base_url}/"))
    return url, sim.simulator.world.authorizations.devices[-1].user_code


def allow(browser: Chromium, url: str, user_code: str, button: str = "#approve") -> None:
    browser.visit(url)
    browser.evaluate(f"document.querySelector('#user_code').value = '{user_code}'")
    browser.click(button)
    browser.wait_for_text("You can close this page")


@pytest.mark.parametrize("name", DEVICES)
def test_a_code_on_any_device_signs_the_person_in(
    home: SignInHome, browser: Chromium, sim: SimulatorThread, name: str
) -> None:
    with sign_in(home, name, "--device") as running:
        url, user_code = device_page(running, sim)
        assert user_code in running.said
        sim.wait(lambda entries: any(it.operation == "device-poll" for it in entries))
        allow(browser, url, user_code)
        code, said = running.result()
    assert (code, said["account"]["state"]) == (0, "ready"), running.said


def test_a_provider_that_says_slow_down_is_asked_less_often(
    home: SignInHome, browser: Chromium, sim: SimulatorThread
) -> None:
    sim.script("slow-down", operation="device-poll", count=2)
    with sign_in(home, "qwen", "--device") as running:
        url, user_code = device_page(running, sim)
        polls = sim.wait(
            lambda entries: len([it for it in entries if it.operation == "device-poll"]) >= 4
        )
        allow(browser, url, user_code)
        assert running.result()[0] == 0
    times = [it.received_at for it in polls if it.operation == "device-poll"]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses[0] > QUICK_S * 1.4
    assert pauses[1] > QUICK_S * 2
    statuses = [it.status for it in polls if it.operation == "device-poll"]
    assert statuses[:3] == [429, 429, 400]


def test_a_code_that_ran_out_ends_the_sign_in(home: SignInHome, sim: SimulatorThread) -> None:
    with sign_in(home, "qwen", "--device") as running:
        device_page(running, sim)
        sim.simulator.world.skew_s = 1000.0
        code, said = running.result()
    assert (code, said["error"]["state"]) == (1, "AUTH_CANCELLED")
    assert "in time" in said["error"]["detail"]


def test_a_person_who_says_no_on_the_device_ends_it(
    home: SignInHome, browser: Chromium, sim: SimulatorThread
) -> None:
    with sign_in(home, "qwen", "--device") as running:
        allow(browser, *device_page(running, sim), button="#deny")
        code, said = running.result()
    assert (code, said["error"]["state"]) == (1, "AUTH_CANCELLED")
    assert home.accounts() == []


@pytest.mark.parametrize("name", DEVICES)
def test_a_provider_that_is_down_gives_no_code(
    home: SignInHome, sim: SimulatorThread, name: str
) -> None:
    sim.script("503", operation="device")
    with sign_in(home, name, "--device") as running:
        code, said = running.result()
    assert (code, said["error"]["state"]) == (1, "PROVIDER_ERROR")


def test_device_logins_that_are_switched_off_are_told_as_such(
    home: SignInHome, sim: SimulatorThread
) -> None:
    sim.script("404", operation="device")
    with sign_in(home, "chatgpt", "--device") as running:
        code, said = running.result()
    assert (code, said["error"]["code"]) == (1, "KP-AUTH-022")
    assert "switched off" in said["error"]["detail"]


def test_a_network_that_is_down_gives_no_code(home: SignInHome) -> None:
    config = home.folder / "config.yaml"
    device = home.sim.urls()["qwen", "oauth"]["device"]
    config.write_text(config.read_text().replace(device, f"http://127.0.0.1:{free_port()}/d"))
    with sign_in(home, "qwen", "--device") as running:
        code, said = running.result()
    assert (code, said["error"]["state"]) == (1, "NETWORK_ERROR")
