"""Any answer that a model could give, through all sixteen pairs: said alike however it is cut, in the client's own grammar."""

import itertools
import json
from collections.abc import Iterator

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import DecodeContext, EncodedRequest, ReplyContext
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
from korproxy_addons.dialects.grammar import violation
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import (
    FinishReason,
    Opaque,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    Usage,
)
from korproxy_addons.dialects.sse import frames_in
from korproxy_addons.dialects.transcoder import Transcoder
from korproxy_addons.errors.kinds import Kind
from matrix.cases import DIALECTS, HABITS
from matrix.said import Said, as_told, said
from matrix.test_replies import GRAMMARS

WORDS = st.sampled_from(
    ["Hello", " ", "größer 🙂", "\n", "a\u2028b", '"quoted"', "</think>x", "{}"]
)
ORIGIN = {
    "anthropic-messages": "anthropic",
    "openai-responses": "openai",
    "gemini": "google",
    "openai-chat": "",
}
PAIRS = [(upstream, client) for upstream in DIALECTS for client in DIALECTS]


@st.composite
def parts(draw: st.DrawFn, number: int, origin: str, kind: str) -> list[Event]:
    words = draw(st.lists(WORDS, min_size=1, max_size=4))
    state = Opaque(origin, f"STATE{number}" + "A" * 32) if origin and draw(st.booleans()) else None
    if kind == "text":
        return [PartStart(TextPart("")), *map(PartDelta, ["T", *words]), PartEnd()]
    if kind == "thinking":
        return [PartStart(ThinkingPart("")), *map(PartDelta, ["H", *words]), PartEnd(state)]
    text = json.dumps({"words": words, "n": 12345678901234567890, "f": 1.0})
    cut = draw(st.integers(1, len(text) - 1))
    call = ToolCallPart(f"call_{number}", draw(st.sampled_from(["read", "write_file"])))
    return [PartStart(call), PartDelta(text[:cut]), PartDelta(text[cut:]), PartEnd()]


@st.composite
def answers(draw: st.DrawFn, origin: str) -> list[Event]:
    """An answer as a decoder tells it."""
    kinds = draw(st.lists(st.sampled_from(["text", "thinking", "call"]), max_size=5))
    # Two pieces of reasoning on end are one to dialects that have one field for it.
    kinds = [
        kind for at, kind in enumerate(kinds) if kind == "call" or kinds[at - 1 : at] != [kind]
    ]
    found = [draw(parts(number, origin, kind)) for number, kind in enumerate(kinds)]
    events = [event for part in found for event in part]
    called = any(isinstance(e, PartStart) and isinstance(e.part, ToolCallPart) for e in events)
    ends = [FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.STOP]
    finish = FinishReason.TOOL_CALLS if called else draw(st.sampled_from(ends))
    cached = draw(st.sampled_from([0, 5]))
    usage = Usage(
        input_tokens=cached + draw(st.integers(1, 9)),
        cached_tokens=cached,
        output_tokens=draw(st.integers(3, 9)),
        reasoning_tokens=draw(st.sampled_from([0, 2])),
    )
    return [MessageStart("up_1", "up"), *events, MessageEnd(finish, usage=usage)]


def written(dialect_id: str, events: list[Event], *, streamed: bool) -> bytes:
    """The answer as an upstream of a dialect sends it."""
    context = ReplyContext(streamed, "up", IdSource("up"), 1_795_000_000, include_usage=True)
    encoder = dialect(dialect_id).encoder(context)
    return b"".join(encoder.feed(event) for event in events)


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({place % (len(data) + 1) for place in cuts} | {0, len(data)})
    return (data[one:two] for one, two in itertools.pairwise(places))


def through(
    upstream: str, client: str, data: bytes, cuts: list[int], forms: tuple[bool, bool]
) -> tuple[bytes, Transcoder]:
    translator = Transcoder(
        dialect(client),
        dialect(upstream),
        EncodedRequest(b""),
        DecodeContext(forms[0], HABITS[upstream], IdSource("s")),
        ReplyContext(forms[1], "m", IdSource("s"), 1_795_000_000, include_usage=True),
    )
    out = b"".join(translator.feed(piece) for piece in pieces(data, cuts))
    return out + translator.close(), translator


