"""The config while the gateway runs: a change is in force at once, a mistake changes nothing and is told exactly."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from support import config_file
from support.adjusted import AdjustedGateway
from support.asking import Response, ask, question, send
from support.gateway import SimulatedGateway
from support.listener import Answer, Listener

pytestmark = pytest.mark.e2e

IN_FORCE_S = 1.0
CANARY = "sk-ant-api03-canary-in-the-config-55e1"
Settings = dict[str, Any]


@pytest.fixture(scope="module")
def watchful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway that looks at its config so often that a test need not wait."""
    interval: dict[str, object] = {"korproxy_addons.addons.control:WATCH_INTERVAL_S": 0.02}
    home = tmp_path_factory.mktemp("home")
    with SimulatedGateway(home, start=lambda it: AdjustedGateway(it, interval)) as found:
        yield found


@pytest.fixture
def running(watchful: SimulatedGateway) -> Iterator[SimulatedGateway]:
    """The watchful one; its config is as it was once the test is over."""
    watchful.sim.reset()
    before = config_file.text(watchful.home)
    add_key(watchful)
    yield watchful
    if config_file.text(watchful.home) != before:
        config_file.put(watchful.gateway, before)


def add_key(running: SimulatedGateway) -> None:
    """Put the added account's key in its place."""
    (running.home / "added-key").write_text(running.sim.urls()["compatible", "chat"]["secret"])


def change(running: SimulatedGateway, edit: Callable[[Settings], None]) -> float:
    """Edit the config; gives the seconds until it was in force."""
    told = config_file.change(running.gateway, edit)
    assert told["event"] == "config reloaded", told
    return float(told["took_s"])


def asked(running: SimulatedGateway, model: str) -> Response:
    """A question for a model."""
    return ask(running.url, question("openai-chat", model, "[[sim text=Aye]]"))


def health(running: SimulatedGateway) -> dict[str, Any]:
    """What the gateway says of itself."""
    found: dict[str, Any] = send(running.url, "GET", "/_korproxy/health").json
    return found


def add(settings: Settings, name: str, base: str, models: list[str]) -> None:
    """Add a provider and its account."""
    settings["providers"][name] = {
        "dialect": "openai-chat", "base_url": base, "local": True, "list_models": False,
        "models": models,
    }  # fmt: skip
    settings["accounts"].append({"id": name, "provider": name, "secret": "file:added-key"})


def test_an_added_account_serves_within_a_second(either: SimulatedGateway) -> None:
    """A new provider with a new account answers without a restart, and no more once it is taken out."""
    running = either
    add_key(running)
    instance = health(running)["instance"]
    base = running.sim.urls()["compatible", "chat"]["base"]
    assert asked(running, "added-model").status == 404
    took_s = change(running, lambda it: add(it, "added", base, ["added-model"]))
    assert took_s < IN_FORCE_S
    reply = asked(running, "added-model")
    assert (reply.status, reply.headers["x-korproxy-account"]) == (200, "added"), reply.body
    change(running, lambda it: it["accounts"].pop())
    assert asked(running, "added-model").status == 404
    assert health(running)["instance"] == instance


def test_a_changed_model_list_holds_at_once(running: SimulatedGateway) -> None:
    """An account with another list serves other models, in answers and in the list."""
    base = running.sim.urls()["compatible", "chat"]["base"]
    change(running, lambda it: add(it, "added", base, ["model-of-yesterday"]))
    assert asked(running, "model-of-yesterday").status == 200
    change(running, lambda it: it["providers"]["added"].update(models=["model-of-today"]))
    assert asked(running, "model-of-today").status == 200
    assert asked(running, "model-of-yesterday").status == 404
    listed = {it["id"] for it in send(running.url, "GET", "/v1/models").json["data"]}
    assert "model-of-today" in listed
    assert "model-of-yesterday" not in listed


def test_an_alias_holds_at_once(running: SimulatedGateway) -> None:
    """A name that pointed nowhere, then to one model, then to another."""
    assert asked(running, "my-favourite").status == 404
    for model, account in (("qwen3.8-max", "qwen"), ("glm-5", "iflow")):
        change(running, lambda it: it.update(aliases={"my-favourite": model}))  # noqa: B023 - called at once
        reply = asked(running, "my-favourite")
        assert (reply.status, account in reply.headers["x-korproxy-account"]) == (200, True)


def test_a_log_level_holds_at_once(running: SimulatedGateway) -> None:
    """What is set to be silent is; what is not goes on."""
    change(running, lambda it: it.update(logging={"components": {"exchange": "error"}}))
    unheard = asked(running, "glm-5").headers["x-korproxy-request-id"]
    change(running, lambda it: it.update(logging={"level": "info"}))
    heard = asked(running, "glm-5").headers["x-korproxy-request-id"]
    running.gateway.wait_for_log(heard)
    assert unheard not in {it.get("request_id") for it in running.gateway.log_lines()}


