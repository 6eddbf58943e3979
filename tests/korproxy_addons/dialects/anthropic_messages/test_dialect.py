"""The dialect as a whole: recorded traffic, own cases, the real SDK, any answer there and back."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import ANTHROPIC_API, ModelFacts
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.anthropic_messages import DIALECT
from korproxy_addons.dialects.base import Dialect, Inbound
from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    MessageStart,
    PartDelta,
    PartEnd,
    PartStart,
    ReplyError,
    StreamFailed,
)
from korproxy_addons.dialects.losses import Feature
from korproxy_addons.dialects.model import (
    FinishReason,
    Opaque,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    Usage,
    WebSearch,
    settled_finish,
)
from korproxy_addons.dialects.opaque import SEAL
from korproxy_addons.errors.kinds import Kind
from support.anthropic_wire import (
    MODEL,
    decoded,
    encode,
    encoded,
    plain,
    refusal,
    told,
)
from support.cut import cut, cut_in_two
from support.needs import ROOT, least, needs_recordings

CORPUS = ROOT / "tests" / "corpus" / "anthropic-messages"
SMALL_BYTES = 3000
_COLLECTED = frozenset({"tool_use", "server_tool_use"})  # blocks whose input the SDK puts together
WITH_SYSTEM = replace(ANTHROPIC_API, mid_system=True)


def recordings() -> list[Path]:
    return sorted((needs_recordings() / "anthropic").glob("*.json"))


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def recorded_replies() -> Iterator[tuple[str, bytes, bool]]:
    """Name, bytes and whether it is a stream, of every good answer."""
    for path in recordings():
        record = load(path)
        body = record["response"]["body"]
        if record["response"]["status"] == 200 and record["endpoint"] == "messages":
            streamed = isinstance(body, str)
            yield path.name, body.encode() if streamed else json.dumps(body).encode(), streamed


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def test_it_is_the_dialect_of_its_id() -> None:
    found: Dialect = dialect("anthropic-messages")
    assert found is DIALECT
    assert found.own_origin == ANTHROPIC_API.state_origin
    assert Feature.CHOICES in found.cannot_express
    assert found.content_type(streamed=True).startswith("text/event-stream")
    assert found.content_type(streamed=False) == "application/json"
    assert json.loads(found.encode_model(ModelFacts("claude-a")))["id"] == "claude-a"
    assert found.read_count(found.encode_count(7)) == 7


def test_every_recorded_request_comes_out_as_it_went_in() -> None:
    count = unknown = 0
    for path in recordings():
        record = load(path)
        body = (record["request"] or {}).get("body")
        if not isinstance(body, dict) or record["response"]["status"] == 400:
            continue
        count += 1
        request = DIALECT.decode_request(Inbound(json.dumps(body).encode()))
        # the target's model stands in for the recorded one, a count says no limit, null is nothing
        expected = replace(request, model=MODEL)
        sent = encode(request, habits=WITH_SYSTEM, stream=request.stream)
        again = DIALECT.decode_request(Inbound(sent.body))
        if record["endpoint"] == "count_tokens":
            again = replace(again, max_output_tokens=None)
        assert without_nulls(plain(again)) == without_nulls(plain(expected)), path.name
        assert sent.losses == (), path.name
        if refusal(json.dumps({"max_tokens": 9, **body, "model": MODEL}).encode()) is None:
            assert refusal(sent.body) is None, path.name
        else:  # fields of a beta whose name was not recorded
            unknown += 1
    assert count >= least(40)
    assert unknown <= count // 10


def test_every_recorded_reply_is_told_the_same_by_stream_and_body() -> None:
    count = 0
    for name, data, streamed in recorded_replies():
        count += 1
        expected = told(spoken(decoded(data, streamed=streamed)))
        for again in (True, False):
            out = encoded(decoded(data, streamed=streamed), streamed=again)
            assert told(spoken(decoded(out, streamed=again))) == expected, name
    assert count >= least(40)


def spoken(events: Sequence[Event]) -> list[Event]:
    """The events without text that says nothing: bodies leave it out, for nobody may send it back (T12)."""
    out: list[Event] = []
    for event in events:
        if isinstance(event, PartEnd) and out and out[-1] == PartStart(TextPart("")):
            out.pop()
        else:
            out.append(event)
    return out


def test_t151_every_recorded_reply_may_be_cut_anywhere() -> None:
    for name, data, streamed in recorded_replies():
        expected = decoded(data, streamed=streamed)
        for size in (7, 997) if len(data) < 40_000 else (997,):
            assert decoded(cut(data, size), streamed=streamed) == expected, name
        if len(data) < SMALL_BYTES and streamed:
            for pieces in cut_in_two(data):
                assert decoded(pieces, streamed=True) == expected, name


def test_the_tap_counts_every_recorded_reply_as_the_decoder_does() -> None:
    for name, data, streamed in recorded_replies():
        tap = DIALECT.usage_tap(streamed=streamed)
        tap.feed(data)
        tap.close()
        end = decoded(data, streamed=streamed)[-1]
        assert isinstance(end, MessageEnd)
        assert (tap.usage, tap.finish, tap.ended) == (end.usage, end.finish, True), name


def test_recorded_errors_are_read_and_said_again() -> None:
    count = 0
    for path in recordings():
        record = load(path)
        status, body = record["response"]["status"], record["response"]["body"]
        if status == 200:
            continue
        count += 1
        error = DIALECT.read_error(status, json.dumps(body).encode())
        assert error.message == body["error"]["message"]
        assert DIALECT.error_status(error, status) == status
        said = json.loads(DIALECT.error_body(error, status, "req_1"))
        assert said["error"] == body["error"]
        assert error.context_overflow is ("too long" in error.message)
    assert count >= least(7)


def test_the_cases_of_the_corpus() -> None:
    """Each case: what came, and in `told.json` what it says."""
    cases = sorted(path for path in CORPUS.iterdir() if path.is_dir())
    assert cases
    for case in cases:
        streamed = (case / "reply.sse").exists()
        data = (case / ("reply.sse" if streamed else "reply.json")).read_bytes()
        expected = json.loads((case / "told.json").read_text(encoding="utf-8"))
        assert told(decoded(data, streamed=streamed)) == expected, case.name
        request = DIALECT.decode_request(Inbound((case / "request.json").read_bytes()))
        sent = encode(request, stream=request.stream)
        assert json.loads(sent.body) == load(case / "request.json"), case.name


# --- the real SDK reads what we write


def sdk_message(data: bytes, *, streamed: bool) -> anthropic.types.Message:
    """What Anthropic's SDK makes of an answer."""

    def handle(_: httpx2.Request) -> httpx2.Response:
        kind = DIALECT.content_type(streamed=streamed)
        return httpx2.Response(200, headers={"content-type": kind}, content=data)

    with anthropic.Anthropic(
        api_key="sk-invented",
        base_url="http://sdk.invalid",
        max_retries=0,
        http_client=anthropic.DefaultHttpxClient(transport=httpx2.MockTransport(handle)),
    ) as client:
        ask: dict[str, Any] = {
            "model": "claude-sonnet-5-5",
            "max_tokens": 10,
            "messages": [{"role": "user", "content": "hi"}],
        }
        if not streamed:
            message: anthropic.types.Message = client.messages.create(**ask)
            return message
        with client.messages.stream(**ask) as stream:
            return stream.get_final_message()


