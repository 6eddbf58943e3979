from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import COMPATIBLE_CHAT, OPENAI_CHAT, Habits, ModelFacts
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import (
    CacheMarker,
    Citation,
    CompactionPart,
    MediaKind,
    MediaPart,
    Opaque,
    Part,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    UnknownPart,
)
from korproxy_addons.dialects.openai_chat.encode_parts import ContentWriter

PNG = "iVBORw0KGgo="
PDF = "JVBERi0xLjQK"
NO_URLS = replace(COMPATIBLE_CHAT, image_urls=False)
IMAGE = MediaPart(MediaKind.IMAGE, "image/png", PNG)
RAW = Raw(b'{"type":"brand_new"}')


def content(
    *parts: Part, habits: Habits = OPENAI_CHAT, facts: ModelFacts | None = None
) -> tuple[Any, list[Feature]]:
    losses = Losses()
    writer = ContentWriter(habits, facts or ModelFacts("m"), losses)
    return writer.content(parts), [loss.feature for loss in losses.all()]


def test_one_text_is_a_string_and_several_stay_several() -> None:
    assert content(TextPart("a")) == ("a", [])
    assert content() == ("", [])
    assert content(TextPart("a"), TextPart("b"))[0] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]


@pytest.mark.parametrize(
    ("part", "wire"),
    [
        (IMAGE, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}),
        (MediaPart(MediaKind.IMAGE, url="https://a.example/x", detail="low"),
         {"type": "image_url", "image_url": {"url": "https://a.example/x", "detail": "low"}}),
        (MediaPart(MediaKind.DOCUMENT, "application/pdf", PDF),
         {"type": "file", "file": {"filename": "document.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}),
        (MediaPart(MediaKind.DOCUMENT, "application/pdf", PDF, name="a.pdf"),
         {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}),
        (MediaPart(MediaKind.DOCUMENT, file_id="file-1", origin="openai"),
         {"type": "file", "file": {"file_id": "file-1"}}),
        (MediaPart(MediaKind.AUDIO, "audio/mpeg", "SUQz"),
         {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}}),
        (UnknownPart("openai-chat", "brand_new", RAW, "w"), RAW),
    ],
)  # fmt: skip
def test_t124_t126_t127_files_as_chat_has_them(part: Part, wire: Any) -> None:
    assert content(part) == ([wire], [])


def test_t126_a_document_of_words_is_text() -> None:
    part = MediaPart(MediaKind.DOCUMENT, text="words", name="title", context="about")
    assert content(part) == ("title\nabout\nwords", [])
    packed = MediaPart(MediaKind.DOCUMENT, "text/plain", "d29yZHM=", name="title")
    assert content(packed, facts=ModelFacts("m", inputs=("text",))) == ("title\nwords", [])
    file = {"file_data": "data:text/plain;base64,d29yZHM=", "filename": "title"}
    assert content(packed) == ([{"type": "file", "file": file}], [])


def test_video_goes_where_it_may_be_known() -> None:
    video = MediaPart(MediaKind.VIDEO, url="https://a.example/v")
    assert content(video, habits=COMPATIBLE_CHAT)[0] == [
        {"type": "video_url", "video_url": {"url": "https://a.example/v"}}
    ]
    assert content(video)[1] == [Feature.VIDEO]


@pytest.mark.parametrize(
    ("part", "habits", "feature"),
    [
        (MediaPart(MediaKind.IMAGE, url="https://a.example/x"), NO_URLS, Feature.IMAGE),
        (MediaPart(MediaKind.IMAGE, url="gs://a/x"), OPENAI_CHAT, Feature.IMAGE),
        (MediaPart(MediaKind.IMAGE, file_id="f", origin="openai"), OPENAI_CHAT, Feature.IMAGE),
        (
            MediaPart(MediaKind.DOCUMENT, file_id="f", origin="anthropic"),
            OPENAI_CHAT,
            Feature.DOCUMENT,
        ),
        (MediaPart(MediaKind.DOCUMENT, url="https://a.example/x"), OPENAI_CHAT, Feature.DOCUMENT),
        (MediaPart(MediaKind.AUDIO, url="https://a.example/x"), OPENAI_CHAT, Feature.AUDIO),
        (MediaPart(MediaKind.AUDIO, "audio/flac", "ZkxhQw=="), OPENAI_CHAT, Feature.AUDIO),
        (MediaPart(MediaKind.AUDIO, "audio/strange", "AAAA"), COMPATIBLE_CHAT, Feature.AUDIO),
        (MediaPart(MediaKind.VIDEO, "video/mp4", "AAAA"), OPENAI_CHAT, Feature.VIDEO),
    ],
)
def test_t125_t127_what_is_not_taken_is_said_in_words(
    part: MediaPart, habits: Habits, feature: Feature
) -> None:
    words, lost = content(TextPart("see"), part, habits=habits)
    assert lost == [feature]
    assert part.kind.value in words[1]["text"]
    assert part.url not in words[1]["text"] or not part.url


def test_a_model_that_takes_no_images_gets_none() -> None:
    assert content(IMAGE, facts=ModelFacts("m", inputs=("text",)))[1] == [Feature.IMAGE]
    assert content(IMAGE, facts=ModelFacts("m", inputs=("text", "image")))[1] == []


def test_t92_markers_and_citations_of_others_are_lost() -> None:
    marked = TextPart("a", cache=CacheMarker("1h"))
    assert content(marked) == ("a", [Feature.CACHE_MARKER])
    assert content(replace(IMAGE, cache=CacheMarker()))[1] == [Feature.CACHE_MARKER]
    cited = MediaPart(MediaKind.DOCUMENT, text="w", cite=True)
    assert content(cited)[1] == [Feature.CITATIONS]


def test_a_detail_of_others_is_lost() -> None:
    assert content(replace(IMAGE, detail="ultra"))[1] == [Feature.MEDIA_DETAIL]


@pytest.mark.parametrize(
    ("part", "words", "lost"),
    [
        (RefusalPart("no"), "no", []),
        (ThinkingPart("hm"), "", []),
        (CompactionPart("short"), "short", []),
        (CompactionPart("short", Opaque("openai", "x")), "short", [Feature.FOREIGN_STATE]),
        (UnknownPart("gemini", "new", RAW, "w"), "w", [Feature.UNKNOWN_PART]),
        (UnknownPart("gemini", "new", RAW), "", [Feature.UNKNOWN_PART]),
        (ServerToolPart("openai-responses", "openai", "web_search_call", "", RAW, "looked"),
         "looked", [Feature.SERVER_TOOL_HISTORY]),
    ],
)  # fmt: skip
def test_t129_t137_what_only_others_know_is_its_words(
    part: Part, words: str, lost: list[Feature]
) -> None:
    assert content(part) == (words, lost)


def text(*parts: Part) -> str:
    return ContentWriter(OPENAI_CHAT, ModelFacts("m"), Losses()).text(parts)


def test_texts_that_have_to_be_one_are_kept_apart_unless_they_were_one() -> None:
    page = (Citation("anthropic-messages", RAW),)
    assert text(TextPart("a"), TextPart("b")) == "a\n\nb"
    assert text(TextPart("a "), TextPart("b")) == "a b"
    assert text(TextPart("a"), TextPart(" b")) == "a b"
    assert text(TextPart("a", page), TextPart(". B")) == "a. B"


def test_a_file_in_a_place_for_text_is_a_note() -> None:
    losses = Losses()
    out = ContentWriter(OPENAI_CHAT, ModelFacts("m"), losses).text((TextPart("a"), IMAGE))
    assert out.startswith("a\n\n[image left out")
    assert [loss.feature for loss in losses.all()] == [Feature.IMAGE]
