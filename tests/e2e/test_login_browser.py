"""Signing in with a real browser, at each provider: what the person does, and what they have afterwards."""

import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from launcher.simulator import SimulatorThread
from support.asking import Response, ask, question
from support.devtools import Chromium
from support.gateway import GatewayProcess, free_port
from support.signing_in import LOGINS, SignInHome, SignInProcess
from support.waiting import until

pytestmark = pytest.mark.e2e

BROWSER_LOGINS = ("claude", "chatgpt", "siwc", "google", "iflow")
MODELS = {
    "claude": ("anthropic-messages", "claude-sonnet-5-5"),
    "chatgpt": ("openai-responses", "gpt-6.1-sol"),
    "siwc": ("openai-responses", "gpt-6.1-sol"),
    "google": ("gemini", "gemini-3.8-flash"),
    "iflow": ("openai-chat", "glm-5"),
}
SCOPES = {
    "claude": "user:inference",
    "siwc": "chatgpt.tokens.use.direct",
    "google": "https://www.googleapis.com/auth/cloud-platform",
}


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
    return SignInHome(tmp_path / "home", sim)


def sign_in(home: SignInHome, name: str, *more: str) -> SignInProcess:
    provider, access, _ = LOGINS[name]
    return SignInProcess(home, provider, "--access", access, "--accept-terms", *more)


def served(gateway: GatewayProcess, home: SignInHome, name: str, account: str) -> Response | None:
    """The answer to a request by the account, once the running gateway knows it."""
    dialect, model = MODELS[name]
    asked = question(dialect, f"{LOGINS[name][0]}@{account}/{model}")
    # Two of the logins serve their vendor's own tool alone.
    tool = "GeminiCLI/0.61.0" if name == "google" else "claude-cli/2.1.0 (external, cli)"
    reply = ask(gateway.url, asked, **{"user-agent": tool})
    return reply if reply.status == 200 else None


@pytest.mark.parametrize("name", BROWSER_LOGINS)
def test_a_person_signs_in_and_a_running_gateway_serves_them(
    home: SignInHome, browser: Chromium, name: str
) -> None:
    with GatewayProcess(home.folder, environment=home.environment) as gateway:
        with sign_in(home, name) as running:
            browser.visit(home.page())
            browser.click("#approve")
            browser.wait_for_text("You are signed in")
            browser.wait_for_text("close this page")
            code, said = running.result()
        assert (code, said["reconnected"]) == (0, False), running.said
        account = said["account"]
        assert (account["kind"], account["state"]) == ("login", "ready")
        assert account["renews"]
        assert account["email"].endswith("@example.com") or name == "siwc"
        reply = until(lambda: served(gateway, home, name, account["id"]))
        assert reply.headers["x-korproxy-account"] == account["id"]
    config = (home.folder / "config.yaml").read_text()
    assert config.startswith("# The comment stays.\n")
    assert f"vault:{account['id']}" in config
    files = [it for it in home.folder.rglob("*") if it.is_file() and it.name != "client-secret"]
    kept = {it.name: it.read_bytes().decode("latin-1") for it in files}
    shown = {**kept, "screen": running.said, "result": str(said), "gateway": gateway.errors}
    for secret in secrets_of(home.sim):
        assert [where for where, text in shown.items() if secret in text] == []


def secrets_of(sim: SimulatorThread) -> set[str]:
    """Every token and code that the simulator has given out, and the client secret that it was sent."""
    world = sim.simulator.world
    tokens = {it for it in [*world.logins._by_secret, *world.logins._grants] if "~" in it}
    assert len(tokens) >= 2
    assert world.authorizations.codes
    return {*tokens, *world.authorizations.codes, "sim-client-secret"}


