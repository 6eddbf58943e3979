"""A reply's way to the client: held until it is known to be good, then event by event."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config.habits import COMPATIBLE
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import DecodeContext, EncodedRequest, ReplyContext
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.translate import Translator, reply_translator
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.reply_road import (
    HELD_WHOLE_BYTES,
    KEEP_ALIVE_S,
    Forms,
    HiddenFailureError,
    ReplyRoad,
    stream_headers,
)
from korproxy_addons.providers.failure import Failure
from support.answers import CHAT, CHAT_FRAMES, MESSAGE_FRAMES, MESSAGES, messages_error
from support.cut import cut
from support.fake_sink import FakeSink
from support.fake_upstream import FakeReply, Piece

STREAMS = Forms(upstream_streamed=True, client_streamed=True)
WHOLE = Forms(upstream_streamed=False, client_streamed=False)
CUT = KorProxyError(catalogue.STREAM_CUT, "reset")
PING = b'event: ping\ndata: {"type": "ping"}\n\n'


@dataclass
class Reading:
    """A provider that knows one word for an error and one for an announcement."""

    examined: list[bytes] = field(default_factory=list)

    def hidden_failure(self, data: bytes) -> Failure | None:
        self.examined.append(data)
        return Failure(spec=catalogue.RATE_LIMITED) if b"rate_limit_error" in data else None

    def is_prelude(self, data: bytes) -> bool:
        return b"ping" in data

    def masked(self, data: bytes) -> bytes:
        return data.replace(b"canary-key", b"[masked]")


@dataclass
class Trip:
    """One reply from upstream to client."""

    pieces: Sequence[Piece]
    forms: Forms = STREAMS
    client: str = MESSAGES
    upstream: str = MESSAGES
    leaves_after: int | None = None
    reading: Reading = field(default_factory=Reading)
    first_bytes: int = 0
    last_bytes: list[int] = field(default_factory=list)
    held: bytes = b""

    def __post_init__(self) -> None:
        self.reply = FakeReply(*self.pieces)
        self.sink = FakeSink(self.leaves_after)
        self.translator: Translator = reply_translator(
            dialect(self.client),
            dialect(self.upstream),
            EncodedRequest(b"{}", passed=self.client == self.upstream),
            DecodeContext(self.forms.upstream_streamed, COMPATIBLE[self.upstream], IdSource("s")),
            ReplyContext(self.forms.client_streamed, "m", IdSource("s"), 1_800_000_000, True),
        )

    def go(self) -> "Trip":
        """
        Hold, and carry.

        Raises:
            HiddenFailureError, KorProxyError: as `hold`.
        """
        asyncio.run(self._go())
        return self

    async def _go(self) -> None:
        road = ReplyRoad(
            self.reply,
            self.translator,
            self.forms,
            None,
            self.reading,
            self._first_byte,
            self.last_bytes.append,
        )
        self.held = await road.hold()
        self.ended_while_held = road.ended
        await self.sink.head(200, ())
        await road.carry(self.sink, self.held)

    def _first_byte(self) -> None:
        self.first_bytes += 1


# --- held


def test_a_stream_is_held_until_its_first_event() -> None:
    trip = Trip([MESSAGE_FRAMES[0][:9], MESSAGE_FRAMES[0][9:], *MESSAGE_FRAMES[1:]]).go()
    assert trip.held == MESSAGE_FRAMES[0]
    assert trip.sink.body == b"".join(MESSAGE_FRAMES)
    assert (trip.sink.ended, trip.first_bytes) == (True, 1)
    assert trip.last_bytes == [len(trip.sink.body)]


def test_announcements_are_held_back_with_it() -> None:
    trip = Trip([PING, PING, *MESSAGE_FRAMES]).go()
    assert trip.held == PING + PING + MESSAGE_FRAMES[0]


def test_after_the_first_event_nothing_is_looked_at_any_more() -> None:
    """An error in the middle is the client's to read; and looking at each event would cost."""
    trip = Trip(MESSAGE_FRAMES).go()
    assert len(trip.reading.examined) == 1


@pytest.mark.parametrize("pieces", [[PING], [MESSAGE_FRAMES[0][:20]], []])
def test_a_stream_without_an_event_is_no_reply(pieces: list[bytes]) -> None:
    with pytest.raises(HiddenFailureError) as failed:
        Trip(pieces).go()
    assert failed.value.error is not None
    assert failed.value.error.code == catalogue.STREAM_CUT.code


