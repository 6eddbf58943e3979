import msgspec
from msgspec import Raw

from korproxy_addons.dialects.model import Citation, Opaque
from korproxy_addons.dialects.openai_responses.frames import Frames
from korproxy_addons.dialects.openai_responses.item_writers import (
    CallWriter,
    MessageWriter,
    RawWriter,
    ReasoningWriter,
    SearchWriter,
    carrier_item,
    own_id,
)
from support.responses_wire import payloads


def kinds(frames: Frames) -> list[str]:
    return [each["type"].removeprefix("response.") for each in payloads(frames.taken())]


def test_a_message_in_the_order_of_the_grammar() -> None:
    frames = Frames(streamed=True)
    writer = MessageWriter(frames, 2, "msg_1")
    writer.start(refusal=False)
    writer.delta("a")
    writer.end(complete=True)
    writer.start(refusal=True)
    writer.delta("no")
    writer.end(complete=True)
    item = msgspec.json.decode(writer.close())
    sent = payloads(frames.taken())
    assert [each["type"].removeprefix("response.") for each in sent] == [
        "output_item.added",
        "content_part.added", "output_text.delta", "output_text.done", "content_part.done",
        "content_part.added", "refusal.delta", "refusal.done", "content_part.done",
        "output_item.done",
    ]  # fmt: skip
    assert {each["output_index"] for each in sent} == {2}
    assert {each["item_id"] for each in sent if "item_id" in each} == {"msg_1"}
    assert item["status"] == "completed"
    assert item["content"] == [
        {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
        {"type": "refusal", "refusal": "no"},
    ]


def test_sources_of_every_origin() -> None:
    frames = Frames(streamed=True)
    writer = MessageWriter(frames, 0, "msg_1")
    writer.start(refusal=False)
    writer.delta("hello")
    own = {"type": "url_citation", "url": "http://a", "extra": 1}
    writer.citation(Citation("openai-responses", Raw(msgspec.json.encode(own))))
    writer.citation(Citation("gemini", Raw(b"{}"), url="http://b", title="B", start=1, end=3))
    writer.citation(Citation("anthropic-messages", Raw(b"{}"), url="http://c"))
    writer.citation(Citation("anthropic-messages", Raw(b"{}"), title="a file"))
    writer.end(complete=True)
    notes = msgspec.json.decode(writer.close())["content"][0]["annotations"]
    assert notes[0] == own
    assert [(n["url"], n["start_index"], n["end_index"]) for n in notes[1:]] == [
        ("http://b", 1, 3),
        ("http://c", 5, 5),
    ]
    assert kinds(frames).count("output_text.annotation.added") == 3


def test_reasoning_in_the_order_of_the_grammar() -> None:
    frames = Frames(streamed=True)
    writer = ReasoningWriter(frames, 0, "rs_kp1")
    writer.start()
    writer.delta("h")
    writer.delta("m")
    item = msgspec.json.decode(writer.end("E", ""))
    assert kinds(frames) == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    assert item == {
        "id": "rs_kp1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "E",
    }


def test_reasoning_without_words_has_no_summary() -> None:
    frames = Frames(streamed=True)
    writer = ReasoningWriter(frames, 0, "rs_kp1")
    writer.start()
    item = msgspec.json.decode(writer.end("E", "rs_own"))
    assert kinds(frames) == ["output_item.added", "output_item.done"]
    assert (item["summary"], item["id"]) == ([], "rs_own")


def test_a_call() -> None:
    frames = Frames(streamed=True)
    writer = CallWriter(frames, 1, "fc_1", {"call_id": "c", "name": "f"}, custom=False)
    writer.delta("{}")
    item = msgspec.json.decode(writer.end(complete=True))
    assert kinds(frames) == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ]
    assert item == {
        "id": "fc_1", "type": "function_call", "status": "completed",
        "call_id": "c", "name": "f", "arguments": "{}",
    }  # fmt: skip


def test_half_a_call_says_so() -> None:
    """T56"""
    writer = CallWriter(Frames(streamed=True), 0, "fc", {"call_id": "c", "name": "f"}, custom=False)
    writer.delta('{"a')
    item = msgspec.json.decode(writer.end(complete=False))
    assert (item["arguments"], item["status"]) == ('{"a', "incomplete")


def test_a_custom_call() -> None:
    """T139"""
    frames = Frames(streamed=True)
    writer = CallWriter(frames, 0, "ctc", {"call_id": "c", "name": "apply_patch"}, custom=True)
    writer.delta("***")
    item = msgspec.json.decode(writer.end(complete=True))
    assert kinds(frames)[1:3] == ["custom_tool_call_input.delta", "custom_tool_call_input.done"]
    assert (item["type"], item["input"]) == ("custom_tool_call", "***")
    assert "arguments" not in item


def test_a_search_has_an_object_and_no_deltas() -> None:
    frames = Frames(streamed=True)
    writer = SearchWriter(frames, 0, "tsc", "c")
    writer.delta('{"query"')
    writer.delta(':"x"}')
    item = msgspec.json.decode(writer.end(complete=True))
    assert kinds(frames) == ["output_item.added", "output_item.done"]
    assert item["arguments"] == {"query": "x"}
    assert item["execution"] == "client"


def test_a_whole_item_is_begun_and_done() -> None:
    frames = Frames(streamed=True)
    raw = RawWriter(frames, 3, "").item(carrier_item("rs_1", "E"))
    assert msgspec.json.decode(raw)["encrypted_content"] == "E"
    assert [each["output_index"] for each in payloads(frames.taken())] == [3, 3]


def test_the_id_of_a_services_own_state() -> None:
    assert own_id(Opaque("openai", "E", "rs_1"), "openai") == "rs_1"
    assert own_id(Opaque("google", "E", "x"), "openai") == ""
    assert own_id(None, "openai") == ""
