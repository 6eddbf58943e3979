import pytest

from korproxy_addons.config.habits import Habits
from korproxy_addons.dialects.base import DecodeContext, EncodedRequest, ReplyContext
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import FinishReason
from korproxy_addons.dialects.transcoder import Transcoder
from korproxy_addons.errors.catalogue import INTERNAL, STREAM_CUT, UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.kinds import Kind
from support.cut import cut
from support.toy_dialect import USAGE, toy_dialect, toy_stream, toy_words

GOOD = ("start", "text", "+hello", "+ there", "-", "end")
TIMEOUT = ReplyError(Kind.TIMEOUT, "too slow")


def transcoder(*, upstream_streams: bool = True, client_streams: bool = True) -> Transcoder:
    ids = IdSource("s")
    return Transcoder(
        toy_dialect("one"),
        toy_dialect("two"),
        EncodedRequest(b""),
        DecodeContext(upstream_streams, Habits(dialect="two"), ids),
        ReplyContext(client_streams, "m", ids, 0),
    )


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_chunking_does_not_change_what_the_client_gets(size: int) -> None:
    one = transcoder()
    out = b"".join(one.feed(piece) for piece in cut(toy_stream(*GOOD), size)) + one.close()
    assert toy_words(out) == ["start", "text", "+hello", "+ there", "-", "end stop"]
    assert (one.usage, one.finish, one.model) == (USAGE, FinishReason.STOP, "toy-1")
    assert (one.error, one.over) == (None, True)


def test_every_event_goes_out_with_the_bytes_that_completed_it() -> None:
    one = transcoder()
    outs = [toy_words(one.feed(toy_stream(word))) for word in GOOD]
    assert [1] * len(GOOD) == [len(words) for words in outs]


@pytest.mark.parametrize("upstream_streams", [True, False])
def test_a_whole_answer_comes_once_and_at_the_end(upstream_streams: bool) -> None:
    """A whole reply is a stream of one chunk; a stream is collected for a client that wants it whole."""
    one = transcoder(upstream_streams=upstream_streams, client_streams=False)
    outs = [one.feed(piece) for piece in cut(toy_stream(*GOOD), 9)] + [one.close()]
    assert [out for out in outs if out] == [b"start|text|+hello|+ there|-|end stop"]


@pytest.mark.parametrize("ending", ["close", "fail"])
def test_what_was_told_before_a_stream_broke_off_is_known(ending: str) -> None:
    """Some upstreams tell their tokens as they go: what was told was used."""
    one = transcoder()
    one.feed(toy_stream("start", "text", "+hel", "ping"))
    assert one.usage is None
    if ending == "close":
        one.close()
    else:
        one.fail(TIMEOUT)
    assert one.usage == USAGE


def test_a_stream_that_ends_too_early_ends_in_an_error() -> None:
    """T111, T165."""
    one = transcoder()
    out = one.feed(toy_stream("start", "text", "+hel")) + one.close()
    assert toy_words(out) == ["start", "text", "+hel", "failed internal"]
    assert one.error is not None
    assert STREAM_CUT.code == one.error.code


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("start", "text", "crash", "+more"), INTERNAL.code),
        (("start", "text", "jumble", "-"), UPSTREAM_INVALID_REPLY.code),
        (("start", "text", "+explode"), INTERNAL.code),
        (("start", "text", "+" + "x" * 2000), UPSTREAM_INVALID_REPLY.code),
    ],
)
def test_no_mistake_hangs_or_cuts_the_client(words: tuple[str, ...], code: str) -> None:
    """Of a decoder, of the order of events, of an encoder; and an upstream that fills the memory."""
    one = transcoder()
    out = b"".join(one.feed(piece) for piece in cut(toy_stream(*words), 64)) + one.close()
    found = toy_words(out)
    assert found[:2] == ["start", "text"]
    assert (
        ["failed internal"] == [word for word in found if word.startswith("failed")] == found[-1:]
    )
    assert one.error is not None
    assert code == one.error.code
    assert (code == INTERNAL.code) == isinstance(one.mistake, RuntimeError)


def test_a_mistake_at_the_very_end_is_an_error_too() -> None:
    one = transcoder()
    out = one.feed(toy_stream("start") + b"data: crash") + one.close()
    assert toy_words(out) == ["start", "failed internal"]


def test_what_comes_after_the_end_is_not_heard() -> None:
    """T113."""
    one = transcoder()
    one.feed(toy_stream(*GOOD))
    assert [
        one.feed(toy_stream("start")),
        one.close(),
        one.fail(TIMEOUT),
        one.keep_alive(),
    ] == [b""] * 4
    assert one.error is None


def test_a_failure_from_outside_is_said_once_in_the_clients_words() -> None:
    one = transcoder()
    one.feed(toy_stream("start", "text"))
    assert toy_words(one.fail(TIMEOUT)) == ["failed timeout"]
    assert [one.fail(TIMEOUT), one.error] == [b"", TIMEOUT]


def test_a_whole_answer_that_fails_writes_nothing() -> None:
    """The gateway then answers with a real status."""
    one = transcoder(client_streams=False)
    assert one.feed(toy_stream("start", "crash")) + one.close() == b""
    assert one.error is not None


def test_keep_alives_go_to_streams_only() -> None:
    """T155: white space in a whole body would commit it."""
    assert transcoder().keep_alive() == b": toy\n\n"
    assert transcoder(client_streams=False).keep_alive() == b""
