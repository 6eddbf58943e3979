"""A provider that takes its time: the client is kept waiting as its dialect allows, and never left in silence."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from korproxy_addons.dialects import dialect
from korproxy_addons.errors import catalogue
from support.asking import Response, ask, payloads, question, said
from support.gateway import SimulatedGateway
from support.live_reply import LiveReply, a_slow_answer
from support.waiting import until

pytestmark = pytest.mark.e2e

NATIVE = {
    "openai-chat": "qwen3.8-max",
    "openai-responses": "gpt-6.1-sol",
    "anthropic-messages": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}
# One account alone, which is asked twice at most.
PINNED = {
    "openai-chat": "qwen@qwen-api-key/qwen3.8-max",
    "openai-responses": "codex@codex-api-key/gpt-6.1-sol",
    "anthropic-messages": "claude@claude-api-key/claude-sonnet-5-5",
    "gemini": "gemini@gemini-api-key/gemini-3.8-flash",
}
KEPT = [it for it in NATIVE if it != "gemini"]
PAIRS = [(client, model) for client in KEPT for model in NATIVE.values()]
# The patience of an unknown tool is a minute: its head is held for a third of a second, or for a tenth of that.
HASTY = {"hold_share": 0.005, "keep_alive_s": 0.1, "first_byte_s": 1.2, "idle_s": 0.8}
PATIENT = {"hold_share": 0.0005, "keep_alive_s": 0.02}


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway that soon gives a silent provider up."""
    home = tmp_path_factory.mktemp("home")
    with SimulatedGateway(home, {"timeouts": HASTY}) as running:
        yield running


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway that waits for a provider as long as it takes."""
    home = tmp_path_factory.mktemp("home")
    with SimulatedGateway(home, {"timeouts": PATIENT}) as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(hasty: SimulatedGateway, patient: SimulatedGateway) -> None:
    hasty.sim.reset()
    patient.sim.reset()


def row_of(gateway: SimulatedGateway, request_id: str) -> dict[str, Any]:
    """The ledger's row of a request."""

    def look() -> dict[str, Any] | None:
        connection = sqlite3.connect(f"{(gateway.home / 'korproxy.db').as_uri()}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            found = connection.execute(
                "SELECT * FROM exchanges WHERE request_id = ?", (request_id,)
            )
            row = found.fetchone()
            return None if row is None else dict(row)
        finally:
            connection.close()

    return until(look)


def streamed(gateway: SimulatedGateway, client: str, model: str) -> Response:
    return ask(gateway.url, question(client, model, "[[sim text=Aye thinking=off]]", stream=True))


def waited_for(gateway: SimulatedGateway, client: str, model: str, **fault: int) -> Response:
    """A stream whose provider says nothing until its client has heard some beats; then it answers, or fails."""
    gateway.sim.script("held", **fault)
    prompt = "[[sim text=Aye thinking=off]]"
    with LiveReply(gateway.url, question(client, model, prompt, stream=True)) as live:
        live.hear(dialect(client).keep_alive(), 3)
        gateway.sim.release()
        return live.rest()


def beats_before_content(reply: Response, client: str) -> int:
    beat = dialect(client).keep_alive()
    count = 0
    while reply.body.startswith(beat * (count + 1)):
        count += 1
    return count


@pytest.mark.parametrize(("client", "model"), PAIRS)
def test_a_slow_answer_comes_behind_keep_alives(
    patient: SimulatedGateway, client: str, model: str
) -> None:
    """Of the kind its dialect has, whole ones, and nothing is missing of the answer."""
    reply = waited_for(patient, client, model)
    assert reply.status == 200
    assert beats_before_content(reply, client) >= 3
    assert said(client, reply, stream=True) == "Aye"
    assert reply.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("client", KEPT)
def test_a_head_that_could_not_know_who_answers_does_not_say_so(
    patient: SimulatedGateway, client: str
) -> None:
    """The ledger does."""
    reply = waited_for(patient, client, NATIVE[client])
    assert reply.headers["x-korproxy-account"] == ""
    assert reply.headers["x-korproxy-why"].split(", ")[-2:] == ["kept-waiting", "undecided"]
    row = row_of(patient, reply.headers["x-korproxy-request-id"])
    assert row["account"]
    assert (row["outcome"], row["status"]) == ("ok", 200)
    assert "kept-waiting" in row["why"]
    assert "undecided" not in row["why"]


