"""What is said on one socket: messages to requests, replies to messages."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.sse import frame_bytes
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.socket_talk import SocketTalk, Turn
from support.cut import cut

Json = dict[str, Any]
HELLO = {"type": "message", "role": "user", "content": "hello"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "ls", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "a.py"}


@pytest.fixture
def talk() -> SocketTalk:
    numbers = iter(range(1, 100))
    return SocketTalk(lambda: f"resp_warm{next(numbers)}")


def create(**fields: Any) -> bytes:
    return json.dumps({"type": "response.create", "model": "gpt", **fields}).encode()


def asked(talk: SocketTalk, **fields: Any) -> tuple[Json, dict[str, str]]:
    """Body and headers of the request that a message becomes."""
    turn = talk.take(create(**fields))
    assert isinstance(turn, Turn)
    return json.loads(turn.body), dict(turn.headers)


def event(kind: str, **fields: Any) -> bytes:
    return frame_bytes(json.dumps({"type": kind, **fields}).encode(), kind)


def completed(response_id: str) -> bytes:
    return event("response.completed", response={"id": response_id, "usage": {"total_tokens": 3}})


def served(talk: SocketTalk, response_id: str, *items: Json) -> list[Json]:
    """Carry a whole good reply."""
    said = talk.head(200, [])
    for item in items:
        said += talk.feed(event("response.output_item.done", output_index=0, item=item))
    said += talk.feed(completed(response_id))
    return [json.loads(it) for it in said + talk.end()]


def test_a_message_becomes_the_body_that_would_be_posted(talk: SocketTalk) -> None:
    body, headers = asked(
        talk, input=[HELLO], store=False, generate=True, stream_id="x", background=False
    )
    assert body == {"model": "gpt", "input": [HELLO], "store": False, "stream": True}
    assert headers == {}


def test_a_later_message_goes_on_from_the_response_it_names(talk: SocketTalk) -> None:
    """Upstream, everything said so far is there; what was a reply stands as it came, ids and all."""
    asked(talk, input=[HELLO])
    served(talk, "resp_1", CALL)
    body, _ = asked(talk, input=[RESULT], previous_response_id="resp_1")
    assert body["input"] == [HELLO, CALL, RESULT]
    assert "previous_response_id" not in body
    served(talk, "resp_2", {"type": "message", "role": "assistant", "content": []})
    body, _ = asked(talk, input=[HELLO], previous_response_id="resp_2")
    assert [it["type"] for it in body["input"]] == [
        "message", "function_call", "function_call_output", "message", "message",
    ]  # fmt: skip


def test_only_the_last_response_can_be_gone_on_from(talk: SocketTalk) -> None:
    """An id that is not this socket's last passes: the gateway may know it, or says that it does not."""
    asked(talk, input=[HELLO])
    served(talk, "resp_1", CALL)
    asked(talk, input=[RESULT], previous_response_id="resp_1")
    served(talk, "resp_2")
    body, _ = asked(talk, input=[HELLO], previous_response_id="resp_1")
    assert (body["input"], body["previous_response_id"]) == ([HELLO], "resp_1")


def test_a_failed_reply_leaves_the_last_response_as_it_was(talk: SocketTalk) -> None:
    asked(talk, input=[HELLO])
    served(talk, "resp_1", CALL)
    asked(talk, input=[RESULT], previous_response_id="resp_1")
    talk.head(200, [])
    talk.feed(event("response.output_item.done", item={"type": "message"}))
    talk.head(500, [])
    talk.end()
    body, _ = asked(talk, input=[RESULT], previous_response_id="resp_1")
    assert body["input"] == [HELLO, CALL, RESULT]


def test_a_warm_up_is_answered_here_and_can_be_gone_on_from(talk: SocketTalk) -> None:
    said = talk.take(create(input=[HELLO], generate=False))
    assert isinstance(said, list)
    assert [json.loads(it)["type"] for it in said] == ["response.created", "response.completed"]
    response_id = json.loads(said[0])["response"]["id"]
    body, _ = asked(talk, input=[RESULT], previous_response_id=response_id)
    assert body["input"] == [HELLO, RESULT]


def test_a_text_as_input_is_a_message_of_the_user(talk: SocketTalk) -> None:
    body, _ = asked(talk, input='say "hi"')
    assert body["input"] == [{"type": "message", "role": "user", "content": 'say "hi"'}]


def test_the_older_append_brings_only_new_input(talk: SocketTalk) -> None:
    asked(talk, input=[HELLO], tools=[{"type": "web_search"}])
    served(talk, "resp_1", CALL)
    turn = talk.take(json.dumps({"type": "response.append", "input": [RESULT]}).encode())
    assert isinstance(turn, Turn)
    body = json.loads(turn.body)
    assert body["input"] == [HELLO, CALL, RESULT]
    assert (body["model"], body["tools"]) == ("gpt", [{"type": "web_search"}])


