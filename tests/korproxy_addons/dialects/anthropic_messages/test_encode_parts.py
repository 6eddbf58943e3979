import json
from base64 import b64encode
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.encode_parts import BlockEncoder, marked
from korproxy_addons.dialects.ids import ToolNames
from korproxy_addons.dialects.losses import Losses
from korproxy_addons.dialects.model import (
    CacheMarker,
    Citation,
    CompactionPart,
    MediaKind,
    MediaPart,
    Opaque,
    Part,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from support.anthropic_wire import plain

OWN = Opaque("anthropic", "s")
IMAGE, DOCUMENT = MediaKind.IMAGE, MediaKind.DOCUMENT


def blocks(*parts: Part, image_urls: bool = True) -> tuple[list[Any], list[str]]:
    """The blocks, and the features that were lost."""
    losses = Losses()
    encoder = BlockEncoder(ToolNames(), losses, image_urls=image_urls)
    found = plain(encoder.blocks(parts))
    return found, [str(loss.feature) for loss in losses.all()]


def block(part: Part) -> Any:
    (only,), lost = blocks(part)
    assert lost == []
    return only


def test_text_and_its_marks() -> None:
    assert block(TextPart(" a ", cache=CacheMarker("1h"))) == {
        "type": "text",
        "text": " a ",
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
    }
    assert blocks(TextPart(" \n"), RefusalPart("")) == ([], [])
    assert block(RefusalPart("no")) == {"type": "text", "text": "no"}
    assert marked({}, CacheMarker("of_tomorrow")) == {"cache_control": {"type": "ephemeral"}}


def test_own_citations_go_back_and_others_do_not() -> None:
    own = Citation("anthropic-messages", Raw(b'{"type":"page_location"}'))
    text = TextPart("a", (own, Citation("gemini", Raw(b"{}"))))
    assert block(text)["citations"] == [{"type": "page_location"}]
    assert "citations" not in block(TextPart("a", (Citation("gemini", Raw(b"{}")),)))


def test_t70_thinking_goes_back_byte_for_byte() -> None:
    assert block(ThinkingPart("a", OWN)) == {"type": "thinking", "thinking": "a", "signature": "s"}
    assert block(ThinkingPart("", OWN, redacted=True)) == {"type": "redacted_thinking", "data": "s"}
    assert blocks(ThinkingPart("a")) == ([], [])


def test_t59_ids_of_call_and_result_are_mapped_alike() -> None:
    call = block(ToolCallPart("functions.read:0", "read", "{}"))
    result = block(ToolResultPart("functions.read:0"))
    assert call["id"] == result["tool_use_id"] == "kpx_functions-2eread-3a0"


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ('{"a":1}', {"a": 1}),
        ("", {}),
        ("null", {}),
        ('"{\\"a\\":1}"', {"a": 1}),
        ("[1]", {"value": [1]}),
        ('{"a":', {"text": '{"a":'}),
    ],
)
def test_t61_arguments_become_an_object(arguments: str, value: Any) -> None:
    assert block(ToolCallPart("a", "go", arguments))["input"] == value


def test_t139_the_input_of_a_custom_tool_goes_under_input() -> None:
    call = ToolCallPart("a", "patch", "*** Begin\n", custom=True)
    assert block(call)["input"] == {"input": "*** Begin\n"}


def test_t67_an_error_is_said_and_not_invented() -> None:
    assert block(ToolResultPart("a", is_error=True))["is_error"] is True
    assert "is_error" not in block(ToolResultPart("a"))


def test_t68_an_empty_result_has_no_content() -> None:
    assert block(ToolResultPart("a")) == {"type": "tool_result", "tool_use_id": "a"}
    assert "content" not in block(ToolResultPart("a", (TextPart(""),)))


def test_t03_media_of_a_result_stay_inside_it() -> None:
    content = (
        TextPart("x", cache=CacheMarker()),
        MediaPart(IMAGE, "image/png", base64="AAAA"),
        UnknownPart(
            "anthropic-messages", "tool_reference", Raw(b'{"type":"tool_reference","a":null}')
        ),
        UnknownPart("gemini", "odd", Raw(b"{}"), "words"),
    )
    found, lost = blocks(ToolResultPart("a", content, cache=CacheMarker()))
    assert found[0]["cache_control"] == {"type": "ephemeral"}
    assert found[0]["content"] == [
        {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
        },
        {"type": "tool_reference"},
        {"type": "text", "text": "words"},
    ]
    assert lost == ["unknown_part"]


