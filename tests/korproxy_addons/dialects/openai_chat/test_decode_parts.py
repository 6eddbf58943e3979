import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.ids import made_id
from korproxy_addons.dialects.model import (
    CacheMarker,
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
from korproxy_addons.dialects.opaque import sealed
from korproxy_addons.dialects.openai_chat.decode_parts import (
    arguments_of,
    decode_content,
    decode_result,
    state_of,
)
from korproxy_addons.errors.catalogue import FIELD_INVALID
from korproxy_addons.errors.exceptions import KorProxyError

PNG = "iVBORw0KGgo="
PDF = "JVBERi0xLjQK"


def parts(*content: Any) -> tuple[Part, ...]:
    return decode_content([Raw(json.dumps(part).encode()) for part in content], "c", 4)


@pytest.mark.parametrize(
    ("wire", "part"),
    [
        ({"type": "text", "text": "a"}, TextPart("a")),
        ({"type": "text", "text": ""}, TextPart("")),
        ({"text": "a"}, TextPart("a")),
        ("a", TextPart("a")),
        ({"type": "input_text", "text": "a"}, TextPart("a")),
        ({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, TextPart("a", cache=CacheMarker())),
        ({"type": "refusal", "refusal": "no"}, RefusalPart("no")),
        ({"type": "image_url", "image_url": {"url": "https://a.example/x", "detail": "low"}},
         MediaPart(MediaKind.IMAGE, url="https://a.example/x", detail="low")),
        ({"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"},
         MediaPart(MediaKind.IMAGE, "image/png", PNG)),
        ({"type": "image_url", "image_url": {"url": f"data:;base64,{PNG}"}},
         MediaPart(MediaKind.IMAGE, "image/png", PNG)),
        ({"type": "input_image", "image_url": "https://a.example/x", "detail": "high"},
         MediaPart(MediaKind.IMAGE, url="https://a.example/x", detail="high")),
        ({"type": "input_image", "file_id": "file-1"}, MediaPart(MediaKind.IMAGE, file_id="file-1", origin="openai")),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
         MediaPart(MediaKind.IMAGE, "image/png", PNG)),
        ({"type": "image", "source": {"type": "url", "url": "https://a.example/x"}},
         MediaPart(MediaKind.IMAGE, url="https://a.example/x")),
        ({"type": "image", "source": {"type": "file", "file_id": "file-1"}},
         MediaPart(MediaKind.IMAGE, file_id="file-1", origin="anthropic")),
        ({"type": "document", "title": "t", "context": "c", "source": {"type": "text", "data": "words"}},
         MediaPart(MediaKind.DOCUMENT, text="words", name="t", context="c")),
        ({"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
         MediaPart(MediaKind.DOCUMENT, "application/pdf", PDF, name="a.pdf")),
        ({"type": "file", "file": {"file_data": PDF}}, MediaPart(MediaKind.DOCUMENT, "application/pdf", PDF)),
        ({"type": "input_file", "filename": "a", "file_url": "https://a.example/x"},
         MediaPart(MediaKind.DOCUMENT, url="https://a.example/x", name="a")),
        ({"type": "file", "file": {"file_id": "file-1"}},
         MediaPart(MediaKind.DOCUMENT, file_id="file-1", origin="openai")),
        ({"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
         MediaPart(MediaKind.AUDIO, "audio/mpeg", "SUQz")),
        ({"type": "video_url", "video_url": {"url": "https://a.example/v"}},
         MediaPart(MediaKind.VIDEO, url="https://a.example/v")),
        ({"type": "thinking", "thinking": "hm", "signature": "c2ln"}, ThinkingPart("hm", Opaque("anthropic", "c2ln"))),
        ({"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, ThinkingPart("hm")),
        ({"type": "redacted_thinking", "data": "xx"}, ThinkingPart("", Opaque("anthropic", "xx"), redacted=True)),
        ({"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1.0}}, ToolCallPart("t", "f", '{"a": 1.0}')),
        ({"type": "tool_use", "name": "f"}, ToolCallPart(made_id(4, 0), "f", "{}")),
        ({"type": "tool_result", "tool_use_id": "t", "content": "r", "is_error": True},
         ToolResultPart("t", (TextPart("r"),), is_error=True)),
        ({"type": "tool_result", "tool_use_id": "t"}, ToolResultPart("t")),
    ],
)  # fmt: skip
def test_t18_t124_parts_of_all_forms(wire: Any, part: Part) -> None:
    assert parts(wire) == (part,)


def test_t129_unknown_parts_are_kept_with_their_words() -> None:
    wire = {"type": "brand_new", "text": "words", "x": 1.0}
    raw = Raw(json.dumps(wire).encode())
    assert parts(wire) == (UnknownPart("openai-chat", "brand_new", raw, "words"),)


def test_state_of_another_service_is_unsealed() -> None:
    state = Opaque("google", "c2ln")
    assert state_of(sealed(state), "anthropic") == state
    assert state_of("c2ln", "anthropic") == Opaque("anthropic", "c2ln")
    assert state_of("", "anthropic") is None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", "{}"), (b"null", "{}"), (b'""', "{}"), (b'"null"', "{}"), (b'"{\\"a\\": 1.0}"', '{"a": 1.0}'),
        (b'{"a": 12345678901234567890}', '{"a": 12345678901234567890}'), (b'"not json"', "not json"),
    ],
)  # fmt: skip
def test_t50_t179_arguments_stay_text(raw: bytes, text: str) -> None:
    assert arguments_of(Raw(raw), "x") == text


@pytest.mark.parametrize("content", [None, "", []])
def test_t68_an_empty_result_has_no_parts(content: Any) -> None:
    assert decode_result(content, "c") == ()


def test_what_no_result_can_hold_is_its_words() -> None:
    raw = Raw(b'{"type":"refusal","refusal":"no"}')
    assert decode_result([raw], "c") == (TextPart("no"),)


@pytest.mark.parametrize(
    ("wire", "param"),
    [
        ({"type": "image_url"}, "c[1].image_url"),
        ({"type": "image_url", "image_url": {"url": ""}}, "c[1].image_url"),
        ({"type": "image_url", "image_url": {}}, "c[1].image_url"),
        ({"type": "input_audio"}, "c[1].input_audio"),
        ({"type": "file", "file": {}}, "c[1].file"),
        ({"type": "image", "source": {}}, "c[1].source"),
        ({"type": "tool_use"}, "c[1].name"),
        ({"type": "tool_result"}, "c[1].tool_use_id"),
        ({"type": "tool_result", "tool_use_id": "x", "content": 5}, "c[1].content"),
        ({"type": "thinking", "thinking": {}}, "c[1].thinking"),
        ({"type": "text", "text": 5}, "c[1].text"),
        (5, "c[1]"),
    ],
)
def test_t170_what_is_wrong_is_named(wire: Any, param: str) -> None:
    with pytest.raises(KorProxyError) as caught:
        parts("a", wire)
    assert caught.value.spec is FIELD_INVALID
    assert (caught.value.param or "").startswith(param)
