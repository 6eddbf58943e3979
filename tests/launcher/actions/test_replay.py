"""A recorded request, sent once more through a real gateway to simulated providers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.recording.record import RecordedMessage, Recording
from launcher.actions.replay import plan_replay, send_replay
from launcher.demo.settings import write_settings
from launcher.simulator import SimulatorThread
from support.gateway import GatewayProcess
from support.recordings import ASKED, EVENTS, asking, keep, messages_stream, recording, saying

SAID = "Hello! This is claude-opus-5-5 on the simulator."
KEY = "local-key-of-a-replay"


@pytest.fixture(scope="module")
def sim() -> Iterator[SimulatorThread]:
    with SimulatorThread() as running:
        yield running


@pytest.fixture(scope="module")
def home(sim: SimulatorThread, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an account for every way in; its gateway wants a local key."""
    folder = tmp_path_factory.mktemp("home") / "home"
    keys = {"required": True, "keys": [{"id": "own", "secret": "file:secrets/local"}]}
    write_settings(folder, sim.urls(), port=0, extra={"local_keys": keys})
    (folder / "secrets" / "local").write_text(KEY)
    return folder


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[GatewayProcess]:
    with GatewayProcess(home) as gateway:
        text = (home / "config.yaml").read_text().replace("port: 0", f"port: {gateway.port}")
        (home / "config.yaml").write_text(text)
        yield gateway


def made(home: Path, **changed: Any) -> Recording:
    """A recording of a request that the simulated provider would answer."""
    whole = recording(**changed)
    last = structs.replace(
        whole.attempts[-1],
        provider="claude",
        dialect="anthropic-messages",
        model="claude-opus-5-5",
        reply=saying(200, messages_stream(SAID)),
    )
    given = changed.get("reply", saying(200, messages_stream(SAID)))
    return keep(home, structs.replace(whole, attempts=(last,), reply=given))


def test_the_same_request_is_answered_again(home: Path, running: GatewayProcess) -> None:
    """By whoever the route leads to today; what is said is compared, and counted."""
    recorded = made(home)
    result = send_replay(home, plan_replay(home), local_key=KEY)
    assert result.ok, result
    assert result.by_running_gateway
    assert result.compared
    before, after = result.before, result.after
    assert (before.status, before.text, before.finish) == (200, SAID, "stop")
    assert (before.provider, before.account, before.request_id) == (
        "claude",
        "Second",
        recorded.request_id,
    )
    assert (before.input_tokens, before.first_byte_ms, before.total_ms) == (9, 60.5, 91.0)
    assert (after.status, after.text, after.finish, after.error) == (200, SAID, "stop", "")
    assert (after.provider, after.model) == ("claude", "claude-opus-5-5")
    assert after.account == "simulated claude-api-key"
    assert after.output_tokens
    assert after.cost_usd
    assert after.total_ms is not None
    assert {it.path.partition(".")[0] for it in result.differences} <= {"usage"}
    lines = running.wait_for_log(after.request_id)
    assert lines[-1]["outcome"] == "ok"


def test_another_provider_is_asked_in_its_place(home: Path, running: GatewayProcess) -> None:
    made(home)
    plan = plan_replay(home, against="gemini/gemini-3.8-flash")
    assert plan.replay.model == "gemini/gemini-3.8-flash"
    result = send_replay(home, plan, local_key=KEY)
    assert result.ok, result
    assert (result.after.provider, result.after.model) == ("gemini", "gemini-3.8-flash")
    (text,) = [it for it in result.differences if it.path == "text"]
    assert text.before == SAID
    assert text.after == SAID.replace("claude-opus-5-5", "gemini-3.8-flash")


def test_a_refusal_is_told_with_its_code(home: Path, running: GatewayProcess) -> None:
    """Without the gateway's key nothing is answered, and the ledger may know nothing of it."""
    made(home)
    result = send_replay(home, plan_replay(home))
    assert not result.ok
    assert result.after.status is not None
    assert result.after.code == catalogue.LOCAL_KEY_REFUSED.code
    assert result.after.error
    assert result.after.input_tokens is None


def test_an_answer_that_was_not_kept_is_not_compared(home: Path, running: GatewayProcess) -> None:
    gone = RecordedMessage(status=200, headers=(EVENTS,), note="too much was under way")
    made(home, reply=gone)
    result = send_replay(home, plan_replay(home), local_key=KEY)
    assert result.ok
    assert not result.compared
    assert result.differences == ()
    assert result.before.text == ""


def test_a_client_that_left_had_no_answer(home: Path, running: GatewayProcess) -> None:
    made(home, reply=None)
    result = send_replay(home, plan_replay(home), local_key=KEY)
    assert result.ok
    assert result.before.status is None
    assert not result.compared


def test_a_gateway_is_started_where_none_runs(sim: SimulatorThread, tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_settings(home, sim.urls(), port=0)
    made(home)
    result = send_replay(home, plan_replay(home))
    assert result.ok, result
    assert not result.by_running_gateway
    assert result.after.output_tokens


def test_the_plan_says_what_it_may_cost(home: Path) -> None:
    made(home)
    plan = plan_replay(home)
    assert plan.input_tokens == 9
    assert plan.cost_usd is not None
    cheap = plan_replay(home, against="gemini/gemini-3.8-flash")
    assert cheap.cost_usd is not None
    assert cheap.cost_usd < plan.cost_usd
    assert plan_replay(home, against="nobody/knows-this-model").cost_usd is None


def test_where_nobody_counted_the_length_says_it(home: Path) -> None:
    keep(home, recording(attempts=(), reply=None))
    plan = plan_replay(home)
    assert plan.input_tokens == len(json.dumps(ASKED)) // 4
    assert plan.cost_usd is None


def test_what_cannot_be_sent_is_not_planned(home: Path) -> None:
    keep(home, recording(request=structs.replace(asking("http://h/", ASKED), cut_bytes=1)))
    with pytest.raises(KorProxyError) as raised:
        plan_replay(home)
    assert raised.value.spec is catalogue.CANNOT_REPLAY
