import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korproxy_addons.dialects.anthropic_messages import DIALECT
from korproxy_addons.dialects.anthropic_messages import tap as tap_module
from korproxy_addons.dialects.anthropic_messages.tap import AnthropicTap
from korproxy_addons.dialects.base import UsageTap
from korproxy_addons.dialects.body import Body
from korproxy_addons.dialects.events import MessageEnd, ReplyError
from korproxy_addons.dialects.model import FinishReason, Usage
from korproxy_addons.dialects.sse import Frame, FrameCutter
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind
from support.anthropic_wire import (
    block_start,
    call_block,
    decoded,
    delta,
    ending,
    events_of,
    message_start,
    sse,
    text_block,
)
from support.cut import cut

STREAM = sse(
    message_start(input_tokens=5, cache_read_input_tokens=100, output_tokens=1),
    *text_block(0, 'words like "usage", "tool_use", error and message_stop change nothing'),
    *call_block(1, "a", "go", "{}"),
    *ending("tool_use", output_tokens=9),
)


def tapped(data: bytes, *, streamed: bool = True, size: int = 0) -> AnthropicTap:
    tap = AnthropicTap(streamed=streamed)
    cutter = FrameCutter()
    for piece in cut(data, size or max(1, len(data))):
        tap.feed(cutter.feed(piece) if streamed else piece)
    tap.feed(cutter.close())
    tap.close()
    return tap


@pytest.mark.parametrize("size", [0, 1, 7, 100])
def test_it_counts_as_the_decoder_does(size: int) -> None:
    tap = tapped(STREAM, size=size)
    end = decoded(STREAM)[-1]
    assert isinstance(end, MessageEnd)
    assert (tap.usage, tap.finish) == (end.usage, end.finish)
    assert tap.usage == Usage(input_tokens=105, cached_tokens=100, output_tokens=9)
    assert (tap.model, tap.ended, tap.error) == ("claude-up", True, None)


def test_a_whole_body_is_read_at_its_end() -> None:
    body = {
        "type": "message",
        "model": "claude-up",
        "content": [{"type": "tool_use", "id": "a", "name": "go", "input": {}}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 5, "output_tokens": 9},
    }
    tap = AnthropicTap(streamed=False)
    tap.feed(json.dumps(body).encode())
    before = tap.usage
    tap.close()
    tap.close()
    assert before is None
    assert tap.usage == Usage(input_tokens=5, output_tokens=9)
    assert (tap.finish, tap.model, tap.ended) == (FinishReason.TOOL_CALLS, "claude-up", True)


def test_an_unfinished_stream_has_not_ended() -> None:
    assert not tapped(sse(message_start(), *text_block(0, "message_stop"))).ended
    # words of the answer are not taken for the service's
    lying = 'event: message_stop\ndata: {"type":"message_stop"}'
    assert not tapped(sse(message_start(), *text_block(0, lying))).ended


def test_it_ends_without_the_last_empty_line_and_not_with_half_a_frame() -> None:
    assert tapped(STREAM.rstrip(b"\n")).ended
    assert not tapped(STREAM[:-8]).ended


def test_t111_done_ends_after_a_stop_reason_only() -> None:
    done = b"data: [DONE]\n\n"
    assert tapped(sse(message_start(), ending()[0]) + done).ended
    assert not tapped(sse(message_start()) + done).ended


def test_t153_an_event_name_stands_in_for_a_type() -> None:
    assert tapped(b"event: message_stop\ndata: {}\n\n").ended


def test_t166_a_reported_error_ends_the_stream() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    tap = tapped(sse(message_start(), error))
    assert tap.ended
    assert tap.error is not None
    assert tap.error.kind is Kind.OVERLOADED
    whole = tapped(json.dumps(error).encode(), streamed=False)
    assert whole.error == tap.error


def test_a_failure_is_an_error_event_or_nothing() -> None:
    failure = ReplyError(Kind.INTERNAL, "cut")
    assert events_of(AnthropicTap(streamed=True).failure(failure))[0]["type"] == "error"
    assert AnthropicTap(streamed=False).failure(failure) == b""


def test_it_is_the_dialect_s_tap() -> None:
    tap: UsageTap = DIALECT.usage_tap(streamed=True)
    assert isinstance(tap, AnthropicTap)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"usage":5}'])
def test_a_body_that_cannot_be_read_is_no_error_of_the_tap(body: bytes) -> None:
    assert tapped(body, streamed=False).usage is None


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_it_never_raises(data: bytes, streamed: bool) -> None:
    tapped(b'data: {"usage":' + data, streamed=streamed)


EVENTS: list[dict[str, Any]] = [
    message_start(),
    block_start(0, type="text", text=""),
    delta(0, "text_delta", text="usage"),
    *call_block(1, "a", "go"),
    *ending("max_tokens"),
    *ending("end_turn"),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(EVENTS), max_size=8))
def test_it_agrees_with_the_decoder_on_any_order(events: list[dict[str, Any]]) -> None:
    data = sse({"type": "ping"}, *events)
    tap = tapped(data)
    try:
        end = decoded(data)[-1]
    except KorProxyError:  # arguments without a call: a tap does not look at them
        return
    if isinstance(end, MessageEnd):
        assert (tap.usage, tap.finish, tap.ended) == (end.usage, end.finish, True)
    else:
        assert not tap.ended


def test_t180_a_body_or_frame_that_is_too_long_is_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tap_module, "Body", lambda: Body(limit_bytes=10))
    tap = AnthropicTap(streamed=False)
    tap.feed(b'{"usage":')
    tap.feed(b'{"input_tokens":5}}')
    tap.close()
    assert (tap.usage, tap.ended) == (None, False)
    monkeypatch.setattr(tap_module, "frames_with", too_long)
    streamed = AnthropicTap(streamed=True)
    streamed.feed(STREAM)
    assert streamed.usage is None


def too_long(*_: object) -> list[Frame]:
    raise KorProxyError(UPSTREAM_INVALID_REPLY)
