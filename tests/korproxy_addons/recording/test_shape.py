import json
from typing import Any

import pytest

from korproxy_addons.recording import shape
from korproxy_addons.recording.shape import body_shape

CANARY = "canary-prompt-51a1"


@pytest.mark.parametrize(
    ("data", "content_type", "kind"),
    [
        (b"", "", "empty"),
        (b'{"a": 1}', "", "json"),
        (b" [1]", "text/plain", "json"),
        (b'{"cut of', "application/json", "json"),
        (b'data: {"type":"ping"}\n\n', "", "events"),
        (b"anything", "text/event-stream; charset=utf-8", "events"),
        (b"a=b&c=d", "application/x-www-form-urlencoded", "form"),
        ("plain é".encode(), "text/plain", "text"),
        ("cut é".encode()[:-1], "", "text"),
        (b"\xff\xfe\xfd\xfc\xfb", "", "binary"),
        (b"a\0b", "", "binary"),
        (b"a\0b\xff", "", "binary"),
    ],
)  # fmt: skip
def test_a_body_has_a_kind(data: bytes, content_type: str, kind: str) -> None:
    found = body_shape(data, content_type)
    assert (found.kind, found.bytes, len(found.sha256_8)) == (kind, len(data), 8)


def test_bodies_that_are_the_same_have_the_same_hash() -> None:
    assert body_shape(b"one").sha256_8 == body_shape(b"one", "text/plain").sha256_8 == "7692c3ad"
    assert body_shape(b"two").sha256_8 != "7692c3ad"
    assert body_shape(b"one", whole=False).sha256_8 == ""


def test_a_skeleton_shows_known_names_types_and_lengths() -> None:
    body: dict[str, Any] = {
        "model": "m",
        "stream": True,
        "temperature": 0.5,
        "stop": None,
        "messages": [{"role": "user", "content": CANARY}] * 5,
        CANARY: {"deep": CANARY},
    }
    assert body_shape(json.dumps(body).encode()).skeleton == {
        "model": "text 1",
        "stream": "bool",
        "temperature": "number",
        "stop": "null",
        "messages": [*[{"role": "text 4", "content": "text 18"}] * 3, "… 2 more"],
        "…": "1 more",
    }
    assert body_shape(json.dumps(body).encode(), skeleton=False).skeleton is None


def test_no_word_of_a_user_is_in_a_shape() -> None:
    """Neither as a value nor as the name of some tool's parameter."""
    body = {
        "tools": [{"name": CANARY, "parameters": {"properties": {CANARY: {"type": CANARY}}}}],
        "input": {CANARY: CANARY},
    }
    events = f'event: {CANARY}\ndata: {{"type": "{CANARY}"}}\n\n'
    for data in (json.dumps(body), events, CANARY):
        assert CANARY not in str(
            body_shape(data.encode(), "text/event-stream" if data is events else "")
        )


def test_events_are_counted_by_their_types() -> None:
    named = b'event: message_start\ndata: {"type":"message_start"}\n\n'
    named += b'event: ping\ndata: {"type":"ping"}\n\nevent: ping\r\ndata: {}\n\n'
    found = body_shape(named)
    assert (found.events, found.skeleton) == (3, {"message_start": 1, "ping": 2})
    unnamed = b'data: {"type":"response.created","x":1}\n\ndata: {"id":"c"}\n\ndata: [DONE]\n\n'
    found = body_shape(unnamed)
    assert (found.events, found.skeleton) == (3, {"response.created": 1})
    assert body_shape(unnamed, skeleton=False).skeleton is None


def test_of_very_many_types_the_rest_are_others() -> None:
    data = b"".join(b"event: type_%d\n\n" % number for number in range(100))
    found = body_shape(data).skeleton
    assert found["other"] == 60
    assert sum(found.values()) == 100


def test_a_skeleton_is_bounded() -> None:
    """In depth, in width and in the body that it is made of."""
    deep: Any = "end"
    for _ in range(40):
        deep = {"content": deep}
    assert "…" in str(body_shape(json.dumps(deep).encode()).skeleton)
    wide = [{"content": [{"text": "x", "type": "y"}] * 3}] * 3
    wider = dict.fromkeys(("messages", "input", "output", "contents", "tools", "parts"), wide)
    assert len(str(body_shape(json.dumps([wider] * 3).encode()).skeleton)) < 20_000


def test_a_body_that_is_too_large_has_no_skeleton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "LARGEST_SKELETON_BYTES", 4)
    found = body_shape(b'{"model": 1}')
    assert (found.kind, found.skeleton) == ("json", None)
