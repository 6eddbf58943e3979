import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.model import (
    CacheMarker,
    MediaKind,
    MediaPart,
    RefusalPart,
    TextPart,
    UnknownPart,
)
from korproxy_addons.dialects.openai_responses.decode_content import (
    decoded_content,
    decoded_output,
    marker_of,
)
from korproxy_addons.errors.exceptions import KorProxyError

PNG = "iVBORw0KGgoAAAANSUhEUg=="


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


def one(part: dict[str, Any]) -> Any:
    (found,) = decoded_content([raw(part)], "content")
    return found


@pytest.mark.parametrize("content", [None, "", []])
def test_nothing_is_no_part(content: Any) -> None:
    """T68, T148"""
    assert decoded_content(content, "content") == ()


def test_texts_of_all_sorts() -> None:
    """T148"""
    assert decoded_content("Hi", "content") == (TextPart("Hi"),)
    assert one({"type": "input_text", "text": "Hi"}) == TextPart("Hi")
    assert one({"type": "output_text", "text": "Hi", "annotations": []}) == TextPart("Hi")
    assert one({"type": "text", "text": "Hi"}) == TextPart("Hi")
    assert one({"type": "refusal", "refusal": "No."}) == RefusalPart("No.")


@pytest.mark.parametrize(
    ("part", "found"),
    [
        (
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "low"},
            MediaPart(MediaKind.IMAGE, mime="image/png", base64=PNG, detail="low"),
        ),
        (
            {"type": "input_image", "image_url": "https://x/y.png"},
            MediaPart(MediaKind.IMAGE, url="https://x/y.png"),
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "high"}},
            MediaPart(MediaKind.IMAGE, url="https://x/y.png", detail="high"),
        ),
        (
            {"type": "input_image", "file_id": "file-1"},
            MediaPart(MediaKind.IMAGE, file_id="file-1", origin="openai"),
        ),
        (
            {
                "type": "input_file",
                "filename": "a.pdf",
                "file_data": "data:application/pdf;base64,JVBERi0=",
            },
            MediaPart(MediaKind.DOCUMENT, mime="application/pdf", base64="JVBERi0=", name="a.pdf"),
        ),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "JVBERi0="},
            MediaPart(MediaKind.DOCUMENT, base64="JVBERi0=", name="a.pdf"),
        ),
        (
            {"type": "input_file", "file_url": "https://x/a.pdf"},
            MediaPart(MediaKind.DOCUMENT, url="https://x/a.pdf"),
        ),
        (
            {"type": "input_file", "file_id": "file-1"},
            MediaPart(MediaKind.DOCUMENT, file_id="file-1", origin="openai"),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
            MediaPart(MediaKind.AUDIO, mime="audio/wav", base64="UklGRg=="),
        ),
    ],
)
def test_media(part: dict[str, Any], found: MediaPart) -> None:
    """T124, T126: an image's address is a string here, an object in Chat's form."""
    assert one(part) == found


def test_an_unknown_part_is_kept() -> None:
    """T129"""
    part = {"type": "input_video", "text": "words", "video": {}}
    assert one(part) == UnknownPart("openai-responses", "input_video", raw(part), "words")
    empty = {"type": "input_image", "image_url": None}
    assert one(empty) == UnknownPart("openai-responses", "input_image", raw(empty))
    untyped: dict[str, Any] = {"video": {}}
    assert one(untyped) == UnknownPart("openai-responses", "", raw(untyped))


def test_a_text_without_a_type_is_a_text() -> None:
    assert one({"text": "words"}) == one({"type": None, "text": "words"}) == TextPart("words")


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"type": 5}, "content[0].type"),
        ({"type": "input_image", "image_url": 5}, "content[0].image_url"),
        ({"type": "image_url", "image_url": {}}, "content[0].image_url"),
    ],
)
def test_a_mistake_names_its_place(part: dict[str, Any], path: str) -> None:
    """T170"""
    with pytest.raises(KorProxyError) as found:
        one(part)
    assert found.value.param == path


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (None, ()),
        ("", ()),
        ("done", (TextPart("done"),)),
        ([], ()),
        ({"ok": True}, (TextPart('{"ok": true}'),)),
        ([1, 2], (TextPart("[1, 2]"),)),
        ([{"name": "x"}], (TextPart('[{"name": "x"}]'),)),
        ([{"type": "input_text", "text": "a"}], (TextPart("a"),)),
        ([{"type": "refusal", "refusal": "no"}], (TextPart("no"),)),
        (
            [{"type": "input_image", "image_url": "https://x"}],
            (MediaPart(MediaKind.IMAGE, url="https://x"),),
        ),
    ],
)
def test_what_a_call_gave_back(output: Any, found: Any) -> None:
    """T66, T68: text, parts, nothing, or any JSON."""
    assert decoded_output(raw(output), "output") == found
    assert decoded_output(Raw(), "output") == ()


def test_cache_markers_of_both_sorts() -> None:
    """T92"""
    text = {"type": "input_text", "text": "x"}
    assert one({**text, "cache_control": {"type": "ephemeral", "ttl": "1h"}}).cache == CacheMarker(
        "1h"
    )
    assert one({**text, "prompt_cache_breakpoint": {"mode": "explicit"}}).cache == CacheMarker()
    assert marker_of(raw("odd")) == CacheMarker()
    assert marker_of(Raw(), raw(None)) is None
