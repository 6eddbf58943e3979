import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.carried import (
    EMPTY_SEAL,
    call_carrier,
    text_carrier,
)
from korproxy_addons.dialects.anthropic_messages.decode_parts import (
    cache_marker,
    decoded_at,
    system_parts,
    turn_parts,
)
from korproxy_addons.dialects.anthropic_messages.wire import REPLY_BLOCK
from korproxy_addons.dialects.anthropic_messages.wire_request import WireCache
from korproxy_addons.dialects.model import (
    CacheMarker,
    CompactionPart,
    MediaKind,
    MediaPart,
    Opaque,
    Part,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.opaque import sealed
from korproxy_addons.errors.catalogue import FIELD_INVALID, NOT_JSON
from korproxy_addons.errors.exceptions import KorProxyError


def raws(*blocks: dict[str, Any]) -> list[Raw]:
    return [Raw(json.dumps(block).encode()) for block in blocks]


def parts(*blocks: dict[str, Any]) -> tuple[Part, ...]:
    return turn_parts(raws(*blocks), "content")


def part(**block: Any) -> Part:
    (only,) = parts(block)
    return only


def test_text_in_both_forms() -> None:
    assert turn_parts("a", "content") == (TextPart("a"),)
    assert turn_parts("", "content") == turn_parts(None, "content") == ()
    assert part(type="text", text="a", citations=None) == TextPart("a")
    assert system_parts("") == ()


def test_a_cache_marker_is_kept() -> None:
    marked = part(type="text", text="a", cache_control={"type": "ephemeral", "ttl": "1h"})
    assert marked == TextPart("a", cache=CacheMarker("1h"))
    assert part(type="text", text="a", cache_control=None) == TextPart("a")
    assert cache_marker(WireCache()) == CacheMarker()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            {"type": "base64", "media_type": "image/PNG; a=b", "data": "AAAA"},
            MediaPart(MediaKind.IMAGE, "image/png", base64="AAAA"),
        ),
        (
            {"type": "url", "url": "https://a.example/b"},
            MediaPart(MediaKind.IMAGE, url="https://a.example/b"),
        ),
        (
            {"type": "file", "file_id": "file_1"},
            MediaPart(MediaKind.IMAGE, file_id="file_1", origin="anthropic"),
        ),
    ],
)
def test_images(source: dict[str, Any], expected: MediaPart) -> None:
    assert part(type="image", source=source) == expected


def test_documents() -> None:
    text = {"type": "text", "media_type": "text/plain", "data": "words"}
    document = part(
        type="document", source=text, title="T", context="C", citations={"enabled": True}
    )
    assert document == MediaPart(
        MediaKind.DOCUMENT, "text/plain", text="words", name="T", context="C", cite=True
    )
    plain = part(type="document", source={"type": "content", "content": "words"})
    assert plain == MediaPart(MediaKind.DOCUMENT, text="words")


def test_a_document_in_pieces_stays_as_it_is() -> None:
    pieces = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    document = part(type="document", source={"type": "content", "content": pieces})
    assert isinstance(document, UnknownPart)
    assert document.text == "a\nb"


def test_t72_thinking_in_its_three_forms() -> None:
    assert parts(
        {"type": "thinking", "thinking": "a", "signature": "s"},
        {"type": "thinking", "thinking": "", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
    ) == (
        ThinkingPart("a", Opaque("anthropic", "s")),
        ThinkingPart("", Opaque("anthropic", "s")),
        ThinkingPart("", Opaque("anthropic", "d"), redacted=True),
    )


def test_t71_thinking_of_others_is_known_by_its_seal() -> None:
    theirs = sealed(Opaque("openai", "blob", "rs_1"))
    assert parts(
        {"type": "thinking", "thinking": "a", "signature": theirs},
        {"type": "thinking", "thinking": "b", "signature": EMPTY_SEAL},
        {"type": "thinking", "thinking": "c", "signature": ""},
        {"type": "thinking", "thinking": "d"},
    ) == (
        ThinkingPart("a", Opaque("openai", "blob", "rs_1")),
        ThinkingPart("b"),
        ThinkingPart("c"),
        ThinkingPart("d"),
    )


def test_t77_carried_state_returns_to_its_call_and_its_text() -> None:
    state = Opaque("google", "sig")
    assert parts(
        {"type": "text", "text": "a"},
        {"type": "thinking", "thinking": "", "signature": text_carrier(state)},
        {"type": "tool_use", "id": "kpx_f-3a0", "name": "go", "input": {}},
        {"type": "tool_use", "id": "b", "name": "go", "input": {}},
        {"type": "thinking", "thinking": "", "signature": call_carrier("f:0", state)},
    ) == (
        TextPart("a", state=state),
        ToolCallPart("f:0", "go", "{}", state=state),
        ToolCallPart("b", "go", "{}"),
    )


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        ({"input": {"a": 1}}, '{"a": 1}'),
        ({"input": {}}, "{}"),
        ({"input": None}, "{}"),
        ({}, "{}"),
        ({"input": ""}, "{}"),
        ({"input": '{"a":1}'}, '{"a":1}'),
        ({"input": [1]}, '{"value":[1]}'),
    ],
)
def test_t61_arguments_are_an_object(given: dict[str, Any], arguments: str) -> None:
    assert part(type="tool_use", id="a", name="go", **given) == ToolCallPart("a", "go", arguments)