def test_a_running_gateway_follows_every_change(home: SignInHome, sim: SimulatorThread) -> None:
    key = sim.urls()["claude", "api-key"]
    config = home.folder / "config.yaml"
    named = f"  claude:\n    base_url: {key['base']}\n"
    config.write_text(config.read_text().replace("  claude:\n", named))
    asked = question("anthropic-messages", f"claude@mine/{key['model']}")

    with GatewayProcess(home.folder, environment=home.environment) as gateway:

        def becomes(good: bool) -> bool:
            return until(lambda: (ask(gateway.url, asked).status == 200) is good or None)

        assert becomes(good=False)
        added = home.cli("account", "add", "claude", "--key", "--id", "mine", typed=key["secret"])
        assert added.returncode == 0, added.stderr
        assert becomes(good=True)
        for verb, good in (("disable", False), ("enable", True), ("remove", False)):
            assert home.cli("account", verb, "mine").returncode == 0
            assert becomes(good)
    assert config.read_text().startswith("# The comment stays.\n")


def test_the_same_person_again_gets_a_new_login_and_no_second_account(
    home: SignInHome, browser: Chromium
) -> None:
    results = []
    for _ in range(2):
        with sign_in(home, "chatgpt") as running:
            browser.visit(home.page())
            browser.click("#approve")
            results.append(running.result()[1])
    assert [it["reconnected"] for it in results] == [False, True]
    assert len(home.accounts()) == 1


def test_an_account_that_was_issued_a_client_id_is_reconnected_under_it(
    home: SignInHome, browser: Chromium
) -> None:
    with sign_in(home, "siwc") as running:
        first = home.page()
        browser.visit(first)
        browser.click("#approve")
        account = running.result()[1]["account"]["id"]
    with sign_in(home, "siwc", "--replace", account) as running:
        second = home.page()
        browser.visit(second)
        browser.click("#approve")
        assert running.result()[1]["reconnected"]
    asked = [dict(parse_qsl(urlsplit(it).query)) for it in (first, second)]
    assert [it["client_id"] for it in asked] == ["dynamic_agent_client", "oaiapp_sim"]
    assert [it.get("agent_name_hint") for it in asked] == ["KorProxy", None]
    assert asked[0]["ext_agent_host_id"] == asked[1]["ext_agent_host_id"]


@pytest.mark.parametrize("name", BROWSER_LOGINS)
def test_a_person_who_says_no_leaves_nothing_behind(
    home: SignInHome, browser: Chromium, name: str
) -> None:
    with sign_in(home, name) as running:
        browser.visit(home.page())
        browser.click("#deny")
        browser.wait_for_text("Connection was cancelled")
        code, said = running.result()
    assert (code, said["error"]["state"]) == (1, "AUTH_CANCELLED")
    assert home.accounts() == []


@pytest.mark.parametrize("name", SCOPES)
def test_a_login_without_the_permission_it_is_for_is_not_kept(
    home: SignInHome, browser: Chromium, name: str
) -> None:
    with sign_in(home, name) as running:
        browser.visit(home.page())
        browser.click(f"input[value='{SCOPES[name]}']")
        browser.click("#approve")
        browser.wait_for_text("Required permissions were not granted")
        code, said = running.result()
    assert (code, said["error"]["state"]) == (1, "SCOPE_DENIED")
    assert SCOPES[name].rpartition("/")[2] in said["error"]["detail"]
    assert home.accounts() == []


@pytest.mark.parametrize("name", BROWSER_LOGINS)
def test_an_answer_with_a_wrong_state_is_not_taken_and_the_right_one_still_is(
    home: SignInHome, browser: Chromium, sim: SimulatorThread, name: str
) -> None:
    sim.script("foreign-state", operation="consent")
    with sign_in(home, name) as running:
        url = home.page()
        browser.visit(url)
        browser.click("#approve")
        browser.wait_for_text("belongs to another sign-in")
        running.wait_for("was not taken")
        assert not [it for it in sim.ledger.entries if it.operation == "exchange"]
        browser.visit(url)
        browser.click("#approve")
        browser.wait_for_text("You are signed in")
        assert running.result()[0] == 0


