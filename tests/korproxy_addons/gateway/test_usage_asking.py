import json
from typing import Any

import pytest

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import ReplyContext
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.passing import PassThrough
from korproxy_addons.errors.kinds import Kind
from korproxy_addons.gateway.crossing import Crossing, crossing_to
from korproxy_addons.gateway.usage_asking import UnaskedUsage, asking
from support.asking import Question, question
from support.fake_upstream import FakeUpstream
from support.legs import Rig, config_of, exchange_for

CHUNK = b'data: {"choices":[{"delta":{"content":"Aye"}}],"usage":null}\n\n'
USAGE = (
    b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}\n\n'
)
BOTH = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9}}\n\n'
FILTERED = b'data: {"choices":[],"prompt_filter_results":[]}\n\n'
DONE = b"data: [DONE]\n\n"


def crossing(
    asked: Question, upstream: str = "openai-chat", body: bytes | None = None, **habits: Any
) -> Crossing:
    provider = {
        "dialect": upstream,
        "base_url": "https://a.example",
        "models": ["m"],
        "list_models": False,
        "habits": habits,
    }
    account = {"id": "a", "provider": "a", "secret": "plain:x"}
    config = config_of({"providers": {"a": provider}, "accounts": [account]})
    rig = Rig(config, FakeUpstream())
    way = rig.wire.accounts(config)["a"]
    return crossing_to(exchange_for(config, asked, body=body), way, "m")


def chat(*, stream: bool = True, **fields: Any) -> Question:
    return question("openai-chat", "m", stream=stream, **fields)


def test_a_stream_that_does_not_ask_is_asked_for_its_tokens() -> None:
    asked = asking(crossing(chat(temperature=0.5)))
    assert asked is not None
    sent = json.loads(asked.encoded.body)
    assert sent.pop("stream_options") == {"include_usage": True}
    assert sent == chat(temperature=0.5).body


def test_the_rest_of_the_body_stays_as_it_is_to_the_byte() -> None:
    raw = b' \n{ "model": "m",  "stream": true, "messages": [{"role":"user","content":"\\u00e9"}], "x": 1e2 }'
    asked = asking(crossing(chat(), body=raw))
    assert asked is not None
    assert (
        asked.encoded.body
        == b'{"stream_options":{"include_usage":true},' + raw.lstrip()[1:].lstrip()
    )


@pytest.mark.parametrize(
    "asked",
    [
        chat(stream=False),
        chat(stream_options={"include_usage": True}),
        chat(stream_options={"include_usage": False}),
        chat(stream_options=None),
    ],
    ids=["whole", "asked", "declined", "null"],
)
def test_what_the_client_said_of_it_stays(asked: Question) -> None:
    assert asking(crossing(asked)) is None


def test_a_prompt_that_speaks_of_it_says_nothing() -> None:
    prompt = 'set "stream_options" to {"include_usage": true}'
    assert asking(crossing(question("openai-chat", "m", prompt, stream=True))) is not None


def test_other_dialects_and_upstreams_that_do_not_know_it_are_not_asked() -> None:
    assert (
        asking(crossing(question("anthropic-messages", "m", stream=True), "anthropic-messages"))
        is None
    )
    assert asking(crossing(chat(), "anthropic-messages")) is None
    assert asking(crossing(chat(), stream_usage=False)) is None


def unasked() -> UnaskedUsage:
    context = ReplyContext(True, "m", IdSource("s"), 0)
    return UnaskedUsage(PassThrough(dialect("openai-chat"), context))


def test_the_chunk_nobody_asked_for_is_kept_and_read() -> None:
    stream = unasked()
    assert stream.feed(CHUNK + FILTERED + USAGE + DONE) == CHUNK + FILTERED + DONE
    assert stream.close() == b""
    assert stream.usage is not None
    assert (stream.usage.input_tokens, stream.usage.output_tokens) == (9, 2)
    assert (stream.over, stream.error, stream.mistake) == (True, None, None)


@pytest.mark.parametrize("size", [1, 7, 40])
def test_however_it_is_cut(size: int) -> None:
    stream = unasked()
    whole = (CHUNK + USAGE + DONE).replace(b"\n", b"\r\n")
    out = b"".join(stream.feed(whole[at : at + size]) for at in range(0, len(whole), size))
    # Half a line end more or less is an empty line, which means nothing.
    assert (out + stream.close()).split() == (CHUNK + DONE).split()


def test_a_chunk_that_holds_more_passes_with_it() -> None:
    stream = unasked()
    assert stream.feed(BOTH + DONE) == BOTH + DONE


def test_what_looks_like_one_and_is_none_passes() -> None:
    said = b'data: {"choices":[{"delta":{"content":"\\"usage\\":{"}}],"x":{"usage":{}}}\n\n'
    broken = b'data: {"usage":{ no json\n\n'
    assert unasked().feed(said + broken) == said + broken


def test_failures_and_keep_alives_are_the_streams_own() -> None:
    stream = unasked()
    stream.feed(CHUNK)
    assert stream.keep_alive() == dialect("openai-chat").keep_alive()
    assert b"broken" in stream.fail(ReplyError(Kind.INTERNAL, "broken"))
    assert stream.error is not None
    assert (stream.finish, stream.model) == (None, "")
