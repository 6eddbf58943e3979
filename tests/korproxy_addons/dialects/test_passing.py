import pytest

from korproxy_addons.dialects.anthropic_messages import DIALECT as ANTHROPIC
from korproxy_addons.dialects.base import ReplyContext
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import FinishReason
from korproxy_addons.dialects.passing import PassThrough
from korproxy_addons.errors.catalogue import INTERNAL, STREAM_CUT, UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind
from support.cut import cut, cut_in_two
from support.toy_dialect import USAGE, toy_dialect, toy_stream, toy_words

STREAM = b': hi\r\n\r\nevent: x\r\ndata: {"odd" : 1.0}\r\n\r\n' + toy_stream("+a", "end")
TIMEOUT = ReplyError(Kind.TIMEOUT, "too slow")


def passing(*, streamed: bool = True, sse: bool = True, wrapped: bool = False) -> PassThrough:
    reply = ReplyContext(streamed, "m", IdSource("s"), 0, sse=sse)
    return PassThrough(toy_dialect("one"), reply, unwrap if wrapped else None)


def unwrap(data: bytes) -> bytes:
    if data == b"broken":
        raise KorProxyError(UPSTREAM_INVALID_REPLY)
    return data.removeprefix(b"<").removesuffix(b">")


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_stream_passes_byte_for_byte(size: int) -> None:
    one = passing()
    assert b"".join(one.feed(piece) for piece in cut(STREAM, size)) + one.close() == STREAM
    assert (one.usage, one.finish, one.model) == (USAGE, FinishReason.STOP, "toy-1")
    assert (one.error, one.over) == (None, True)


def test_a_whole_body_passes_as_it_comes() -> None:
    one = passing(streamed=False)
    assert [one.feed(b"who"), one.feed(b"le"), one.close()] == [b"who", b"le", b""]
    assert one.usage == USAGE


def test_a_stream_that_breaks_anywhere_ends_in_whole_frames_and_an_error() -> None:
    """T165, and 12 of the invariants: half a frame never reaches a client."""
    for head, _ in cut_in_two(STREAM):
        one = passing()
        out = one.feed(head) + one.close()
        if one.error is None:
            assert b"data: end" in head
        else:
            assert STREAM_CUT.code == one.error.code
            frames = out.removesuffix(b"data: failed internal\n\n")
            assert frames != out
            assert STREAM.startswith(frames)
            assert frames.endswith((b"\n\n", b"\r\n\r\n", b"\n\r")) or not frames


def test_a_last_frame_without_its_empty_line_counts() -> None:
    """T152."""
    one = passing()
    assert STREAM[:-2] == one.feed(STREAM[:-2]) + one.close()
    assert one.error is None


def test_a_failure_from_outside_comes_after_whole_frames() -> None:
    one = passing()
    out = one.feed(toy_stream("+a") + b"data: +hal") + one.fail(TIMEOUT)
    assert toy_words(out) == ["+a", "failed timeout"]
    assert [
        one.feed(b"x"),
        one.close(),
        one.fail(TIMEOUT),
        one.keep_alive(),
    ] == [b"", b"", b"", b""]


def test_an_envelope_is_taken_off_every_frame() -> None:
    """T163."""
    one = passing(wrapped=True)
    out = b"".join(one.feed(piece) for piece in cut(b"data: <a>\r\n\r\ndata: <end>\r\n\r\n", 5))
    assert out + one.close() == b"data: a\r\n\r\ndata: end\r\n\r\n"
    assert one.usage == USAGE


def test_an_envelope_that_cannot_be_read_is_an_error() -> None:
    one = passing(wrapped=True)
    assert toy_words(one.feed(toy_stream("broken"))) == ["failed internal"]
    one = passing(wrapped=True)
    assert toy_words(one.feed(b"data: broken") + one.close()) == ["failed internal"]


def test_a_whole_envelope_is_taken_off() -> None:
    one = passing(streamed=False, wrapped=True)
    assert one.feed(b"<wh") + one.feed(b"ole>") + one.close() == b"whole"
    assert one.usage == USAGE


def test_a_stream_can_become_a_json_array() -> None:
    """Gemini without alt=sse; an error is an element, too."""
    one = passing(sse=False)
    assert one.feed(toy_stream("1", "end")) + one.close() == b"[1,\nend]"
    one = passing(sse=False)
    assert one.feed(toy_stream("1")) + one.fail(TIMEOUT) == b"[1,\nfailed timeout]"
    assert passing(sse=False).keep_alive() == b""


def test_a_mistake_of_ours_ends_the_stream_in_the_dialects_words() -> None:
    one = passing()
    assert toy_words(one.feed(toy_stream("crash"))) == ["failed internal"]
    assert one.error is not None
    assert INTERNAL.code == one.error.code
    assert isinstance(one.mistake, RuntimeError)
    one = passing()
    assert toy_words(one.feed(b"data: crash") + one.close()) == ["failed internal"]


def test_keep_alives_go_to_streams_only() -> None:
    assert passing().keep_alive() == b": toy\n\n"
    assert passing(streamed=False).keep_alive() == b""


@pytest.mark.parametrize("sse", [True, False], ids=["events", "array"])
def test_after_the_answers_own_end_nothing_follows(*, sse: bool) -> None:
    """An upstream that hangs up badly after its last event has given the whole answer."""
    one, other = passing(sse=sse), passing(sse=sse)
    whole = other.feed(STREAM) + other.close()
    assert one.feed(STREAM) + one.fail(TIMEOUT) == whole
    assert (one.error, one.over, one.finish) == (None, True, FinishReason.STOP)
    assert one.close() == b""


def test_before_it_a_failure_is_said() -> None:
    one = passing()
    one.feed(toy_stream("+a"))
    assert one.fail(TIMEOUT)
    assert one.error == TIMEOUT


def test_an_error_of_the_upstreams_own_is_known_as_it_passes() -> None:
    """Whoever passes it on looks whether it repeats a secret; nothing is added to it."""
    one = PassThrough(ANTHROPIC, ReplyContext(True, "m", IdSource("s"), 0))
    event = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"no"}}\n\n'
    assert one.feed(event) == event
    assert one.error is not None
    assert not one.over
    assert one.fail(TIMEOUT) == b""
    assert one.error.kind is Kind.OVERLOADED