@pytest.mark.parametrize("name", BROWSER_LOGINS)
def test_a_code_that_somebody_else_has_used_is_refused(
    home: SignInHome, browser: Chromium, sim: SimulatorThread, name: str
) -> None:
    """The code goes through the browser: a thief there who is faster leaves us without a login, and gets none."""
    sim.script("foreign-state", operation="consent")
    with sign_in(home, name) as running:
        browser.visit(home.page())
        browser.click("#approve")
        callback = browser.wait_for_address("code=ac_")
        for code in sim.simulator.world.authorizations.codes.values():
            code.used = True
        browser.visit(callback.replace("state=not-", "state="))
        browser.wait_for_text("Authorization was rejected")
        result, said = running.result()
    assert (result, said["error"]["state"]) == (1, "INVALID_GRANT")
    assert home.accounts() == []


def test_an_answer_counts_once(home: SignInHome, browser: Chromium, sim: SimulatorThread) -> None:
    with sign_in(home, "claude") as running:
        browser.visit(home.page())
        browser.click("#approve")
        callback = browser.wait_for_address("code=ac_")
        assert running.result()[0] == 0
    browser.visit(callback)
    # Nobody listens any more: what is shown is the browser's own page, and it says so.
    assert "signed in" not in browser.wait_for_text("ERR_CONNECTION_REFUSED")
    exchanges = [it for it in sim.ledger.entries if it.operation == "exchange"]
    assert len(exchanges) == 1


@pytest.mark.parametrize("name", BROWSER_LOGINS)
def test_a_provider_that_is_down_is_told_as_such(
    home: SignInHome, browser: Chromium, sim: SimulatorThread, name: str
) -> None:
    sim.script("503", operation="exchange")
    with sign_in(home, name) as running:
        browser.visit(home.page())
        browser.click("#approve")
        browser.wait_for_text("Provider is unavailable")
        code, said = running.result()
    assert (code, said["error"]["state"]) == (1, "PROVIDER_ERROR")
    assert said["error"]["remedy"][0] == "Try again in a few minutes."


def test_a_network_that_is_down_is_told_as_such(home: SignInHome, browser: Chromium) -> None:
    config = home.folder / "config.yaml"
    token = home.sim.urls()["openai", "chatgpt"]["token"]
    config.write_text(config.read_text().replace(token, f"http://127.0.0.1:{free_port()}/token"))
    with sign_in(home, "chatgpt") as running:
        browser.visit(home.page())
        browser.click("#approve")
        browser.wait_for_text("Connection failed")
        code, said = running.result()
    assert (code, said["error"]["state"]) == (1, "NETWORK_ERROR")
    assert said["error"]["code"] == "KP-NET-301"


def test_control_c_ends_it(home: SignInHome) -> None:
    with sign_in(home, "claude") as running:
        home.page()
        running.wait_for("left;")
        running.process.send_signal(signal.SIGINT)
        code, said = running.result()
    assert (code, said["error"]["state"]) == (1, "AUTH_CANCELLED")
    assert "Traceback" not in running.said
    assert home.accounts() == []


def test_an_identity_that_somebody_else_signed_is_refused(
    home: SignInHome, browser: Chromium, sim: SimulatorThread
) -> None:
    sim.script("foreign-key", operation="exchange")
    with sign_in(home, "siwc") as running:
        browser.visit(home.page())
        browser.click("#approve")
        browser.wait_for_text("Authorization was rejected")
        code, said = running.result()
    assert (code, said["error"]["state"]) == (1, "INVALID_GRANT")
    assert "not signed by the provider" in said["error"]["detail"]
    assert home.accounts() == []


def test_a_callback_without_the_client_id_that_is_to_be_issued_is_refused(
    home: SignInHome, browser: Chromium, sim: SimulatorThread
) -> None:
    sim.script("no-client-id", operation="consent")
    with sign_in(home, "siwc") as running:
        browser.visit(home.page())
        browser.click("#approve")
        code, said = running.result()
    assert (code, said["error"]["state"]) == (1, "INVALID_GRANT")
    assert "client id" in said["error"]["detail"]
