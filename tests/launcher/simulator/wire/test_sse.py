"""Frames of a stream."""

import json

from launcher.simulator.wire.sse import data_frame, dumps, encoded, event_frame, pieces


def test_frames() -> None:
    assert data_frame({"a": "ü"}) == 'data: {"a":"ü"}\n\n'.encode()
    assert event_frame({"type": "x"}) == b'event: x\ndata: {"type":"x"}\n\n'


def test_half_a_surrogate_pair_is_escaped_and_read_back() -> None:
    value = {"a": "\ud83d", "b": "🌍"}
    data = encoded(dumps(value))
    assert b"\\ud83d" in data
    assert json.loads(data) == value


def test_pieces_are_the_whole() -> None:
    assert pieces("abcde", 2) == ["ab", "cd", "e"]
    assert pieces("", 2) == []
    assert pieces("ab", 0) == ["a", "b"]