ANSWER: list[Event] = [
    MessageStart("up", "up", Usage(input_tokens=8)),
    PartStart(ThinkingPart("")),
    PartDelta("Hm"),
    PartEnd(Opaque("google", "sig")),
    PartStart(TextPart("")),
    PartDelta("Größer "),
    PartDelta("🙂"),
    PartEnd(),
    PartStart(ToolCallPart("functions.go:0", "go")),
    PartDelta('{"path"'),
    PartDelta(':"a\\u00fc.py"}'),
    PartEnd(),
    PartStart(ToolCallPart("b", "go")),
    PartDelta("{}"),
    PartEnd(),
    MessageEnd(
        FinishReason.TOOL_CALLS,
        usage=Usage(input_tokens=108, cached_tokens=100, output_tokens=9, reasoning_tokens=2),
    ),
]


@pytest.mark.parametrize("streamed", [True, False])
def test_the_sdk_reads_an_answer(streamed: bool) -> None:
    message = sdk_message(encoded(ANSWER, streamed=streamed), streamed=streamed)
    thinking, text, first, second = message.content
    assert thinking.type == "thinking"
    assert (thinking.thinking, SEAL in thinking.signature.encode()) == ("Hm", True)
    assert text.type == "text"
    assert text.text == "Größer 🙂"
    assert first.type == second.type == "tool_use"
    assert (first.id, first.name, first.input) == (
        "kpx_functions-2ego-3a0",
        "go",
        {"path": "aü.py"},
    )
    assert second.input == {}
    assert (message.model, message.stop_reason) == ("claude-sonnet-5-5", "tool_use")
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (8, 100)
    assert message.usage.output_tokens == 9