@given(st.integers(1, 40))
def test_an_error_as_first_event_is_found_however_it_is_cut(size: int) -> None:
    error = b"".join(
        (
            PING,
            b"event: error\ndata: ",
            msgspec.json.encode(messages_error("rate_limit_error")),
            b"\n\n",
        )
    )
    trip = Trip(list(cut(error, size)))
    with pytest.raises(HiddenFailureError) as failed:
        trip.go()
    assert failed.value.failure is not None
    assert failed.value.failure.spec is catalogue.RATE_LIMITED
    assert b"rate_limit_error" in failed.value.data
    assert not trip.sink.committed


@pytest.mark.parametrize("pings", [0, 1, 50, 500])
def test_an_error_behind_however_many_announcements_of_one_read_is_found(pings: int) -> None:
    error = b"event: error\ndata: %b\n\n" % msgspec.json.encode(messages_error("rate_limit_error"))
    trip = Trip([PING * pings + error + b"".join(MESSAGE_FRAMES)])
    with pytest.raises(HiddenFailureError) as failed:
        trip.go()
    assert failed.value.failure is not None
    assert not trip.sink.committed


@pytest.mark.parametrize("pings", [0, 1, 50, 500])
def test_a_stream_that_came_in_one_read_goes_out_in_one(pings: int) -> None:
    whole = PING * pings + b"".join(MESSAGE_FRAMES)
    trip = Trip([whole]).go()
    assert (trip.held, trip.sink.body, trip.sink.ended) == (whole, whole, True)


def test_what_breaks_off_while_it_is_held_is_told_to_nobody() -> None:
    trip = Trip([PING, CUT])
    with pytest.raises(KorProxyError):
        trip.go()
    assert not trip.sink.committed
    assert trip.last_bytes == []


def test_a_small_body_is_held_whole() -> None:
    trip = Trip([b'{"type":', b'"message"}'], WHOLE).go()
    assert (trip.held, trip.ended_while_held) == (b'{"type":"message"}', True)
    assert trip.reading.examined == [b'{"type":"message"}']