def test_a_stream_in_flight_is_not_disturbed(running: SimulatedGateway) -> None:
    """It ends whole, though its account was taken out while it ran; the next request no longer finds the account."""
    base = running.sim.urls()["compatible", "chat"]["base"]
    change(running, lambda it: add(it, "added", base, ["added-model"]))
    with ThreadPoolExecutor(1) as client:
        running.sim.script("held", after=5)
        prompt = "[[sim tokens=60 piece=4]]"
        ended = client.submit(
            ask, running.url, question("openai-chat", "added-model", prompt, stream=True)
        )
        (entry,) = running.sim.wait(lambda entries: any(it.sent_frames == 5 for it in entries))
        change(running, lambda it: it["accounts"].pop())
        assert asked(running, "added-model").status == 404
        assert entry.ended_at is None
        running.sim.release()
        reply = ended.result(30)
    assert reply.status == 200
    assert reply.body.endswith(b"data: [DONE]\n\n")
    assert entry.finished


def test_a_request_in_flight_goes_on_under_its_old_config(running: SimulatedGateway) -> None:
    """Its second account is the one the config named when it came, though the config has forgotten it since."""
    with Listener() as first, Listener() as second:
        first.answer = Answer(429, b'{"error": {"message": "busy"}}', when=Event())

        def two(settings: Settings) -> None:
            add(settings, "first", f"{first.url}/v1", ["m-two"])
            add(settings, "second", f"{second.url}/v1", ["m-two"])

        change(running, two)
        with ThreadPoolExecutor(1) as client:
            answer = client.submit(asked, running, "m-two")
            first.wait("/v1/chat/completions")
            change(running, lambda it: it["accounts"].__delitem__(slice(-2, None)))
            assert asked(running, "m-two").status == 404
            assert first.answer.when is not None
            first.answer.when.set()
            reply = answer.result(30)
        assert (reply.status, reply.headers["x-korproxy-account"]) == (200, "second"), reply.body
        assert len(second.heard) == 1


def plus(lines: str, below: str = "") -> Callable[[str], str]:
    """An edit that adds lines at the end, or right below a line."""
    return lambda it: it.replace(below, below + lines, 1) if below else it + lines


ODD_PROVIDER = "  odd:\n    dialect: openai-chat\n    base_url: http://api.example/v1\n"
# Name to: the edit, the key that is wrong, the text of its line, and a word of what would be right.
MISTAKES = {
    "type": (plus("timeouts:\n  connect_s: soon\n"), "timeouts.connect_s", "soon", "number"),
    "range": (plus("limits:\n  header_count: 1\n"), "limits.header_count", "header_count", "8"),
    "unknown key": (plus("acounts: []\n"), "acounts", "acounts", "accounts"),
    "provider": (
        plus("- id: odd\n  provider: claud\n", "accounts:\n"),
        "accounts[0].provider", "provider: claud\n", "claude",
    ),
    "secret": (
        plus(f"- id: odd\n  provider: claude\n  secret: {CANARY}\n", "accounts:\n"),
        "accounts[0].secret", CANARY, "env:",
    ),
    "plain http": (plus(ODD_PROVIDER, "providers:\n"), "providers.odd.base_url", "api.example", "https"),
    "no yaml": (plus("timeouts: {connect_s: [\n"), "", "timeouts", "YAML"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_changes_nothing_and_is_told_exactly(
    running: SimulatedGateway, mistake: str
) -> None:
    """File, line, key and what would be right, in health and in the log; once it is mended, all is well again."""
    edit, key, marker, expectation = MISTAKES[mistake]
    change(running, lambda it: it.update(aliases={"before": "glm-5"}))
    sound = config_file.text(running.home)
    broken = edit(sound.replace("before: glm-5", "after: glm-5"))
    told = config_file.put(running.gateway, broken)
    assert told["event"] == "config refused"
    number = next(n for n, line in enumerate(broken.splitlines(), 1) if marker.strip() in line)
    says = health(running)
    for problem in (told["problem"], says["config_problems"][0]):
        file, line, _ = problem.split(":", 2)
        assert (file.endswith("config.yaml"), key in problem) == (True, True), problem
        # Where a bracket stays open, the end of the file is as good a place as its beginning.
        assert int(line) == number or (mistake == "no yaml" and int(line) > number), problem
        assert expectation in problem
        assert CANARY not in problem
    assert says["status"] == "ok"
    assert (asked(running, "before").status, asked(running, "after").status) == (200, 404)
    mended = config_file.put(running.gateway, sound.replace("before: glm-5", "after: glm-5"))
    assert mended["event"] == "config reloaded"
    assert health(running)["config_problems"] == []
    assert (asked(running, "before").status, asked(running, "after").status) == (404, 200)


def test_a_config_that_is_gone_is_a_mistake_too(running: SimulatedGateway) -> None:
    """It is not written anew, and the last good one stays in force."""
    path = running.home / "config.yaml"
    content = config_file.text(running.home)
    assert config_file.noted(running.gateway, path.unlink)["event"] == "config refused"
    assert health(running)["config_problems"] != []
    assert asked(running, "glm-5").status == 200
    assert not path.exists()
    assert config_file.put(running.gateway, content)["event"] == "config reloaded"
    assert health(running)["config_problems"] == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_config_that_others_can_write_is_refused(running: SimulatedGateway) -> None:
    """Who can write it can send every prompt anywhere."""
    path = running.home / "config.yaml"

    def give(mode: int) -> str:
        path.chmod(mode)
        return str(config_file.noted(running.gateway, path.touch)["event"])

    assert give(0o622) == "config refused"
    assert "chmod 600" in health(running)["config_problems"][0]
    assert give(0o600) == "config reloaded"
    assert health(running)["config_problems"] == []
