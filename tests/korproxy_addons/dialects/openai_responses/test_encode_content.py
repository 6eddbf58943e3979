from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.config.habits import COMPATIBLE_RESPONSES, Habits, ModelFacts
from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.losses import Losses
from korproxy_addons.dialects.model import (
    CacheMarker,
    Citation,
    MediaKind,
    MediaPart,
    TextPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.openai_responses.encode_content import ContentEncoder
from support.responses_wire import DEFAULT, FACTS

IMAGE = MediaPart(MediaKind.IMAGE, mime="image/png", base64="QUJD")


class Encoder(ContentEncoder):
    def __init__(self, habits: Habits = DEFAULT, facts: ModelFacts = FACTS) -> None:
        self.found = Losses()
        super().__init__(Target("m", habits, facts, stream=False), self.found)

    def lost(self) -> list[str]:
        return [str(loss) for loss in self.found.all()]


@pytest.mark.parametrize(
    ("part", "found"),
    [
        (IMAGE, {"type": "input_image", "image_url": "data:image/png;base64,QUJD"}),
        (
            MediaPart(MediaKind.IMAGE, url="https://x", detail="low"),
            {"type": "input_image", "detail": "low", "image_url": "https://x"},
        ),
        (
            MediaPart(MediaKind.IMAGE, file_id="f", origin="openai"),
            {"type": "input_image", "file_id": "f"},
        ),
        (
            MediaPart(MediaKind.DOCUMENT, mime="application/pdf", base64="JVBERi0="),
            {
                "type": "input_file",
                "filename": "document.pdf",
                "file_data": "data:application/pdf;base64,JVBERi0=",
            },
        ),
        (
            MediaPart(MediaKind.DOCUMENT, url="https://x/a.pdf"),
            {"type": "input_file", "file_url": "https://x/a.pdf"},
        ),
        (
            MediaPart(MediaKind.DOCUMENT, file_id="f", origin="openai"),
            {"type": "input_file", "file_id": "f"},
        ),
        (
            MediaPart(MediaKind.DOCUMENT, text="words", name="a.txt"),
            {"type": "input_text", "text": "a.txt:\n\nwords"},
        ),
        (
            MediaPart(MediaKind.AUDIO, mime="audio/mpeg", base64="SUQz"),
            {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
        ),
    ],
)
def test_media(part: MediaPart, found: dict[str, Any]) -> None:
    """T124, T126: a document has a name and a data URL, a text is text."""
    encoder = Encoder()
    assert encoder.media(part) == [found]
    assert encoder.lost() == []


@pytest.mark.parametrize(
    ("part", "loss"),
    [
        (MediaPart(MediaKind.VIDEO, url="https://x"), "video: left out"),
        (MediaPart(MediaKind.IMAGE, url="gs://x"), "image: left out"),
        (MediaPart(MediaKind.IMAGE, file_id="f", origin="anthropic"), "image: left out"),
        (MediaPart(MediaKind.DOCUMENT, url="gs://x"), "document: left out"),
        (MediaPart(MediaKind.AUDIO, url="https://x"), "audio: left out"),
        (MediaPart(MediaKind.AUDIO, mime="audio/odd", base64="QUJD"), "audio: left out"),
    ],
)
def test_media_without_a_form_are_said_to_be_left_out(part: MediaPart, loss: str) -> None:
    """T127, T129"""
    encoder = Encoder()
    assert encoder.media(part) == [{"type": "input_text", "text": f"[{part.kind} left out]"}]
    assert encoder.lost() == [loss]


def test_a_model_that_sees_and_hears_nothing() -> None:
    facts = ModelFacts("m", inputs=("text",))
    for part in (IMAGE, MediaPart(MediaKind.AUDIO, mime="audio/wav", base64="QUJD")):
        encoder = Encoder(facts=facts)
        encoder.media(part)
        assert encoder.lost() == [f"{part.kind}: left out"]


def test_words_about_a_document_come_before_it() -> None:
    part = MediaPart(MediaKind.DOCUMENT, text="words", context="an old draft", cache=CacheMarker())
    encoder = Encoder()
    assert encoder.media(part)[0] == {"type": "input_text", "text": "an old draft"}
    assert encoder.lost() == ["cache_marker"]


def test_a_detail_that_has_no_word_here() -> None:
    encoder = Encoder()
    part = MediaPart(MediaKind.IMAGE, url="https://x", detail="medium")
    assert "detail" not in encoder.media(part)[0]
    assert encoder.lost() == ["media_detail: detail"]


def test_only_sources_of_this_dialect_go_back() -> None:
    own = Citation("openai-responses", Raw(b'{"url":"a"}'))
    other = Citation("gemini", Raw(b"{}"), url="b")
    found = Encoder().text(TextPart("x", (own, other)), "output_text")
    assert found == {"type": "output_text", "text": "x", "annotations": [Raw(b'{"url":"a"}')]}
    assert Encoder().text(TextPart("x", (own,)), "input_text") == {
        "type": "input_text",
        "text": "x",
    }


def test_a_cache_marker_is_stripped_and_listed() -> None:
    """T92"""
    encoder = Encoder()
    assert encoder.text(TextPart("x", cache=CacheMarker("1h")), "input_text") == {
        "type": "input_text",
        "text": "x",
    }
    assert encoder.lost() == ["cache_marker"]


def result(*content: Any, **fields: Any) -> ToolResultPart:
    return ToolResultPart("c", content, **fields)


@pytest.mark.parametrize(
    ("part", "output"),
    [
        (result(), ""),
        (result(TextPart("a")), "a"),
        (result(TextPart("boom"), is_error=True), "Error: boom"),
        (result(TextPart("Error: boom"), is_error=True), "Error: boom"),
        (result(is_error=True), "Error"),
        (
            result(TextPart("a"), TextPart("b")),
            [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}],
        ),
        (
            result(TextPart("a"), IMAGE),
            [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "data:image/png;base64,QUJD"},
            ],
        ),
        (
            result(IMAGE, is_error=True),
            [
                {"type": "input_image", "image_url": "data:image/png;base64,QUJD"},
                {"type": "input_text", "text": "Error"},
            ],
        ),
        (result(UnknownPart("gemini", "x", Raw(b"{}"), "words")), "words"),
    ],
)
def test_what_a_call_gave_back(part: ToolResultPart, output: Any) -> None:
    """T66, T67, T68"""
    assert Encoder().output(part) == output


def test_a_small_server_gets_one_text() -> None:
    part = result(TextPart("a"), TextPart("b"))
    assert Encoder(COMPATIBLE_RESPONSES).output(part) == "a\nb"