@pytest.mark.parametrize("client", KEPT)
def test_behind_keep_alives_another_attempt_is_still_made(
    patient: SimulatedGateway, client: str
) -> None:
    """Nothing of an answer has been sent: the client sees one answer, whoever gives it."""
    reply = waited_for(patient, client, NATIVE[client], status=503)
    assert reply.status == 200
    assert said(client, reply, stream=True) == "Aye"
    row = row_of(patient, reply.headers["x-korproxy-request-id"])
    first, *rest = json.loads(row["attempts"])
    assert (first["status"], len(rest)) == (503, 1)
    assert len(patient.sim.ledger.entries) == 2


def test_so_it_is_where_the_first_is_given_up(hasty: SimulatedGateway) -> None:
    hasty.sim.script("held")
    client = "anthropic-messages"
    reply = streamed(hasty, client, NATIVE[client])
    assert (reply.status, said(client, reply, stream=True)) == (200, "Aye")
    row = row_of(hasty, reply.headers["x-korproxy-request-id"])
    first, *rest = json.loads(row["attempts"])
    assert (first["code"], len(rest)) == (catalogue.FIRST_BYTE_TIMEOUT.code, 1)


@pytest.mark.parametrize("client", KEPT)
def test_an_error_as_first_event_is_not_the_answer_behind_keep_alives_either(
    patient: SimulatedGateway, client: str
) -> None:
    patient.sim.script("error-in-200", status=529, skip=1)
    # which more than one account serves
    reply = waited_for(patient, client, NATIVE["openai-chat"], status=503)
    assert said(client, reply, stream=True) == "Aye"
    assert len(patient.sim.ledger.entries) == 3


def last_event(reply: Response) -> Any:
    return payloads(reply.body)[-1]


@pytest.mark.parametrize("client", KEPT)
def test_if_all_fail_the_stream_ends_with_an_error_of_its_dialect(
    hasty: SimulatedGateway, client: str
) -> None:
    """Never in silence, and never as if it were an answer."""
    hasty.sim.script("held", count=None)
    reply = streamed(hasty, client, PINNED[client])
    assert reply.status == 200
    assert beats_before_content(reply, client) >= 2
    last = last_event(reply)
    assert catalogue.FIRST_BYTE_TIMEOUT.code in json.dumps(last)
    assert b"[DONE]" not in reply.body
    assert b"message_stop" not in reply.body
    assert b"response.completed" not in reply.body
    match client:
        case "openai-chat":
            assert "message" in last["error"]
        case "openai-responses":
            assert last["type"] == "response.failed"
        case _:
            assert last["type"] == "error"
    row = row_of(hasty, reply.headers["x-korproxy-request-id"])
    assert (row["outcome"], row["code"]) == ("error", catalogue.FIRST_BYTE_TIMEOUT.code)


def test_what_fails_before_that_has_a_status_of_its_own(hasty: SimulatedGateway) -> None:
    hasty.sim.script("status", status=400, count=None)
    reply = streamed(hasty, "openai-chat", NATIVE["openai-chat"])
    assert reply.status == 400


@pytest.mark.parametrize("model", NATIVE.values())
def test_a_gemini_client_is_sent_nothing_but_data(patient: SimulatedGateway, model: str) -> None:
    """It stumbles over comments: its head waits for the first event, while another client behind it hears beats."""
    with a_slow_answer(patient):
        reply = streamed(patient, "gemini", model)
    lines = [it for it in reply.body.replace(b"\r\n", b"\n").split(b"\n") if it]
    assert [it for it in lines if not it.startswith(b"data: {")] == []
    assert said("gemini", reply, stream=True) == "Aye"
    assert reply.headers["x-korproxy-account"]


@pytest.mark.parametrize(("client", "stream"), [("gemini", True), *((it, False) for it in NATIVE)])
def test_whoever_cannot_be_kept_waiting_gets_a_status(
    hasty: SimulatedGateway, client: str, *, stream: bool
) -> None:
    hasty.sim.script("held", count=None)
    reply = ask(hasty.url, question(client, PINNED[client], stream=stream))
    assert reply.status == 504
    assert reply.headers["x-korproxy-error"] == catalogue.FIRST_BYTE_TIMEOUT.code


@pytest.mark.parametrize("client", NATIVE)
def test_a_stream_that_falls_silent_ends_with_an_error(
    hasty: SimulatedGateway, client: str
) -> None:
    """Beats or not: the provider's silence is what counts."""
    hasty.sim.script("stall", after=3, count=None)
    asked = question(client, NATIVE[client], "[[sim tokens=60 piece=5 thinking=off]]", stream=True)
    reply = ask(hasty.url, asked)
    assert reply.status == 200
    assert catalogue.IDLE_TIMEOUT.code in json.dumps(last_event(reply))
    hasty.sim.ledger.wait(lambda entries: entries[-1].client_gone_at is not None)


