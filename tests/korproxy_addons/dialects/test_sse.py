import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.sse import (
    ArrayFramer,
    Frame,
    FrameCutter,
    FrameRewriter,
    SseParser,
    comment_bytes,
    frame_bytes,
    frames_in,
    frames_with,
    without_comments,
)
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

LINES = st.sampled_from([
    b"data: {}", b"data:x", b"data:  two", b"data", b"data:", b": note", b"event: ping", b"event:e",
    b"id: 7", b"retry: 9", b"", b"", b"", "data: é€😀".encode(), b"data: \x0b\x0c\x1c", b"nonsense",
])  # fmt: skip
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=25).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


def by_the_book(stream: bytes) -> list[Frame]:
    """The standard's rules, line by line, on the whole stream at once."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    frames, event, data = [], "", list[bytes]()
    for line in [*text.split(b"\n"), b""]:
        name, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if not line:
            if b"\n".join(data):
                frames.append(Frame(event, b"\n".join(data)))
            event, data = "", []
        elif name == b"data" and b":" in line:
            data.append(value)
        elif name == b"event" and b":" in line:
            event = value.decode()
    return frames


def parsed(pieces: list[bytes]) -> list[Frame]:
    parser = SseParser()
    return [frame for piece in pieces for frame in parser.feed(piece)] + parser.close()


def pieces_of(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


@given(STREAMS, st.lists(st.integers(0, 10_000), max_size=12), st.booleans())
def test_any_cut_gives_the_frames_of_the_standard(
    stream: bytes, cuts: list[int], bom: bool
) -> None:
    stream = b"\xef\xbb\xbf" * bom + stream
    assert by_the_book(stream) == parsed(pieces_of(stream, cuts))


def test_a_stream_cut_at_every_byte_gives_the_same_frames() -> None:
    """T151, T152: all line ends, a comment, data before its event name, no last empty line."""
    stream = (
        '\ufeff: hi\r\ndata: {"a":"é😀"}\r\nevent: one\r\n\r\n'
        "data:x\rdata: y\r\revent: two\ndata: z"
    ).encode()
    whole = [Frame("one", '{"a":"é😀"}'.encode()), Frame("", b"x\ny"), Frame("two", b"z")]
    assert whole == parsed([stream])
    for place in range(len(stream)):
        assert whole == parsed([stream[:place], stream[place:]])
    assert whole == parsed([stream[i : i + 1] for i in range(len(stream))])


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 60, b"data: 0123456789\n" * 6])
def test_a_frame_over_the_limit_is_an_invalid_reply(stream: bytes) -> None:
    parser = SseParser(limit_bytes=50)
    for start in range(0, 50, 5):
        parser.feed(stream[start : start + 5])
    with pytest.raises(KorProxyError) as caught:
        parser.feed(stream[50:])
    assert caught.value.spec is UPSTREAM_INVALID_REPLY


def test_the_limit_is_for_one_frame_not_for_the_stream() -> None:
    parser = SseParser(limit_bytes=50)
    frames = [frame for _ in range(100) for piece in (b"data: 0123456789", b"\n", b"\n")
              for frame in parser.feed(piece)]  # fmt: skip
    assert [Frame("", b"0123456789")] * 100 == frames


def test_a_long_line_in_small_pieces_is_not_copied_again_and_again() -> None:
    """T180: 8 MB in 128 B pieces; copying at every piece would move 256 GB."""
    parser = SseParser()
    piece = b"x" * 128
    parser.feed(b"data: ")
    for _ in range(65_536):
        parser.feed(piece)
    assert [len(frame.data) for frame in parser.feed(b"\n\n")] == [65_536 * 128]


@given(
    st.binary(min_size=1).filter(lambda b: not set(b) & set(b"\r\n")), st.sampled_from(["", "ping"])
)
def test_a_written_frame_is_read_back(data: bytes, event: str) -> None:
    assert [Frame(event, data)] == frames_in(frame_bytes(data, event))


def test_line_ends_between_tokens_do_not_end_a_frame() -> None:
    """What stays raw of a body that was written over several lines may go into a stream."""
    pretty = b'{\r\n  "a": [\n\n    1.0\n  ],\r  "b": "\\n"\n}'
    (frame,) = SseParser().feed(frame_bytes(pretty, "x"))
    assert json.loads(frame.data) == json.loads(pretty)
    assert b"1.0" in frame.data


def test_a_comment_is_no_frame() -> None:
    assert comment_bytes("keep-alive") == b": keep-alive\n\n"
    assert frames_in(comment_bytes("keep-alive")) == []


@given(STREAMS, st.lists(st.integers(0, 10_000), max_size=12))
def test_a_cutter_changes_no_byte_and_cuts_no_frame(stream: bytes, cuts: list[int]) -> None:
    cutter = FrameCutter()
    outs = [cutter.feed(piece) for piece in pieces_of(stream, cuts)]
    rest = cutter.close()
    assert stream == b"".join(outs) + rest
    # each output parses by itself into the frames of the whole
    separate = [frame for out in [*outs, rest] for frame in frames_in(out)]
    assert parsed([stream]) == separate


def test_a_cutter_gives_a_frame_as_soon_as_it_is_whole() -> None:
    cutter = FrameCutter()
    assert cutter.feed(b"data: a\n") == b""
    assert cutter.feed(b"\ndata: b\r\n") == b"data: a\n\n"
    assert cutter.feed(b"\r\n") == b"data: b\r\n\r\n"
    assert cutter.close() == b""


def test_a_cutter_is_bounded() -> None:
    cutter = FrameCutter(limit_bytes=50)
    for _ in range(10):
        cutter.feed(b"12345")
    with pytest.raises(KorProxyError) as caught:
        cutter.feed(b"1")
    assert caught.value.spec is UPSTREAM_INVALID_REPLY


def test_a_rewriter_changes_payloads_and_nothing_else() -> None:
    rewriter = FrameRewriter(lambda data: data.replace(b'{"response":', b"")[:-1])
    stream = (
        b': hi\r\n\r\nid: 1\r\ndata: {"response":{"a":1}}\r\nevent: x\r\n\r\n'
        b'data:{"response":[1,\ndata: 2]}\n\ndata: [DONE]\n\ndata: {"response":{}}'
    )
    assert rewriter.feed(stream) == (
        b': hi\r\n\r\nid: 1\r\ndata: {"a":1}\r\nevent: x\r\n\r\n'
        b"data: [1,\ndata: 2]\n\ndata: [DONE]\n\ndata: {}"
    )


def test_a_rewriter_drops_a_frame_whose_payload_becomes_nothing() -> None:
    rewriter = FrameRewriter(lambda data: b"" if data == b"no" else data)
    assert rewriter.feed(b"event: x\ndata: no\n\ndata: yes\n\n") == b"data: yes\n\n"


def test_an_array_framer_makes_one_json_array() -> None:
    framer = ArrayFramer()
    assert (
        framer.item(b'{"a":1}') + framer.item(b'{"b":2}') + framer.close() == b'[{"a":1},\n{"b":2}]'
    )
    assert ArrayFramer().close() == b"[]"


MARKS = re.compile(rb"x|: c")


@given(STREAMS)
def test_frames_with_a_mark_are_all_there_and_as_they_were(stream: bytes) -> None:
    def marked(frames: list[Frame]) -> list[Frame]:
        return [it for it in frames if MARKS.search(it.data) or "x" in it.event]

    assert marked(frames_with(stream, MARKS)) == marked(frames_in(stream))


def test_frames_without_a_mark_are_not_taken_apart() -> None:
    stream = b"data: a\n\ndata: b x\ndata: c\n\n\ndata: d\n\nevent: x\ndata: e\n\ndata: f"
    assert frames_with(stream, MARKS) == [Frame("", b"b x\nc"), Frame("x", b"e")]
    assert frames_with(b"data: a\n\n", MARKS) == []


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_comments_go_and_leave_no_blank_line(end: bytes) -> None:
    stream = b": hi||: two|: three||data: a|: inside|id: 1||data: b: c||: end||".replace(b"|", end)
    assert without_comments(stream) == b"data: a|id: 1||data: b: c||".replace(b"|", end)


@given(STREAMS)
def test_without_comments_the_frames_are_the_same(stream: bytes) -> None:
    bare = without_comments(stream)
    assert frames_in(bare) == frames_in(stream)
    assert not any(line.startswith(b":") for line in bare.splitlines())
    assert without_comments(bare) == bare


def test_line_ends_around_a_comment_do_not_become_one() -> None:
    """Found by hypothesis: CR, a comment, LF."""
    stream = b"data: {}\r: note\n\ndata: {}\n\n"
    assert frames_in(without_comments(stream)) == frames_in(stream)