def test_the_sdk_reads_every_recorded_answer_the_same_from_stream_and_body() -> None:
    for name, data, streamed in recorded_replies():
        events = decoded(data, streamed=streamed)
        found = [
            # warnings: the SDK has types for blocks under a beta, but not among those of an answer
            sdk_message(encoded(events, streamed=again), streamed=again).to_dict(warnings=False)
            for again in (True, False)
        ]
        one, other = (
            {key: message[key] for key in ("role", "model", "stop_reason", "stop_sequence")}
            | {"usage": message["usage"]["output_tokens"]}  # type: ignore[index]
            for message in found
        )
        assert one == other, name
        contents = [json.loads(json.dumps(message["content"])) for message in found]
        for block in (block for content in contents for block in content):
            for noise in ("citations", "parsed_output", "caller"):
                if block.get(noise) is None:
                    block.pop(noise, None)
            if block["type"] not in _COLLECTED:
                block.pop("input", None)
        assert contents[0] == contents[1], name


def test_the_sdk_raises_on_an_error_in_a_stream() -> None:
    failed = StreamFailed(ReplyError(Kind.OVERLOADED, "too busy"))
    with pytest.raises(anthropic.APIStatusError, match="too busy"):
        sdk_message(encoded([MessageStart(), failed]), streamed=True)


def test_the_sdk_reads_lists_of_models() -> None:
    data = DIALECT.encode_models([ModelFacts("claude-a", "A"), ModelFacts("claude-b")])

    def handle(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=data)

    with anthropic.Anthropic(
        api_key="sk-invented",
        base_url="http://sdk.invalid",
        http_client=anthropic.DefaultHttpxClient(transport=httpx2.MockTransport(handle)),
    ) as client:
        assert [model.id for model in client.models.list()] == ["claude-a", "claude-b"]


# --- any answer, there and back

WORDS = st.lists(
    st.text(min_size=1, max_size=8).filter(lambda t: not _has_surrogates(t)), max_size=4
)
STATES = st.sampled_from([None, Opaque("anthropic", "s"), Opaque("openai", "x", "rs_1")])
SEARCH = Raw(b'{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":"a"}}')


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _streamed(part: TextPart | ThinkingPart, words: list[str], state: Opaque | None) -> list[Event]:
    if not words and state is None:
        return []  # a part that says nothing leaves no trace
    return [PartStart(part), *(PartDelta(word) for word in words), PartEnd(state)]


def _call(number: int, arguments: str, pieces: int) -> list[Event]:
    texts = [arguments[at : at + pieces] for at in range(0, len(arguments), pieces)]
    start = PartStart(ToolCallPart(f"call_{number}", "go"))
    return [start, *(PartDelta(text) for text in texts), PartEnd()]


PARTS: st.SearchStrategy[list[Event]] = st.one_of(
    st.builds(_streamed, st.just(TextPart("")), WORDS, st.none()),
    st.builds(_streamed, st.just(ThinkingPart("")), WORDS, STATES),
    st.builds(
        lambda data: [
            PartStart(ThinkingPart("", redacted=True)),
            PartEnd(Opaque("anthropic", data)),
        ],
        st.text("abc", min_size=1),
    ),
    st.builds(
        _call,
        st.integers(0, 99),
        st.dictionaries(st.text("ab", max_size=2), st.integers() | st.text(max_size=3)).map(
            lambda value: json.dumps(value, separators=(",", ":"))
        ),
        st.integers(1, 9),
    ),
    st.just(
        [
            PartStart(
                ServerToolPart(
                    "anthropic-messages",
                    "anthropic",
                    "server_tool_use",
                    "s",
                    SEARCH,
                    search=WebSearch(),
                )
            ),
            PartEnd(),
        ]
    ),
)
COUNTS = st.integers(0, 1000)
USAGES = st.builds(
    lambda fresh, read, written, hour, out, thought: Usage(
        input_tokens=fresh + read + written,
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=min(hour, written),
        output_tokens=out,
        reasoning_tokens=min(thought, out),
    ),
    COUNTS,
    COUNTS,
    COUNTS,
    COUNTS,
    COUNTS,
    COUNTS,
)
FINISHES = st.sampled_from(
    [FinishReason.STOP, FinishReason.TOOL_CALLS, FinishReason.REFUSAL, FinishReason.PAUSE]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PARTS, max_size=5), USAGES, FINISHES, st.booleans())
def test_any_answer_comes_back_as_it_went(
    parts: list[list[Event]], usage: Usage, finish: FinishReason, streamed: bool
) -> None:
    events = [event for part in parts for event in part]
    called = any(isinstance(e, PartStart) and isinstance(e.part, ToolCallPart) for e in events)
    end = MessageEnd(settled_finish(finish, called=called), usage=usage)
    answer = [MessageStart(), *events, end]
    assert told(decoded(encoded(answer, streamed=streamed), streamed=streamed)) == told(answer)
