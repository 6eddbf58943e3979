import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.events import MessageEnd, ReplyError
from korproxy_addons.dialects.model import FinishReason, Usage
from korproxy_addons.dialects.openai_chat.tap import ChatUsageTap
from korproxy_addons.errors.kinds import Kind
from support.chat_wire import DONE, call, calls, chunk, data, decoded, whole

TEXT = chunk({"role": "assistant", "content": "", "refusal": None}) + chunk({"content": "a"})
USAGE = data({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})


def tapped(*pieces: bytes, streamed: bool = True) -> ChatUsageTap:
    tap = ChatUsageTap(streamed=streamed)
    for piece in pieces:
        tap.feed(piece)
    tap.close()
    return tap


def frames(reply: bytes) -> list[bytes]:
    return [frame + b"\n\n" for frame in reply.split(b"\n\n") if frame]


@pytest.mark.parametrize(
    "reply",
    [
        TEXT + chunk({}, "stop") + USAGE + DONE,
        TEXT + calls(call("{}", "f", "x", index=0)) + chunk({}, "stop") + USAGE + DONE,
        chunk({"function_call": {"name": "f", "arguments": "{}"}}) + chunk({}, "stop") + DONE,
        calls({"index": 0, "custom": {"name": "f", "input": "x"}}, finish="tool_calls") + DONE,
        chunk({"refusal": "no"}) + chunk({}, "stop") + DONE,
        TEXT + chunk({}, "tool_calls", usage={"prompt_tokens": 9}) + USAGE + DONE,
        TEXT + chunk({}, "length", usage=None),
        TEXT
        + data(
            {"choices": [{"delta": {}, "finish_reason": "stop", "usage": {"cached_tokens": 4}}]}
        ),
        TEXT + DONE + USAGE,
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_t104_the_tap_reads_what_the_decoder_reads(reply: bytes, together: bool) -> None:
    end = decoded(reply)[-1]
    assert isinstance(end, MessageEnd)
    tap = tapped(*([reply] if together else frames(reply)))
    assert (tap.usage, tap.finish, tap.model) == (end.usage, end.finish, "up-1")
    assert (tap.ended, tap.error) == (True, None)


def test_t104_and_of_whole_bodies_in_pieces_too() -> None:
    body = whole(
        {"content": None, "tool_calls": [call("{}", "f", "x")]}, usage={"prompt_tokens": 7}
    )
    tap = tapped(body[:9], body[9:50], body[50:], streamed=False)
    assert (tap.usage, tap.finish, tap.model) == (Usage(7), FinishReason.TOOL_CALLS, "up-1")
    assert tap.ended


def test_a_stream_that_was_cut_has_not_ended() -> None:
    tap = tapped(TEXT)
    assert (tap.ended, tap.finish, tap.usage, tap.model) == (False, None, None, "up-1")


def test_t166_an_error_in_the_stream_is_seen_and_is_an_end() -> None:
    tap = tapped(TEXT, b"event: error\n" + data({"error": {"message": "m", "code": "c"}}), USAGE)
    assert tap.error == ReplyError(Kind.INTERNAL, "m", code="c")
    assert (tap.ended, tap.usage) == (True, None)


def test_t166_an_error_as_the_whole_body_is_seen() -> None:
    tap = tapped(b'{"error_code":449,"msg":"slow"}', streamed=False)
    assert tap.error is not None
    assert tap.error.kind is Kind.RATE_LIMIT


def test_words_about_usage_are_not_usage() -> None:
    words = '{"usage":{"prompt_tokens":9},"finish_reason":"stop","error":"x"} [DONE]'
    tap = tapped(TEXT, chunk({"content": words}))
    assert (tap.usage, tap.finish, tap.error, tap.ended) == (None, None, None, False)


def test_chunks_that_say_nothing_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    tap = tapped(TEXT)
    monkeypatch.setattr(ChatUsageTap, "_take_frames", lambda *_: pytest.fail("parsed"))
    tap.feed(chunk({"content": "usage", "refusal": None, "tool_calls": []}, usage=None, error=None))


def test_the_failure_fits_the_form() -> None:
    error = ReplyError(Kind.INTERNAL, "m")
    assert tapped(TEXT).failure(error).startswith(b'data: {"error":')
    assert tapped(b"", streamed=False).failure(error) == b""


@given(st.lists(st.binary(max_size=30) | st.just(TEXT) | st.just(USAGE), max_size=6), st.booleans())
def test_it_never_raises(pieces: list[bytes], streamed: bool) -> None:
    tapped(*pieces, streamed=streamed)


def test_of_several_answers_the_first_one_s_end_counts() -> None:
    """n > 1: each has words of its own; one that is cut says nothing of the first."""
    body = {
        "choices": [
            {"index": 0, "message": {"content": "a"}, "finish_reason": "stop"},
            {"index": 1, "message": {"content": "b"}, "finish_reason": "length"},
        ]
    }
    tap = ChatUsageTap(streamed=False)
    tap.feed(json.dumps(body).encode())
    tap.close()
    assert tap.finish is FinishReason.STOP


def test_t15_of_one_answer_in_two_pieces_the_calls_count() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    body = {
        "choices": [
            {"index": 0, "message": {"content": "a"}, "finish_reason": "stop"},
            {"index": 1, "message": {"tool_calls": [call]}, "finish_reason": "tool_calls"},
        ]
    }
    tap = ChatUsageTap(streamed=False)
    tap.feed(json.dumps(body).encode())
    tap.close()
    assert tap.finish is FinishReason.TOOL_CALLS
