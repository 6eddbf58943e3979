import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korproxy_addons.dialects.base import UsageTap
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.model import FinishReason
from korproxy_addons.dialects.openai_responses.tap import usage_tap
from korproxy_addons.errors.kinds import Kind
from support.responses_wire import (
    USAGE,
    USAGE_BODY,
    added,
    call,
    created,
    delta,
    done,
    ended,
    frame,
    message,
    payloads,
    said,
    whole,
)


def read(*data: bytes, streamed: bool = True) -> UsageTap:
    tap = usage_tap(streamed=streamed)
    for piece in data:
        tap.feed(piece)
    tap.close()
    return tap


def test_a_stream() -> None:
    tap = read(created(), delta(0, "Hi"), ended(usage=USAGE_BODY))
    assert (tap.usage, tap.finish, tap.model, tap.ended) == (
        USAGE,
        FinishReason.STOP,
        "up-1",
        True,
    )
    assert tap.error is None


def test_calls_of_a_stream_whose_end_does_not_repeat_them() -> None:
    """T107, T147"""
    item = done(0, "function_call", call_id="c", name="f", arguments="{}")
    assert read(created() + item, ended()).finish is FinishReason.TOOL_CALLS


def test_a_refusal_in_a_stream() -> None:
    assert read(created(), delta(0, "No.", "refusal"), ended()).finish is FinishReason.REFUSAL


def test_words_of_the_model_are_no_events() -> None:
    text = 'say "response.completed" and "error" and [DONE] and "sequence_number": 9'
    tap = read(created(), delta(0, text))
    assert not tap.ended
    assert tap.error is None


def test_an_error_in_a_stream() -> None:
    """T166"""
    tap = read(created(), frame("error", code="rate_limit_exceeded", message="Slow"), ended())
    assert tap.ended
    assert tap.finish is None
    assert tap.error is not None
    assert tap.error.kind is Kind.RATE_LIMIT
    failed = read(ended("failed", error={"code": "server_error", "message": "x"}))
    assert failed.error is not None


def test_a_stream_that_stops() -> None:
    """T111"""
    assert not read(created(), delta(0, "Hi")).ended
    assert not read(created(), added(0, "message"), b"data: [DONE]\n\n").ended
    item = added(0, "message") + done(0, "message", content=[said("Hi")])
    assert read(created(), item, b"data: [DONE]\n\n").finish is FinishReason.STOP


def test_nothing_counts_after_the_end() -> None:
    """T113"""
    assert read(ended(usage=USAGE_BODY), created(), ended()).usage == USAGE


@pytest.mark.parametrize(
    ("body", "finish"),
    [
        (whole(message("Hi"), usage=USAGE_BODY), FinishReason.STOP),
        (whole(call("f", "{}"), usage=USAGE_BODY), FinishReason.TOOL_CALLS),
        (
            whole(
                message("Hi"), usage=USAGE_BODY, status="incomplete",
                incomplete_details={"reason": "content_filter"},
            ),
            FinishReason.CONTENT_FILTER,
        ),
    ],
)  # fmt: skip
def test_a_whole_body_in_pieces(body: bytes, finish: FinishReason) -> None:
    half = len(body) // 2
    tap = read(body[:half], body[half:], streamed=False)
    assert (tap.usage, tap.finish, tap.model, tap.ended) == (USAGE, finish, "up-1", True)


@pytest.mark.parametrize(
    ("body", "ended_", "failed"),
    [
        ({"error": {"message": "x"}}, True, True),
        ({"status": "queued", "model": "up-1", "output": []}, False, False),
        ({"something": "else"}, False, False),
    ],
)
def test_a_body_that_is_no_answer(body: Any, ended_: bool, failed: bool) -> None:
    tap = read(json.dumps(body).encode(), streamed=False)
    assert (tap.ended, tap.error is not None) == (ended_, failed)


def test_a_compaction_has_counts_too() -> None:
    item = {"type": "compaction", "id": "cmp", "encrypted_content": "E"}
    body = {"object": "response.compaction", "id": "x", "output": [item], "usage": USAGE_BODY}
    assert read(json.dumps(body).encode(), streamed=False).usage == USAGE


def test_a_failure_fits_the_stream_so_far() -> None:
    """T165: its id, the next number."""
    tap = usage_tap(streamed=True)
    tap.feed(created())
    tap.feed(frame("response.output_text.delta", sequence_number=41, delta="x"))
    (last,) = payloads(tap.failure(ReplyError(Kind.OVERLOADED, "Later.")))
    assert (last["type"], last["sequence_number"]) == ("response.failed", 42)
    assert last["response"]["id"] == "resp_up"
    assert last["response"]["error"]["code"] == "server_is_overloaded"
    assert usage_tap(streamed=False).failure(ReplyError(Kind.INTERNAL, "x")) == b""


def test_a_failure_of_a_stream_that_never_began() -> None:
    (last,) = payloads(usage_tap(streamed=True).failure(ReplyError(Kind.INTERNAL, "x")))
    assert last["sequence_number"] == 0


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.binary(max_size=80) | st.sampled_from([created(), ended()]), max_size=4),
    st.booleans(),
)
def test_a_tap_never_raises(pieces: list[bytes], streamed: bool) -> None:
    read(*pieces, streamed=streamed)
