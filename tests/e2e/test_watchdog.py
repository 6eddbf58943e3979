"""A provider that takes its time: the client is kept waiting as its dialect allows, and never left in silence."""

import http.client
import json
import sqlite3
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import anthropic
import openai
import pytest

from korproxy_addons.dialects import dialect
from korproxy_addons.errors import catalogue
from support.asking import Question, Response, ask, payloads, question, said
from support.gateway import SimulatedGateway
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
# The patience of an unknown tool is a minute: its head is held for a third of a second.
WAITS = {"hold_share": 0.005, "keep_alive_s": 0.1, "first_byte_s": 1.2, "idle_s": 0.8}
SLOW_S = 0.8


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway in a hurry."""
    home = tmp_path_factory.mktemp("home")
    with SimulatedGateway(home, {"timeouts": WAITS}) as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(hasty: SimulatedGateway) -> None:
    hasty.sim.reset()


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


def beats_before_content(reply: Response, client: str) -> int:
    beat = dialect(client).keep_alive()
    count = 0
    while reply.body.startswith(beat * (count + 1)):
        count += 1
    return count


@pytest.mark.parametrize(("client", "model"), PAIRS)
def test_a_slow_answer_comes_behind_keep_alives(
    hasty: SimulatedGateway, client: str, model: str
) -> None:
    """Of the kind its dialect has, whole ones, and nothing is missing of the answer."""
    hasty.sim.script("slow-first-byte", seconds=SLOW_S)
    reply = streamed(hasty, client, model)
    assert reply.status == 200
    assert beats_before_content(reply, client) >= 2
    assert said(client, reply, stream=True) == "Aye"
    assert reply.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("client", KEPT)
def test_a_head_that_could_not_know_who_answers_does_not_say_so(
    hasty: SimulatedGateway, client: str
) -> None:
    """The ledger does."""
    hasty.sim.script("slow-first-byte", seconds=SLOW_S)
    reply = streamed(hasty, client, NATIVE[client])
    assert reply.headers["x-korproxy-account"] == ""
    assert reply.headers["x-korproxy-why"].split(", ")[-2:] == ["kept-waiting", "undecided"]
    row = row_of(hasty, reply.headers["x-korproxy-request-id"])
    assert row["account"]
    assert (row["outcome"], row["status"]) == ("ok", 200)
    assert "kept-waiting" in row["why"]
    assert "undecided" not in row["why"]


@pytest.mark.parametrize("client", KEPT)
def test_behind_keep_alives_another_attempt_is_still_made(
    hasty: SimulatedGateway, client: str
) -> None:
    """Nothing of an answer has been sent: the client sees one answer, whoever gives it."""
    hasty.sim.script("slow-first-byte", seconds=30)
    reply = streamed(hasty, client, NATIVE[client])
    assert reply.status == 200
    assert said(client, reply, stream=True) == "Aye"
    row = row_of(hasty, reply.headers["x-korproxy-request-id"])
    first, *rest = json.loads(row["attempts"])
    assert (first["code"], len(rest)) == (catalogue.FIRST_BYTE_TIMEOUT.code, 1)
    assert len(hasty.sim.ledger.entries) == 2


@pytest.mark.parametrize("client", KEPT)
def test_an_error_as_first_event_is_not_the_answer_behind_keep_alives_either(
    hasty: SimulatedGateway, client: str
) -> None:
    hasty.sim.script("slow-first-byte", seconds=30)
    hasty.sim.script("error-in-200", status=529)
    # which more than one account serves
    reply = streamed(hasty, client, NATIVE["openai-chat"])
    assert said(client, reply, stream=True) == "Aye"
    assert len(hasty.sim.ledger.entries) == 3


def last_event(reply: Response) -> Any:
    return payloads(reply.body)[-1]


@pytest.mark.parametrize("client", KEPT)
def test_if_all_fail_the_stream_ends_with_an_error_of_its_dialect(
    hasty: SimulatedGateway, client: str
) -> None:
    """Never in silence, and never as if it were an answer."""
    hasty.sim.script("slow-first-byte", seconds=30, count=None)
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
def test_a_gemini_client_is_sent_nothing_but_data(hasty: SimulatedGateway, model: str) -> None:
    """It stumbles over comments: its head waits for the first event."""
    hasty.sim.script("slow-first-byte", seconds=SLOW_S)
    reply = streamed(hasty, "gemini", model)
    lines = [it for it in reply.body.replace(b"\r\n", b"\n").split(b"\n") if it]
    assert [it for it in lines if not it.startswith(b"data: {")] == []
    assert said("gemini", reply, stream=True) == "Aye"
    assert reply.headers["x-korproxy-account"]


@pytest.mark.parametrize(("client", "stream"), [("gemini", True), *((it, False) for it in NATIVE)])
def test_whoever_cannot_be_kept_waiting_gets_a_status(
    hasty: SimulatedGateway, client: str, *, stream: bool
) -> None:
    hasty.sim.script("slow-first-byte", seconds=30, count=None)
    reply = ask(hasty.url, question(client, PINNED[client], stream=stream))
    assert reply.status == 504
    assert reply.headers["x-korproxy-error"] == catalogue.FIRST_BYTE_TIMEOUT.code


@pytest.mark.parametrize("client", NATIVE)
def test_a_stream_that_falls_silent_ends_with_an_error(
    hasty: SimulatedGateway, client: str
) -> None:
    """With beats until then, where there are any."""
    hasty.sim.script("stall", after=3, count=None)
    asked = question(client, NATIVE[client], "[[sim tokens=60 piece=5 thinking=off]]", stream=True)
    reply = ask(hasty.url, asked)
    assert reply.status == 200
    assert catalogue.IDLE_TIMEOUT.code in json.dumps(last_event(reply))
    beat = dialect(client).keep_alive()
    assert not beat or reply.body.count(beat) >= 3
    hasty.sim.ledger.wait(lambda entries: entries[-1].client_gone_at is not None)


def test_a_request_that_says_how_long_it_waits_is_answered_before(hasty: SimulatedGateway) -> None:
    """The official SDKs say so in a header."""
    hasty.sim.script("slow-first-byte", seconds=30, count=None)
    asked = question("openai-chat", NATIVE["openai-chat"])
    asked.headers["x-stainless-timeout"] = "0.5"
    reply = ask(hasty.url, asked)
    assert (reply.status, reply.headers["x-korproxy-error"]) == (
        504,
        catalogue.FIRST_BYTE_TIMEOUT.code,
    )
    row = row_of(hasty, reply.headers["x-korproxy-request-id"])
    assert row["total_ms"] < 1000


@pytest.mark.parametrize("kept", [False, True], ids=["before the head", "behind keep-alives"])
def test_a_client_that_leaves_while_it_waits_frees_the_provider(
    hasty: SimulatedGateway, *, kept: bool
) -> None:
    hasty.sim.script("slow-first-byte", seconds=30)
    asked: Question = question("openai-chat", NATIVE["openai-chat"], stream=kept)
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(hasty.url).port, timeout=20)
    headers = {
        **asked.headers,
        "content-type": "application/json",
        "x-request-id": f"leaver-{kept}",
    }
    connection.request("POST", asked.path, json.dumps(asked.body), headers)
    if kept:
        reply = connection.getresponse()
        assert (reply.status, reply.read(3)) == (200, b": k")
        reply.close()
    else:
        hasty.sim.ledger.wait(bool)
    connection.close()
    hasty.sim.ledger.wait(lambda entries: entries[-1].client_gone_at is not None, 1.0)
    row = row_of(hasty, f"leaver-{kept}")
    assert row["outcome"] == "client_gone"


class TestRealClients:
    """The SDKs pass over what comes before the answer."""

    def test_openai_chat(self, hasty: SimulatedGateway) -> None:
        hasty.sim.script("slow-first-byte", seconds=SLOW_S)
        with openai.OpenAI(base_url=f"{hasty.url}/v1", api_key="x", max_retries=0) as client:
            stream = client.chat.completions.create(
                model="qwen3.8-max",
                messages=[{"role": "user", "content": "[[sim text=Aye]]"}],
                stream=True,
            )
            assert (
                "".join(it.choices[0].delta.content or "" for it in stream if it.choices) == "Aye"
            )

    def test_openai_responses(self, hasty: SimulatedGateway) -> None:
        hasty.sim.script("slow-first-byte", seconds=SLOW_S)
        with (
            openai.OpenAI(base_url=f"{hasty.url}/v1", api_key="x", max_retries=0) as client,
            client.responses.stream(model="gpt-6.1-sol", input="[[sim text=Aye]]") as stream,
        ):
            assert stream.get_final_response().output_text == "Aye"

    def test_anthropic(self, hasty: SimulatedGateway) -> None:
        """A ping may come before the message begins."""
        hasty.sim.script("slow-first-byte", seconds=SLOW_S)
        with (
            anthropic.Anthropic(base_url=hasty.url, api_key="x", max_retries=0) as client,
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
        hasty.sim.script("slow-first-byte", seconds=30, count=None)
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
