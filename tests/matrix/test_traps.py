"""Every trap of the dialects has a test that names it, or one that is named for it."""

import json

import pytest

from korproxy_addons.config.habits import ANTHROPIC_API
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import (
    DecodeContext,
    EncodedRequest,
    Inbound,
    ReplyContext,
)
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import FinishReason
from korproxy_addons.dialects.transcoder import Transcoder
from matrix.cases import DIALECTS
from matrix.sdks import read_by_sdk
from matrix.traps import SHOWN_BY, TRAPS, numbers_in, tests_by_trap, tests_in
from matrix.upstreams import UPSTREAMS, Upstream
from support.needs import ROOT


def test_every_trap_has_a_test() -> None:
    named = tests_by_trap()
    untested = sorted(TRAPS - named.keys() - SHOWN_BY.keys())
    assert untested == [], f"no test names T{untested[0]}" if untested else ""


def test_no_trap_is_named_that_is_none() -> None:
    named = tests_by_trap()
    assert sorted(named.keys() - TRAPS) == []


@pytest.mark.parametrize("trap", SHOWN_BY)
def test_what_is_said_to_show_a_trap_is_there(trap: int) -> None:
    assert trap in TRAPS
    for place in SHOWN_BY[trap]:
        path, _, name = place.partition("::")
        assert name in tests_in(ROOT / "tests" / path)


def test_a_number_is_read_from_names_and_words() -> None:
    words = 'def test_t12_x() -> None:\n    """T34, and T56 to T58."""  # T7'
    assert numbers_in("test_t12_x", words) == {12, 34, 56, 57, 58, 7}
    assert numbers_in("test_ten", "T-shirt, AT90, T4x, # noqa: T201") == set()


CALL = {"id": "c1", "type": "function", "function": {"name": "read", "arguments": '{"a":1}'}}
TITLE = {
    "model": "m",
    "messages": [
        {"role": "user", "content": "Read it."},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "x = 1"},
        {"role": "user", "content": "Give this conversation a title."},
    ],
}


@pytest.mark.parametrize("upstream", UPSTREAMS, ids=lambda it: f"{it.dialect}-{it.name}")
def test_t31_a_history_with_calls_goes_on_without_tools(upstream: Upstream) -> None:
    request = dialect("openai-chat").decode_request(Inbound(json.dumps(TITLE).encode()))
    made = dialect(upstream.dialect).encode_request(request, upstream.target(stream=False))
    assert upstream.refusal(upstream.sent(made.body, stream=False)) == ""
    assert "tools" not in json.loads(made.body)
    assert b"x = 1" in made.body


STOPPED = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-up",
    "content": [],
    "stop_reason": "stop_sequence",
    "stop_sequence": "END",
    "usage": {"input_tokens": 9, "output_tokens": 1},
}


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("client", DIALECTS)
def test_t120_a_stop_string_that_fires_at_once_is_an_empty_answer(
    client: str, streamed: bool
) -> None:
    """T176"""
    translator = Transcoder(
        dialect(client),
        dialect("anthropic-messages"),
        EncodedRequest(b""),
        DecodeContext(False, ANTHROPIC_API, IdSource("s")),
        ReplyContext(streamed, "m", IdSource("s"), 1_795_000_000),
    )
    data = translator.feed(json.dumps(STOPPED).encode()) + translator.close()
    assert translator.finish is FinishReason.STOP_SEQUENCE
    kind = dialect(client).content_type(streamed=streamed)
    found = read_by_sdk(client, data, kind, streamed=streamed)
    assert (found.text, found.calls) == ("", ())
    assert found.finish == ("stop_sequence" if client == "anthropic-messages" else "stop")
