import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.gemini.other_parts import (
    media_json,
    media_part,
    other_part,
    resolution_json,
)
from korproxy_addons.dialects.gemini.wire import PART
from korproxy_addons.dialects.model import MediaKind, MediaPart, ServerToolPart, UnknownPart


def read(value: Any) -> Any:
    raw = json.dumps(value).encode()
    return other_part(PART.decode(raw), Raw(raw))


@pytest.mark.parametrize(
    ("mime", "kind"),
    [
        ("image/png", MediaKind.IMAGE),
        ("audio/wav", MediaKind.AUDIO),
        ("video/mp4", MediaKind.VIDEO),
        ("Application/PDF; x=1", MediaKind.DOCUMENT),
        ("application/x-odd", MediaKind.DOCUMENT),
    ],
)
def test_the_type_says_the_kind(mime: str, kind: MediaKind) -> None:
    media = read({"inlineData": {"mimeType": mime, "data": "AAAA"}})
    assert (media.kind, media.mime) == (kind, mime.lower().partition(";")[0])


def test_the_alphabet_for_urls_becomes_the_standard_one() -> None:
    assert read({"inline_data": {"mime_type": "image/png", "data": "_-8"}}).base64 == "/+8="


def test_a_file_of_googles_own_is_a_file_and_others_are_addresses() -> None:
    own = "https://generativelanguage.googleapis.com/v1beta/files/abc"
    media = read({"fileData": {"fileUri": own, "mimeType": "image/png", "displayName": "n"}})
    assert (media.file_id, media.origin, media.url, media.name) == (own, "google", "", "n")
    media = read({"file_data": {"file_uri": "gs://bucket/x.mp4", "mime_type": "video/mp4"}})
    assert (media.url, media.file_id) == ("gs://bucket/x.mp4", "")


def test_the_resolution_is_the_detail() -> None:
    part = {
        "inlineData": {"mimeType": "image/png", "data": "AAAA"},
        "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"},
    }
    assert read(part).detail == "high"
    assert resolution_json("high") == part["mediaResolution"]
    assert resolution_json("auto") is None


@pytest.mark.parametrize("media", [{"inlineData": {}}, {"fileData": {"mimeType": "a/b"}}, {}])
def test_media_without_content_is_none(media: Any) -> None:
    assert media_part(PART.decode(json.dumps(media).encode())) is None


def test_googles_tools() -> None:
    part = read({"code_execution_result": {"outcome": "OUTCOME_OK", "output": "2"}})
    assert isinstance(part, ServerToolPart)
    assert (part.type, part.text) == ("codeExecutionResult", "```\n2\n```")
    part = read({"toolResponse": {"id": "s", "response": {}}, "thoughtSignature": "QQ=="})
    assert (part.type, part.call_id, part.text) == ("toolResponse", "s", "")
    assert read({"toolCall": "odd"}).text == ""


def test_t129_what_is_unknown_is_kept_whole() -> None:
    part = read({"thought": False, "newThing": {"a": 1}})
    assert isinstance(part, UnknownPart)
    assert part.type == "newThing"
    assert json.loads(bytes(part.raw)) == {"thought": False, "newThing": {"a": 1}}


def test_raw_json_that_is_no_utf8_goes_nowhere() -> None:
    raw = b'{"newThing":"\xff"}'
    assert other_part(PART.decode(raw), Raw(raw)) is None


@pytest.mark.parametrize("value", [{}, {"thought": True}, {"newThing": None}])
def test_a_part_that_says_nothing(value: Any) -> None:
    assert read(value) is None


def test_media_on_the_wire() -> None:
    inside = MediaPart(MediaKind.IMAGE, base64="AAAA", name="n")
    assert media_json(inside, "image/png") == {
        "inlineData": {"mimeType": "image/png", "data": "AAAA", "displayName": "n"}
    }
    stored = MediaPart(MediaKind.IMAGE, file_id="files/x", origin="google")
    assert media_json(stored, "image/png") == {"fileData": {"fileUri": "files/x"}}
    assert media_json(MediaPart(MediaKind.DOCUMENT, text="words"), "") == {"text": "words"}