def test_a_large_body_is_held_up_to_a_size() -> None:
    piece = b"x" * (HELD_WHOLE_BYTES // 4)
    trip = Trip([piece] * 9, WHOLE).go()
    assert HELD_WHOLE_BYTES < len(trip.held) <= HELD_WHOLE_BYTES + len(piece)
    assert trip.sink.body == piece * 9
    assert trip.reading.examined == []


def test_a_whole_body_for_a_stream_and_a_stream_for_a_whole_body() -> None:
    gathered = Trip(MESSAGE_FRAMES, Forms(upstream_streamed=True, client_streamed=False)).go()
    assert gathered.ended_while_held
    assert gathered.sink.json["content"] == [{"type": "text", "text": "Aye"}]
    spread = Trip([gathered.sink.body], Forms(upstream_streamed=False, client_streamed=True)).go()
    assert b'"text":"Aye"' in spread.sink.body
    assert spread.sink.body.count(b"event: ") == len(MESSAGE_FRAMES)


# --- carried


@pytest.mark.parametrize("client", [MESSAGES, CHAT])
def test_a_break_in_the_middle_is_said_in_the_clients_words(client: str) -> None:
    trip = Trip([*MESSAGE_FRAMES[:3], CUT], client=client).go()
    assert trip.sink.ended
    assert catalogue.STREAM_CUT.code.encode() in trip.sink.pieces[-1]
    assert not trip.sink.body.endswith(b"[DONE]\n\n")
    assert trip.translator.error is not None


def test_a_stream_without_its_end_is_no_whole_one() -> None:
    trip = Trip(MESSAGE_FRAMES[:3]).go()
    assert catalogue.STREAM_CUT.code.encode() in trip.sink.pieces[-1]


def test_an_error_event_of_the_upstreams_own_passes_and_ends_the_stream() -> None:
    error = (
        b"event: error\ndata: " + msgspec.json.encode(messages_error("overloaded_error")) + b"\n\n"
    )
    trip = Trip([*MESSAGE_FRAMES[:3], error]).go()
    assert trip.sink.body == b"".join(MESSAGE_FRAMES[:3]) + error
    assert (trip.sink.ended, trip.sink.cut_reason) == (True, "")
    assert trip.translator.error is not None


def test_a_body_that_breaks_off_is_cut_off() -> None:
    trip = Trip([b"{" + b" " * HELD_WHOLE_BYTES, CUT], WHOLE).go()
    assert (trip.sink.ended, bool(trip.sink.cut_reason)) == (False, True)


@pytest.mark.parametrize(
    ("client", "upstream", "frames", "last"),
    [
        (MESSAGES, CHAT, CHAT_FRAMES, b'data: {"type":"message_stop"}\n\n'),
        (CHAT, MESSAGES, MESSAGE_FRAMES, b"data: [DONE]\n\n"),
    ],
)
def test_an_answer_that_is_whole_stays_whole_if_its_upstream_hangs_up_badly(
    client: str, upstream: str, frames: Sequence[bytes], last: bytes
) -> None:
    """Its last event has reached the client: what breaks after it is not the client's matter."""
    trip = Trip([*frames, CUT], client=client, upstream=upstream).go()
    assert trip.sink.ended
    assert trip.sink.body.endswith(last)
    assert trip.translator.error is None
    assert trip.last_bytes == [len(trip.sink.body)]


def test_a_client_that_left_is_read_to_no_more() -> None:
    trip = Trip(MESSAGE_FRAMES, leaves_after=2).go()
    assert trip.reply.unread == len(MESSAGE_FRAMES) - 2
    assert trip.last_bytes == [len(MESSAGE_FRAMES[0] + MESSAGE_FRAMES[1])]


BREAKS = [CUT, KorProxyError(catalogue.IDLE_TIMEOUT, "no data")]


@pytest.mark.parametrize("broken", BREAKS, ids=["cut", "idle"])
@pytest.mark.parametrize(
    ("dialect_id", "frames"), [(MESSAGES, MESSAGE_FRAMES), (CHAT, CHAT_FRAMES)]
)
def test_a_passed_answer_that_is_whole_stays_whole_too(
    dialect_id: str, frames: Sequence[bytes], broken: KorProxyError
) -> None:
    """What an upstream does after its last event is not the client's matter."""
    trip = Trip([*frames, broken], client=dialect_id, upstream=dialect_id).go()
    assert trip.sink.body == b"".join(frames)
    assert (trip.sink.ended, trip.sink.cut_reason) == (True, "")
    assert trip.translator.error is None


def test_a_passed_error_event_is_the_last_word_even_if_the_connection_breaks_then() -> None:
    error = (
        b"event: error\ndata: " + msgspec.json.encode(messages_error("overloaded_error")) + b"\n\n"
    )
    trip = Trip([*MESSAGE_FRAMES[:3], error, CUT]).go()
    assert trip.sink.body == b"".join(MESSAGE_FRAMES[:3]) + error
    assert (trip.sink.ended, trip.sink.cut_reason) == (True, "")
    assert trip.translator.error is not None


@pytest.mark.parametrize("client", [MESSAGES, CHAT])
def test_an_error_in_the_middle_repeats_no_secret(client: str) -> None:
    """Some services repeat the key that they refuse; passed or translated."""
    said = {"type": "error", "error": {"type": "api_error", "message": "bad canary-key"}}
    error = b"event: error\ndata: " + msgspec.json.encode(said) + b"\n\n"
    trip = Trip([*MESSAGE_FRAMES[:3], error], client=client).go()
    assert b"canary-key" not in trip.sink.body
    assert b"bad [masked]" in trip.sink.body


def test_what_a_model_says_is_passed_as_it_is() -> None:
    frame = MESSAGE_FRAMES[2].replace(b"Aye", b"canary-key")
    assert frame != MESSAGE_FRAMES[2]
    trip = Trip([*MESSAGE_FRAMES[:2], frame, *MESSAGE_FRAMES[3:]]).go()
    assert b"canary-key" in trip.sink.body


# --- keep-alives


def test_a_waiting_client_is_kept_alive_once_it_has_its_head_and_between_events_only() -> None:
    half = MESSAGE_FRAMES[1][:9]
    pieces = [None, MESSAGE_FRAMES[0], None, half, None, MESSAGE_FRAMES[1][9:], *MESSAGE_FRAMES[2:]]
    trip = Trip(pieces).go()
    beat = dialect(MESSAGES).keep_alive()
    assert beat
    assert trip.held == MESSAGE_FRAMES[0]
    assert trip.sink.pieces[1:4] == [beat, beat, MESSAGE_FRAMES[1]]
    assert trip.reply.ticks[0] is None
    assert set(trip.reply.ticks[2:]) == {KEEP_ALIVE_S}
    assert trip.last_bytes == [len(trip.sink.body)]


def test_nothing_is_put_into_a_whole_body() -> None:
    start = b"{" + b" " * HELD_WHOLE_BYTES
    trip = Trip([start, None, b"}"], WHOLE).go()
    assert trip.sink.body == start + b"}"


def test_a_stream_is_collected_nowhere_on_the_way() -> None:
    assert dict(stream_headers("text/event-stream")) == {
        "content-type": "text/event-stream",
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
    }