@pytest.mark.parametrize("client", KEPT)
def test_beats_fill_a_silence_in_the_middle(patient: SimulatedGateway, client: str) -> None:
    patient.sim.script("held", after=3)
    prompt = "[[sim text=AyeAyeAye piece=3 thinking=off]]"
    with LiveReply(patient.url, question(client, NATIVE[client], prompt, stream=True)) as live:
        patient.sim.wait(lambda entries: any(it.sent_frames == 3 for it in entries))
        live.hear(dialect(client).keep_alive(), 3)
        patient.sim.release()
        reply = live.rest()
    assert said(client, reply, stream=True) == "AyeAyeAye"


def test_a_request_that_says_how_long_it_waits_is_answered_before(
    patient: SimulatedGateway,
) -> None:
    """The official SDKs say so in a header; without it nobody would give the provider up."""
    patient.sim.script("held", count=None)
    asked = question("openai-chat", NATIVE["openai-chat"])
    asked.headers["x-stainless-timeout"] = "0.5"
    reply = ask(patient.url, asked)
    assert (reply.status, reply.headers["x-korproxy-error"]) == (
        504,
        catalogue.FIRST_BYTE_TIMEOUT.code,
    )
    (attempt,) = json.loads(row_of(patient, reply.headers["x-korproxy-request-id"])["attempts"])
    assert attempt["code"] == catalogue.FIRST_BYTE_TIMEOUT.code


@pytest.mark.parametrize("kept", [False, True], ids=["before the head", "behind keep-alives"])
def test_a_client_that_leaves_while_it_waits_frees_the_provider(
    patient: SimulatedGateway, *, kept: bool
) -> None:
    """Nothing else would: the provider says nothing, and is not given up."""
    patient.sim.script("held")
    asked = question("openai-chat", NATIVE["openai-chat"], stream=kept)
    with LiveReply(patient.url, asked, **{"x-request-id": f"leaver-{kept}"}) as live:
        patient.sim.wait(bool)
        if kept:
            live.hear(dialect("openai-chat").keep_alive(), 1)
    patient.sim.wait(lambda entries: entries[-1].client_gone_at is not None)
    row = row_of(patient, f"leaver-{kept}")
    assert row["outcome"] == "client_gone"


class TestRealClients:
    """The SDKs pass over what comes before the answer."""

    def test_openai_chat(self, patient: SimulatedGateway) -> None:
        with (
            a_slow_answer(patient),
            openai.OpenAI(base_url=f"{patient.url}/v1", api_key="x", max_retries=0) as client,
        ):
            stream = client.chat.completions.create(
                model="qwen3.8-max",
                messages=[{"role": "user", "content": "[[sim text=Aye]]"}],
                stream=True,
            )
            assert (
                "".join(it.choices[0].delta.content or "" for it in stream if it.choices) == "Aye"
            )

    def test_openai_responses(self, patient: SimulatedGateway) -> None:
        with (
            a_slow_answer(patient),
            openai.OpenAI(base_url=f"{patient.url}/v1", api_key="x", max_retries=0) as client,
            client.responses.stream(model="gpt-6.1-sol", input="[[sim text=Aye]]") as stream,
        ):
            assert stream.get_final_response().output_text == "Aye"

    def test_anthropic(self, patient: SimulatedGateway) -> None:
        """A ping may come before the message begins."""
        with (
            a_slow_answer(patient),
            anthropic.Anthropic(base_url=patient.url, api_key="x", max_retries=0) as client,
            client.messages.stream(
                model="claude-sonnet-5-5",
                max_tokens=100,
                messages=[{"role": "user", "content": "[[sim text=Aye]]"}],
            ) as stream,
        ):
            assert stream.get_final_text() == "Aye"

    def test_they_raise_an_error_that_comes_behind_keep_alives(
        self, hasty: SimulatedGateway
    ) -> None:
        hasty.sim.script("held", count=None)
        with (
            anthropic.Anthropic(base_url=hasty.url, api_key="x", max_retries=0) as client,
            pytest.raises(anthropic.APIStatusError, match="KP-NET-308"),
            client.messages.stream(
                model=PINNED["anthropic-messages"],
                max_tokens=100,
                messages=[{"role": "user", "content": "hello"}],
            ) as stream,
        ):
            stream.get_final_text()