PDF = b64encode(b"%PDF-1.7 ...").decode()
WORDS = b64encode("größer".encode()).decode()


@pytest.mark.parametrize(
    ("part", "source"),
    [
        (
            MediaPart(IMAGE, "image/jpg", base64="AAAA"),
            {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"},
        ),
        (MediaPart(IMAGE, url="https://a.example"), {"type": "url", "url": "https://a.example"}),
        (
            MediaPart(IMAGE, file_id="file_1", origin="anthropic"),
            {"type": "file", "file_id": "file_1"},
        ),
        # a type that was not said is seen in the first bytes
        (
            MediaPart(DOCUMENT, base64=PDF),
            {"type": "base64", "media_type": "application/pdf", "data": PDF},
        ),
        (
            MediaPart(DOCUMENT, "text/markdown", base64=WORDS),
            {"type": "text", "media_type": "text/plain", "data": "größer"},
        ),
        (
            MediaPart(DOCUMENT, text="words"),
            {"type": "text", "media_type": "text/plain", "data": "words"},
        ),
        (MediaPart(DOCUMENT, url="https://a.example"), {"type": "url", "url": "https://a.example"}),
    ],
)
def test_t126_media_that_can_be_said(part: MediaPart, source: dict[str, Any]) -> None:
    assert block(part) == {"type": str(part.kind), "source": source}


def test_a_document_keeps_its_title_context_and_wish_for_citations() -> None:
    document = MediaPart(DOCUMENT, text="w", name="T", context="C", cite=True, cache=CacheMarker())
    found = block(document)
    assert (found["title"], found["context"]) == ("T", "C")
    assert (found["citations"], found["cache_control"]) == (
        {"enabled": True},
        {"type": "ephemeral"},
    )


@pytest.mark.parametrize(
    ("part", "lost"),
    [
        (MediaPart(MediaKind.AUDIO, "audio/wav", base64="AAAA"), "audio"),  # T127
        (MediaPart(MediaKind.VIDEO, "video/mp4", base64="AAAA"), "video"),
        (MediaPart(IMAGE, "image/bmp", base64="AAAA"), "image"),
        (MediaPart(IMAGE, file_id="file_1", origin="openai"), "image"),
        (MediaPart(IMAGE, url="gs://bucket/a.png"), "image"),
        (MediaPart(DOCUMENT, "application/msword", base64="AAAA"), "document"),
        (MediaPart(DOCUMENT, "text/plain", base64=b64encode(b"\xff").decode()), "document"),
    ],
)
def test_t127_media_that_cannot_be_said_are_listed_and_noted(part: MediaPart, lost: str) -> None:
    (note,), found = blocks(part)
    assert (note["type"], found) == ("text", [lost])


def test_t125_an_upstream_may_not_fetch_images() -> None:
    image = MediaPart(IMAGE, url="https://a.example", detail="high")
    assert blocks(image, image_urls=False)[1] == ["media_detail", "image"]
    assert blocks(image)[1] == ["media_detail"]


def test_native_blocks_go_back_without_nulls() -> None:
    raw = Raw(b'{"type":"compaction","content":null,"cache_control":null}')
    compaction = CompactionPart("", Opaque("anthropic", bytes(raw).decode()))
    assert block(compaction) == {"type": "compaction", "content": None}
    broken = CompactionPart("", Opaque("anthropic", "no json"))
    assert blocks(broken) == ([], [])


def test_the_text_of_arguments_is_not_dumped_again() -> None:
    losses = Losses()
    encoder = BlockEncoder(ToolNames(), losses, image_urls=True)
    (found,) = encoder.blocks([ToolCallPart("a", "go", '{"n":1.0, "m":12345678901234567890}')])
    assert bytes(found["input"]) == b'{"n":1.0, "m":12345678901234567890}'
    assert json.loads(bytes(found["input"])) == {"n": 1.0, "m": 12345678901234567890}