def test_what_codex_would_have_sent_as_headers_is_sent_as_headers(talk: SocketTalk) -> None:
    metadata = {
        "ws_request_header_x_openai_internal_codex_responses_lite": "true",
        "x-codex-ws-stream-request-start-ms": "1795",
        "x-codex-turn-metadata": '{"turn_id":"t1"}',
        "x-codex-window-id": "w:0",
        "turn_id": "t1",
    }
    body, headers = asked(talk, input=[], client_metadata=metadata)
    assert headers == {
        "x-openai-internal-codex-responses-lite": "true",
        "x-codex-turn-metadata": '{"turn_id":"t1"}',
        "x-codex-window-id": "w:0",
    }
    assert body["client_metadata"] == {
        "x-codex-turn-metadata": '{"turn_id":"t1"}',
        "x-codex-window-id": "w:0",
        "turn_id": "t1",
    }


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nb", "ü", 7, {"a": 1}])
def test_no_header_is_made_of_what_none_can_hold(talk: SocketTalk, value: object) -> None:
    _, headers = asked(talk, input=[], client_metadata={"ws_request_header_x_odd": value})
    assert headers.get("x-odd", "") == ""
    _, headers = asked(talk, input=[], client_metadata={"ws_request_header_x:y\r\nz": "v"})
    assert headers == {}


def test_the_turn_state_is_echoed_within_its_turn_only(talk: SocketTalk) -> None:
    asked(talk, input=[HELLO], client_metadata={"turn_id": "t1"})
    talk.head(200, [("X-Codex-Turn-State", "state-1")])
    talk.feed(completed("resp_1"))
    talk.end()
    _, headers = asked(talk, input=[RESULT], client_metadata={"turn_id": "t1"})
    assert headers["x-codex-turn-state"] == "state-1"
    _, headers = asked(talk, input=[HELLO], client_metadata={"turn_id": "t2"})
    assert "x-codex-turn-state" not in headers


def test_each_event_is_one_message_and_nothing_else_is(talk: SocketTalk) -> None:
    asked(talk, input=[HELLO])
    headers = [("X-KorProxy-Request-Id", "kp1"), ("x-codex-primary-used-percent", "7")]
    first = [json.loads(it)["type"] for it in talk.head(200, headers)]
    assert first == ["korproxy.exchange", "codex.rate_limits"]
    assert talk.feed(b": keep-alive\n\n") == []
    created = {"type": "response.created", "response": {"id": "resp_1"}}
    data = b"data: " + json.dumps(created).encode() + b"\n\n" + completed("r") + b"data: [DONE]\n\n"
    assert [json.loads(it)["type"] for it in talk.feed(data)] == [
        "response.created",
        "response.completed",
    ]
    assert talk.end() == []


@given(st.integers(1, 40))
def test_however_the_reply_is_cut_the_messages_are_the_same(size: int) -> None:
    talk = SocketTalk(lambda: "resp_w")
    talk.take(create(input=[HELLO]))
    talk.head(200, [])
    data = event("response.output_item.done", item=CALL) + b": hold\n\n" + completed("resp_1")
    said = [it for piece in cut(data, size) for it in talk.feed(piece)] + talk.end()
    assert [json.loads(it)["type"] for it in said] == [
        "response.output_item.done",
        "response.completed",
    ]
    body, _ = asked(talk, input=[RESULT], previous_response_id="resp_1")
    assert body["input"] == [HELLO, CALL, RESULT]


def test_a_refusal_is_one_error_at_its_end(talk: SocketTalk) -> None:
    asked(talk, input=[HELLO])
    assert talk.head(429, [("retry-after", "3")]) == []
    assert talk.feed(b'{"error":{"message":') == []
    assert talk.feed(b'"slow"}}') == []
    (said,) = talk.end()
    assert json.loads(said) == {
        "type": "error",
        "status": 429,
        "error": {"message": "slow"},
        "headers": {"retry-after": "3"},
    }


def test_an_event_of_that_name_with_another_shape_passes_and_is_not_remembered(
    talk: SocketTalk,
) -> None:
    asked(talk, input=[HELLO])
    served(talk, "resp_1")
    asked(talk, input=[], previous_response_id="resp_1")
    talk.head(200, [])
    odd = event("response.completed", response=None)
    assert len(talk.feed(odd)) == 1
    body, _ = asked(talk, input=[RESULT], previous_response_id="resp_1")
    assert body["input"] == [RESULT]


def test_what_nobody_waits_for_is_not_answered(talk: SocketTalk) -> None:
    assert talk.take(b'{"type":"response.processed","response_id":"resp_1"}') == []


@pytest.mark.parametrize(
    "message",
    [
        b"", b"[]", b"{", b'"text"', b"{}", b'{"type":"response.steer"}', b'{"type":7}',
        b'{"type":"response.append","input":[]}', b'{"type":"response.create","input":7}',
        b'{"type":"response.create","input":{}}', b"[" * 100_000, b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused_in_words(talk: SocketTalk, message: bytes) -> None:
    with pytest.raises(KorProxyError) as refused:
        talk.take(message)
    said = json.loads(talk.refusal(refused.value))
    assert (said["type"], said["status"]) == ("error", 400)
    assert said["error"]["code"].startswith("KP-REQ-")
    assert said["error"]["message"]


@given(st.binary(max_size=200))
def test_garbage_raises_our_error_or_is_taken_and_nothing_else_happens(data: bytes) -> None:
    talk = SocketTalk(lambda: "resp_w")
    with contextlib.suppress(KorProxyError):
        talk.take(data)


def test_metadata_of_nothing_but_headers_goes_upstream_empty(talk: SocketTalk) -> None:
    body, headers = asked(talk, input=[], client_metadata={"ws_request_header_x_one": "1"})
    assert (body["client_metadata"], headers) == ({}, {"x-one": "1"})


@pytest.mark.parametrize("value", [7, None, [1]])
def test_metadata_that_is_none_is_for_the_reader_of_the_request_to_refuse(
    talk: SocketTalk, value: object
) -> None:
    body, headers = asked(talk, input=[], client_metadata=value)
    assert (body["client_metadata"], headers) == (value, {})