def test_t179_numbers_of_arguments_keep_their_form() -> None:
    raw = Raw(
        b'{"type":"tool_use","id":"a","name":"go","input":{"n":12345678901234567890,"x":1.0}}'
    )
    assert turn_parts([raw], "c") == (
        ToolCallPart("a", "go", '{"n":12345678901234567890,"x":1.0}'),
    )


@pytest.mark.parametrize("content", [{}, {"content": None}, {"content": ""}, {"content": []}])
def test_t68_a_result_may_be_empty_in_every_form(content: dict[str, Any]) -> None:
    assert part(type="tool_result", tool_use_id="a", **content) == ToolResultPart("a")


def test_t66_results_hold_text_images_and_more() -> None:
    result = part(
        type="tool_result",
        tool_use_id="a",
        is_error=True,
        content=[
            {"type": "text", "text": "x"},
            {"type": "image", "source": {"type": "url", "url": "https://a.example"}},
            {"type": "tool_reference", "tool_name": "go"},
            {"type": "tool_use", "id": "b", "name": "odd"},
        ],
    )
    assert isinstance(result, ToolResultPart)
    assert result.is_error
    assert [type(piece) for piece in result.content] == [
        TextPart,
        MediaPart,
        UnknownPart,
        UnknownPart,
    ]
    assert part(type="tool_result", tool_use_id="a", content="x") == ToolResultPart(
        "a", (TextPart("x"),)
    )


def test_t137_server_tools_keep_their_form_and_say_their_results() -> None:
    use, result = parts(
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "s",
            "content": [
                {
                    "type": "web_search_result",
                    "title": "A",
                    "url": "https://a.example",
                    "encrypted_content": "opaque",
                }
            ],
        },
    )
    assert isinstance(use, ServerToolPart)
    assert isinstance(result, ServerToolPart)
    assert (use.call_id, use.service, use.text) == ("s", "anthropic", "")
    assert (result.call_id, result.text) == ("s", "A\nhttps://a.example")


def test_a_compaction_keeps_what_only_its_maker_reads() -> None:
    block = {"type": "compaction", "content": "so far", "signature": "s"}
    compaction = part(**block)
    assert isinstance(compaction, CompactionPart)
    assert compaction.text == "so far"
    assert compaction.state is not None
    assert json.loads(compaction.state.data) == block
    assert compaction == part(**json.loads(compaction.state.data))
    assert " " not in compaction.state.data.replace("so far", "")  # as it comes back, so it came


def test_t129_unknown_blocks_say_what_they_can() -> None:
    unknown = part(
        type="search_result",
        title="A",
        source="https://a.example",
        content=[{"type": "text", "text": "words"}],
    )
    assert isinstance(unknown, UnknownPart)
    assert unknown.text == "A\nhttps://a.example\nwords"
    odd = part(type="of_tomorrow", text={"deep": 1}, id=5)
    assert isinstance(odd, UnknownPart)
    assert odd.text == ""


def test_own_citations_of_history_are_kept_and_made_up_ones_are_not() -> None:
    real = {"type": "page_location", "cited_text": "x"}
    made = {"type": "web_search_result_location", "encrypted_index": EMPTY_SEAL}
    text = part(type="text", text="a", citations=[real, made])
    assert isinstance(text, TextPart)
    assert [json.loads(bytes(one.raw)) for one in text.citations] == [real]
    assert part(type="text", text="a", citations="odd") == TextPart("a")


@pytest.mark.parametrize(
    ("block", "param"),
    [
        ({}, "content[0].type"),
        ({"type": "text"}, "content[0].text"),
        ({"type": "image"}, "content[0].source"),
        ({"type": "tool_use", "name": "go"}, "content[0].id"),
        ({"type": "tool_use", "id": "a", "name": ""}, "content[0].name"),
        ({"type": "tool_result"}, "content[0].tool_use_id"),
        ({"type": "redacted_thinking"}, "content[0].data"),
        (
            {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text"}]},
            "content[0].content[0].text",
        ),
        (
            {
                "type": "document",
                "source": {"type": "url", "url": "https://a.example"},
                "citations": {"enabled": 1},
            },
            "content[0].citations.enabled",
        ),
    ],
)
def test_a_block_without_what_it_needs_is_named(block: dict[str, Any], param: str) -> None:
    with pytest.raises(KorProxyError) as caught:
        parts(block)
    assert (caught.value.spec, caught.value.param) == (FIELD_INVALID, param)


def test_other_errors_keep_their_kind() -> None:
    with pytest.raises(KorProxyError) as caught:
        decoded_at(REPLY_BLOCK, Raw(b"{"), "content")
    assert caught.value.spec is NOT_JSON


def test_a_source_that_nobody_knows_keeps_its_block() -> None:
    image = part(type="image", source={"type": "of_tomorrow"}, title="T")
    assert isinstance(image, UnknownPart)
    assert (image.type, image.text) == ("image", "T")


@pytest.mark.parametrize(
    "content", [b"1e999", b"5", b'[5,[[[["too deep"]]]]]', b'[[[[[{"text":"too deep"}]]]]]']
)
def test_words_are_looked_for_only_where_they_are(content: bytes) -> None:
    raw = Raw(b'{"type":"of_tomorrow","content":' + content + b"}")
    (unknown,) = turn_parts([raw], "content")
    assert isinstance(unknown, UnknownPart)
    assert unknown.text == ""
