import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.config.habits import COMPATIBLE_ANTHROPIC
from korproxy_addons.dialects.anthropic_messages import reply_blocks
from korproxy_addons.dialects.anthropic_messages.reply_blocks import (
    ReplyBlock,
    citation_of,
    compaction_text,
    reply_block,
    reply_state,
)
from korproxy_addons.dialects.anthropic_messages.wire import WireDelta
from korproxy_addons.dialects.events import PartDelta, PartEnd, PartStart
from korproxy_addons.dialects.model import (
    CompactionPart,
    Opaque,
    ServerToolPart,
    ThinkingPart,
    ToolCallPart,
    UnknownPart,
)
from korproxy_addons.dialects.opaque import sealed
from korproxy_addons.errors.exceptions import KorProxyError
from support.anthropic_wire import (
    block_start,
    block_stop,
    decoded,
    delta,
    ending,
    message_start,
    plain,
    sse,
    told,
)


def read(**block: Any) -> ReplyBlock:
    return reply_block(Raw(json.dumps(block).encode()), "anthropic", "kpm_x")


def test_t72_hidden_thinking_is_kept_for_who_can_read_it() -> None:
    block = read(type="redacted_thinking", data="blob")
    assert block.start() == [PartStart(ThinkingPart("", redacted=True))]
    assert block.end(complete=True) == [PartEnd(Opaque("anthropic", "blob"))]
    stream = sse(
        message_start(),
        block_start(0, type="redacted_thinking", data="blob"),
        block_stop(0),
        *ending(),
    )
    assert told(decoded(stream, habits=COMPATIBLE_ANTHROPIC))[0]["is"] == "MessageEnd"


def test_a_signature_makes_thinking_complete_whatever_cut_the_answer() -> None:
    block = read(type="thinking", thinking="", signature="s")
    assert block.end(complete=False) == [PartEnd(Opaque("anthropic", "s"))]
    unsigned = read(type="thinking", thinking="a")
    assert unsigned.end(complete=False) == [PartEnd(complete=False)]


def test_t57_a_call_without_an_id_gets_one() -> None:
    assert read(type="tool_use", name="go").start() == [PartStart(ToolCallPart("kpm_x", "go"))]


def test_a_call_without_a_name_is_refused() -> None:
    with pytest.raises(KorProxyError):
        read(type="tool_use", id="a")


def test_t61_an_input_that_is_no_object_becomes_one() -> None:
    block = read(type="tool_use", id="a", name="go", input=[1])
    assert block.end(complete=True) == [PartDelta('{"value":[1]}'), PartEnd()]


def test_t137_a_server_tool_comes_whole_with_the_input_that_was_streamed() -> None:
    block = read(
        type="server_tool_use", id="s", name="web_search", input={}, caller={"type": "direct"}
    )
    assert block.start() == []
    block.delta(WireDelta(partial_json='{"query"'))
    block.delta(WireDelta(partial_json=':"q"}'))
    start, end = block.end(complete=True)
    assert isinstance(start, PartStart)
    assert isinstance(start.part, ServerToolPart)
    assert (start.part.type, start.part.call_id) == ("server_tool_use", "s")
    assert plain(start.part.raw) == {
        "type": "server_tool_use",
        "id": "s",
        "name": "web_search",
        "input": {"query": "q"},
        "caller": {"type": "direct"},
    }
    assert end == PartEnd()


def test_half_a_server_tool_is_left_out() -> None:
    block = read(type="server_tool_use", id="s", name="web_search", input={})
    block.delta(WireDelta(partial_json='{"query"'))
    assert block.end(complete=False) == []


def test_a_result_of_a_server_tool_is_paired_with_its_call() -> None:
    start, _ = read(type="web_search_tool_result", tool_use_id="s", content=[]).end(complete=True)
    assert isinstance(start, PartStart)
    assert isinstance(start.part, ServerToolPart)
    assert start.part.call_id == "s"


def test_a_compaction_is_read_from_its_deltas() -> None:
    stream = sse(
        message_start(),
        block_start(0, type="compaction", content=None),
        delta(0, "compaction_delta", content="So far: ", encrypted_content=None),
        delta(0, "compaction_delta", content="nothing.", encrypted_content="enc"),
        block_stop(0),
        *ending(),
    )
    part = decoded(stream)[1]
    assert isinstance(part, PartStart)
    assert isinstance(part.part, CompactionPart)
    assert part.part.text == "So far: nothing."
    assert part.part.state is not None
    assert json.loads(part.part.state.data) == {
        "type": "compaction",
        "content": "So far: nothing.",
        "encrypted_content": "enc",
    }
    assert compaction_text(Raw(b"[]")) == ""


@pytest.mark.parametrize("text", ["words", {"not": "words"}, None])
def test_t129_a_block_of_an_unknown_type_is_kept(text: object) -> None:
    start, _ = read(type="of_tomorrow", text=text, id=7).end(complete=True)
    assert isinstance(start, PartStart)
    assert isinstance(start.part, UnknownPart)
    assert (start.part.type, start.part.text) == (
        "of_tomorrow",
        text if isinstance(text, str) else "",
    )


def test_a_citation_says_what_others_can_use() -> None:
    raw = Raw(
        b'{"type":"web_search_result_location","url":"https://a.example","title":"A","cited_text":"x"}'
    )
    citation = citation_of(raw)
    assert (citation.url, citation.title, citation.cited_text) == ("https://a.example", "A", "x")
    assert citation_of(Raw(b'{"document_title":"D"}')).title == "D"
    assert citation_of(Raw(b"5")).url == ""


def test_state_that_a_gateway_further_up_sealed_is_opened() -> None:
    assert reply_state(sealed(Opaque("google", "g")), "anthropic") == Opaque("google", "g")
    assert reply_state(sealed(Opaque("", "")), "anthropic") is None
    assert reply_state("s", "") is None
    assert reply_state("s", "anthropic") == Opaque("anthropic", "s")


def test_t180_a_block_that_is_told_whole_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_blocks, "BODY_LIMIT_BYTES", 10)
    block = read(type="server_tool_use", id="s", name="web_search", input={})
    block.delta(WireDelta(partial_json="123456"))
    with pytest.raises(KorProxyError):
        block.delta(WireDelta(partial_json="123456"))


def test_a_delta_of_a_wrong_type_says_nothing() -> None:
    for kind in ("text", "thinking", "redacted_thinking"):
        block = read(type=kind, data="d")
        assert block.delta(WireDelta(partial_json="{}")) == []
