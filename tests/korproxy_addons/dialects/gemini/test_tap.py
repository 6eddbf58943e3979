import json
from typing import Any

import pytest

from korproxy_addons.dialects.events import MessageEnd, ReplyError, StreamFailed
from korproxy_addons.dialects.gemini.tap import UsageTap
from korproxy_addons.dialects.model import FinishReason, Usage
from korproxy_addons.errors.kinds import Kind
from support.cut import cut
from support.gemini_wire import chunk, decoded, sse

USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11}
CALL = {"functionCall": {"name": "f", "args": {}}}


def tapped(data: bytes, *, streamed: bool = True, size: int = 50) -> UsageTap:
    tap = UsageTap(streamed=streamed)
    for piece in cut(data, size):
        tap.feed(piece)
    tap.close()
    return tap


REPLIES: list[list[dict[str, Any]]] = [
    [chunk({"text": "a"}), chunk({"text": "b"}, finish="STOP", usageMetadata=USAGE)],
    [chunk(CALL, usageMetadata={"promptTokenCount": 9}), chunk(finish="STOP", usageMetadata=USAGE)],
    [chunk({"text": "functionCall"}, finish="STOP", usageMetadata={"trafficType": "x"})],
    [chunk({"function_call": {"name": "f"}}, finish="STOP"), chunk({"functionCall": {}})],
    [chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}), chunk(finish="MAX_TOKENS")],
    [{"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}],
    [chunk(finish="OTHER"), chunk(finish="STOP", usageMetadata=USAGE)],
]


@pytest.mark.parametrize("reply", REPLIES)
def test_t104_it_sees_what_the_decoder_sees(reply: list[dict[str, Any]]) -> None:
    for data, streamed in ((sse(*reply), True), (json.dumps(reply).encode(), False)):
        last = decoded(data, streamed=streamed)[-1]
        assert isinstance(last, MessageEnd)
        tap = tapped(data, streamed=streamed)
        assert (tap.usage, tap.finish, tap.ended, tap.error) == (
            last.usage,
            last.finish,
            True,
            None,
        )


def test_a_whole_body_is_read_at_its_end() -> None:
    body = json.dumps(chunk({"text": "a"}, usageMetadata=USAGE, modelVersion="m-1"), indent=2)
    tap = tapped(body.encode(), streamed=False)
    assert tap.usage == Usage(input_tokens=9, output_tokens=2)
    assert (tap.finish, tap.ended, tap.model) == (FinishReason.STOP, True, "m-1")


def test_counts_are_known_while_the_stream_runs() -> None:
    tap = UsageTap(streamed=True)
    tap.feed(sse(chunk({"text": "a"}, usageMetadata=USAGE, modelVersion="m-1")))
    assert tap.usage == Usage(input_tokens=9, output_tokens=2)
    assert (tap.model, tap.ended, tap.finish) == ("m-1", False, None)


def test_t166_an_error_in_the_stream_is_an_end() -> None:
    data = sse(chunk({"text": "a"}), {"error": {"code": 503, "message": "Busy."}})
    tap = tapped(data + sse(chunk(finish="STOP")))
    assert tap.error is not None
    assert (tap.error.kind, tap.ended, tap.finish) == (Kind.OVERLOADED, True, None)


def test_t62_a_broken_answer_is_an_error() -> None:
    tap = tapped(sse(chunk(finish="MALFORMED_FUNCTION_CALL")))
    assert tap.error is not None
    assert (tap.error.code, tap.ended) == ("MALFORMED_FUNCTION_CALL", True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"data: {",
        sse(chunk({"text": "a"})),
        b"\xff",
        b"data: []\n\n",
        b'data: {"finish\n\n',
        b'{"candidates',
    ],
)
def test_t111_what_has_no_end_has_not_ended(data: bytes) -> None:
    assert not tapped(data).ended


def test_t111_a_stream_that_stops_inside_a_chunk_has_not_ended() -> None:
    data = sse(chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}, finish="STOP"))
    assert not tapped(data[:-9]).ended
    assert tapped(data[:-4]).ended
    array = json.dumps([chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"})]).encode()
    assert not tapped(array[:-9]).ended


def test_its_failure_is_a_frame() -> None:
    error = ReplyError(Kind.INTERNAL, "Cut.")
    frame = UsageTap(streamed=True).failure(error)
    assert frame.startswith(b"data: ")
    assert frame.endswith(b"\r\n\r\n")
    last = decoded(frame)[-1]
    assert isinstance(last, StreamFailed)
    assert last.error.message == "Cut."
    assert UsageTap(streamed=False).failure(error) == b""
