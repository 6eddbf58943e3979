"""Conversations kept for Responses clients: cut out of requests and answers, and put together again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import ReplyContext
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.openai_responses.history import (
    KeptReply,
    answer_id,
    continued,
    input_items,
    item_list,
    output_items,
    previous_id,
    wants_store,
    without_chat_options,
)
from korproxy_addons.dialects.passing import PassThrough
from korproxy_addons.errors.kinds import Kind
from support.cut import cut

RESPONSES = dialect("openai-responses")
HELLO = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
TEXT = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Aye"}],
}


def wire(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"previous_response_id": "resp_1"}, "resp_1"),
        ({"previous_response_id": None}, ""),
        ({"input": "previous_response_id"}, ""),
        ({"previous_response_id": 7}, ""),
        ({}, ""),
    ],
)
def test_t145_what_a_request_goes_on_from(body: dict[str, Any], expected: str) -> None:
    assert previous_id(wire(body)) == expected


@pytest.mark.parametrize(
    ("body", "kept"),
    [({}, True), ({"store": None}, True), ({"store": True}, True), ({"store": False}, False)],
)
def test_an_answer_is_kept_unless_the_client_says_no(body: dict[str, Any], kept: bool) -> None:
    assert wants_store(wire(body)) is kept


@given(st.binary(max_size=100))
def test_no_bytes_break_what_looks_into_them(body: bytes) -> None:
    previous_id(b'"previous_response_id"' + body)
    wants_store(body)
    assert json.loads(input_items(body)) == [] or body.strip()[:1] == b"{"
    assert json.loads(output_items(body)) == [] or body.strip()[:1] == b"{"
    answer_id(body)


def test_an_input_of_text_is_one_message() -> None:
    assert json.loads(input_items(wire({"input": "hello"}))) == [HELLO]
    assert json.loads(input_items(wire({"input": [HELLO]}))) == [HELLO]
    assert json.loads(input_items(wire({}))) == []


def test_t145_the_whole_input_is_made_of_what_was_said_before() -> None:
    body = b'{"model":"m","previous_response_id":"resp_1","input":[{"n":12345678901234567890}],"x":1.0}'
    before = [wire([HELLO]), output_items(wire({"output": [CALL]}))]
    found = continued(body, before)
    assert json.loads(found) == {
        "model": "m",
        "input": [HELLO, CALL, {"n": 12345678901234567890}],
        "x": 1.0,
    }
    assert b"12345678901234567890" in found
    assert found.endswith(b'"x":1.0}')


def test_t93_a_longer_conversation_begins_with_the_same_bytes() -> None:
    first = continued(wire({"input": "a"}), [])
    second = continued(wire({"input": "b"}), [input_items(wire({"input": "a"}))])
    assert second.startswith(first.removesuffix(b"]}"))


def test_items_are_listed_newest_first() -> None:
    found = json.loads(item_list(wire([HELLO, CALL])))
    assert [item["type"] for item in found["data"]] == ["function_call", "message"]
    assert (found["object"], found["has_more"]) == ("list", False)
    assert (found["first_id"], found["last_id"]) == ("fc_1", "item_0")
    assert json.loads(item_list(b"[]"))["first_id"] is None


def test_t18_a_wish_in_chat_s_words_does_not_reach_responses() -> None:
    body = {"model": "m", "stream_options": {"include_usage": True}, "n": 12345678901234567890}
    assert without_chat_options(wire(body)) == b'{"model":"m","n":12345678901234567890}'
    same = b'{ "model" : "m" }'
    assert without_chat_options(same) is same


# --- answers on their way


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: ".encode() + wire({"type": kind, **fields}) + b"\n\n"


def answer(**fields: Any) -> dict[str, Any]:
    return {"id": "resp_9", "object": "response", "status": "completed", "output": [], **fields}


STREAM = b"".join(
    (
        event("response.created", response=answer(status="in_progress")),
        event("response.output_item.added", output_index=0, item=CALL),
        event("response.output_item.done", output_index=1, item=TEXT),
        event("response.output_item.done", output_index=0, item=CALL),
    )
)


class Watched:
    """A kept reply, and what was kept of it."""

    def __init__(self, *, streamed: bool = True) -> None:
        self.kept: list[bytes] = []
        context = ReplyContext(streamed, "m", IdSource("seed"), 0)
        inner = PassThrough(RESPONSES, context)
        self.reply = KeptReply(inner, streamed=streamed, keep=self.kept.append)

    def run(self, body: bytes, size: int = 4096) -> bytes:
        out = b"".join(self.reply.feed(piece) for piece in cut(body, size))
        return out + self.reply.close()


@pytest.mark.parametrize("size", [1, 9, 4096])
@pytest.mark.parametrize("kind", ["response.completed", "response.incomplete"])
def test_t147_an_answer_whose_last_event_is_empty_is_kept_with_its_items(
    kind: str, size: int
) -> None:
    watched = Watched()
    body = STREAM + event(kind, response=answer())
    assert watched.run(body, size) == body
    (kept,) = watched.kept
    assert json.loads(kept) == answer(output=[CALL, TEXT])
    assert json.loads(output_items(kept)) == [CALL, TEXT]
    assert answer_id(kept) == "resp_9"
    assert (watched.reply.over, watched.reply.error, watched.reply.mistake) == (True, None, None)
    assert (watched.reply.usage, watched.reply.model) == (None, watched.reply.model)
    assert watched.reply.keep_alive() == b""


def test_the_last_event_s_own_items_win() -> None:
    watched = Watched()
    watched.run(STREAM + event("response.completed", response=answer(output=[TEXT])))
    assert json.loads(watched.kept[0])["output"] == [TEXT]


@pytest.mark.parametrize(
    "end",
    [
        b"",
        event("response.failed", response=answer(error={"code": "x", "message": "no"})),
        event("response.completed", response={"output": []}),
        b'data: {"type":"response.completed","response":7}\n\n',
    ],
)
def test_what_did_not_end_well_or_has_no_id_is_not_kept(end: bytes) -> None:
    watched = Watched()
    watched.run(STREAM + end)
    assert watched.kept == []


@pytest.mark.parametrize("size", [1, 4096])
def test_a_whole_answer_is_kept(size: int) -> None:
    watched = Watched(streamed=False)
    body = wire(answer(output=[TEXT]))
    assert watched.run(body, size) == body
    assert watched.kept == [body]


@pytest.mark.parametrize("body", [b"{}", b"no json", wire({"error": {"message": "x"}})])
def test_a_body_that_is_no_answer_is_not_kept(body: bytes) -> None:
    watched = Watched(streamed=False)
    watched.run(body)
    assert watched.kept == []


def test_a_failed_reply_is_not_kept() -> None:
    watched = Watched()
    watched.reply.feed(STREAM)
    assert b"response.failed" in watched.reply.fail(ReplyError(Kind.INTERNAL, "broke"))
    assert watched.kept == []
