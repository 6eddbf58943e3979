"""Two recorded bodies beside each other; `test_differences.py` has them in their exchange."""

import json

import pytest

from korproxy_addons.recording.bodies import NOT_KEPT, How, bare, bodies_differ, content_type
from korproxy_addons.recording.record import BodyShape, RecordedMessage
from support.recordings import EVENTS, JSON, saying

CHAT = "openai-chat"


@pytest.mark.parametrize(
    ("before", "after", "how"),
    [
        ("", "", How.SAME),
        ('{"a":1}', '{"a":1}', How.SAME),
        ('{"a":1,"b":2}', '{"b": 2, "a": 1}', How.SAME_JSON),
        ('{"a":1}', '{"a":1.0}', How.CHANGED),
        ('{"a":1}', "{oops", How.CHANGED),
        ('{"a":1}', "", How.CHANGED),
    ],
)
def test_how_two_bodies_stand(before: str, after: str, how: How) -> None:
    assert bodies_differ(saying(200, before, JSON), saying(200, after, JSON), CHAT, CHAT).how is how


def test_lengths_are_counted_in_bytes() -> None:
    found = bodies_differ(saying(200, "é", JSON), RecordedMessage(status=200), CHAT, CHAT)
    assert (found.before_bytes, found.after_bytes) == (2, 0)


def test_a_body_that_was_not_kept_has_no_known_length() -> None:
    found = bodies_differ(RecordedMessage(status=200, note="gone"), saying(200, "a"), CHAT, CHAT)
    assert (found.how, found.before_bytes, found.after_bytes) == (How.UNKNOWN, None, 1)
    assert found.note == "gone"
    assert found.changes == ()


def test_a_shape_is_no_body() -> None:
    """Recordings of shapes alone give no reason beside each body."""
    shaped = RecordedMessage(status=200, shape=BodyShape(kind="json", bytes=5, sha256_8="a"))
    found = bodies_differ(shaped, saying(200, "{}", JSON), CHAT, CHAT)
    assert (found.how, found.note) == (How.UNKNOWN, NOT_KEPT)
    empty = RecordedMessage(status=204, shape=BodyShape(kind="empty", bytes=0))
    assert bodies_differ(empty, empty, CHAT, CHAT).how is How.SAME
    assert bodies_differ(empty, saying(200, "{}", JSON), CHAT, CHAT).how is How.CHANGED


def test_two_bodies_not_kept_are_not_the_same_for_that() -> None:
    gone = RecordedMessage(status=200, note="gone")
    assert bodies_differ(gone, gone, CHAT, CHAT).how is How.UNKNOWN


def test_a_stream_beside_one_body() -> None:
    """An upstream that streams for a client that does not want it."""
    found = bodies_differ(
        saying(200, 'data: {"a":1}\n\n', EVENTS), saying(200, "{}", JSON), CHAT, CHAT
    )
    assert [it.path for it in found.changes] == [""]
    assert found.changes[0].before == [{"a": 1}]


def test_a_head_may_name_no_type() -> None:
    assert content_type(RecordedMessage()) == ""
    assert content_type(RecordedMessage(headers=(EVENTS,))) == EVENTS[1]


def test_an_envelope_is_taken_off_a_text() -> None:
    inner: dict[str, list[str]] = {"contents": []}
    assert json.loads(bare(json.dumps({"model": "m", "request": inner}))) == inner
    assert bare('{"a": 1}') == '{"a": 1}'
    assert bare("oops") == "oops"