def heard(dialect_id: str, data: bytes, *, streamed: bool) -> Said:
    """What a client reads."""
    decoder = dialect(dialect_id).decoder(
        DecodeContext(streamed, HABITS[dialect_id], IdSource("s"))
    )
    events = [*decoder.feed(data), *decoder.close()]
    assert violation(events) == ""
    return said(events)


def expected(events: list[Event], upstream: str, client: str) -> Said:
    """What is said, as far as the upstream's own wire could hold it."""
    return as_told(as_told(said(events), upstream), client)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_answer_is_told_alike_by_all_sixteen_pairs(data: st.DataObject) -> None:
    """Invariants 1 to 4 and 10: stream and body, any cut, the client dialect's grammar, arguments and counts."""
    for upstream, client in PAIRS:
        events = data.draw(answers(ORIGIN[upstream]))
        cuts = data.draw(st.lists(st.integers(0, 100_000), max_size=8))
        told = expected(events, upstream, client)
        streams = set()
        for forms in ((True, True), (True, False), (False, True), (False, False)):
            reply = written(upstream, events, streamed=forms[0])
            where = f"{upstream} to {client}, streamed {forms}"
            out, translator = through(upstream, client, reply, cuts, forms)
            assert (translator.error, translator.mistake) == (None, None), where
            assert as_told(heard(client, out, streamed=forms[1]), client) == told, where
            if forms[1]:
                frames = [(frame.event, frame.data) for frame in frames_in(out)]
                GRAMMARS[client](frames, False, where)
            if forms == (True, True):
                streams.add(out)
                streams.add(through(upstream, client, reply, [], forms)[0])
                streams.add(through(upstream, client, reply, list(range(len(reply))), forms)[0])
        assert len(streams) == 1, f"{upstream} to {client}: where it is cut shows"


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_an_answer_that_breaks_off_anywhere_never_looks_whole_to_any_client(
    data: st.DataObject,
) -> None:
    """Invariant 12, T161 and T165: the dialect's own error ends it, and no good end follows."""
    for upstream, client in PAIRS:
        events = data.draw(answers(ORIGIN[upstream]))
        place = data.draw(st.integers(0, len(events) - 1))
        failed = [*events[:place], StreamFailed(ReplyError(Kind.OVERLOADED, "busy"))]
        where = f"{upstream} to {client}, after {place} events"
        out, translator = through(
            upstream, client, written(upstream, failed, streamed=True), [], (True, True)
        )
        assert translator.error is not None, where
        assert translator.mistake is None, where
        frames = [(frame.event, frame.data) for frame in frames_in(out)]
        GRAMMARS[client](frames, True, where)
        assert heard(client, out, streamed=True).failed != "", where


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_garbage_from_any_upstream_is_an_error_of_ours_to_any_client(data: st.DataObject) -> None:
    """Bytes of another dialect, changed bytes, no bytes: never an exception, never a mistake of ours."""
    for upstream, client in PAIRS:
        other = data.draw(st.sampled_from(DIALECTS))
        reply = bytearray(written(other, data.draw(answers(ORIGIN[other])), streamed=True))
        for _ in range(data.draw(st.integers(0, 4))):
            if reply:
                reply[data.draw(st.integers(0, len(reply) - 1))] = data.draw(st.integers(0, 255))
        reply += data.draw(st.binary(max_size=40))
        for forms in ((True, True), (False, False), (True, False)):
            out, translator = through(upstream, client, bytes(reply), [7, 100, 301], forms)
            where = f"{other} as {upstream} to {client}"
            assert translator.mistake is None, where
            assert translator.over, where
            if forms[1]:
                failed = heard(client, out, streamed=True).failed != ""
                assert failed is (translator.error is not None), where
