import json
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import COMPATIBLE_RESPONSES, Habits
from korproxy_addons.dialects.model import (
    CompactionPart,
    MediaKind,
    MediaPart,
    Message,
    Opaque,
    Part,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from support.responses_wire import DEFAULT, PLAN, asked, foreign, sent

USER, ASSISTANT = Role.USER, Role.ASSISTANT
HI = Message(USER, (TextPart("Hi"),))


def items(*messages: Message, habits: Habits = DEFAULT) -> list[dict[str, Any]]:
    body, _ = sent(foreign(*messages), habits)
    found: list[dict[str, Any]] = body["input"]
    return found


def of_model(*parts: Part, habits: Habits = DEFAULT) -> list[dict[str, Any]]:
    return items(HI, Message(ASSISTANT, parts), habits=habits)[1:]


def back(*raw: Any, habits: Habits = DEFAULT, **fields: Any) -> list[dict[str, Any]]:
    body, _ = sent(asked(input=list(raw), **fields), habits)
    found: list[dict[str, Any]] = body["input"]
    return found


def test_a_turn_of_the_model_is_its_items_in_order() -> None:
    """T149"""
    found = of_model(
        TextPart("I look."),
        ToolCallPart("a", "f", '{"x":1}'),
        TextPart("And"),
        RefusalPart("no more."),
        habits=DEFAULT,
    )
    assert found[0] == {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "I look."}],
    }
    assert found[1] == {
        "type": "function_call",
        "call_id": "a",
        "name": "f",
        "arguments": '{"x":1}',
    }
    assert found[2]["content"] == [
        {"type": "output_text", "text": "And"},
        {"type": "refusal", "refusal": "no more."},
    ]


def test_every_call_is_answered_and_every_answer_called() -> None:
    """T01, T13, T17: wherever the client put them."""
    found = items(
        HI,
        Message(ASSISTANT, (ToolCallPart("a", "f"), ToolCallPart("b", "f"))),
        Message(USER, (TextPart("wait"), ToolResultPart("b", (TextPart("B"),)))),
        Message(USER, (ToolResultPart("a", (TextPart("A"),)), ToolResultPart("a"))),
        Message(USER, (ToolResultPart("lost", (TextPart("orphan"),)),)),
    )
    assert [(item["type"], item.get("call_id")) for item in found] == [
        ("message", None),
        ("function_call", "a"),
        ("function_call", "b"),
        ("function_call_output", "a"),
        ("function_call_output", "b"),
        ("message", None),
        ("message", None),
    ]
    assert found[-1]["content"] == [{"type": "input_text", "text": "orphan"}]


def test_ids_fit_and_pair() -> None:
    """T59: 64 characters of a small alphabet."""
    long = "x" * 70
    for call_id in ("functions.Read:0", long):
        found = items(
            HI,
            Message(ASSISTANT, (ToolCallPart(call_id, "f"),)),
            Message(USER, (ToolResultPart(call_id),)),
        )
        assert found[1]["call_id"] == found[2]["call_id"]
        assert len(found[1]["call_id"]) <= 64
        assert ":" not in found[1]["call_id"]


@pytest.mark.parametrize(
    ("habits", "roles"),
    [
        (DEFAULT, ["system", "developer"]),
        (PLAN, ["developer", "developer"]),
    ],
)
def test_what_system_messages_are_called(habits: Habits, roles: list[str]) -> None:
    """T09: the Codex backend knows no `system`."""
    found = items(
        HI,
        Message(Role.SYSTEM, (TextPart("a"),)),
        Message(Role.DEVELOPER, (TextPart("b"),)),
        habits=habits,
    )
    assert [item["role"] for item in found[1:]] == roles


def test_own_reasoning_goes_back_with_its_id_where_the_service_keeps_it() -> None:
    """T74, T75, T76"""
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "E",
    }
    without = {name: value for name, value in item.items() if name != "id"}
    user = {"role": "user", "content": "Hi"}
    assert back(user, item)[1] == item
    assert back(user, item, store=False)[1] == without
    assert back(user, item, habits=PLAN)[1] == without


def test_reasoning_without_content_is_nothing_to_a_service_that_keeps_nothing() -> None:
    """T76"""
    user, item = (
        {"role": "user", "content": "Hi"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
    )
    assert back(user, item)[1] == item
    assert len(back(user, item, habits=PLAN)) == 1
    _, losses = sent(asked(input=[user, item]), PLAN)
    assert losses == ["thinking: without encrypted content"]


def test_thinking_of_others_never_goes_to_this_service() -> None:
    """T71, invariant 8"""
    thinking = ThinkingPart("hm", Opaque("anthropic", "SIG"))
    body, losses = sent(foreign(HI, Message(ASSISTANT, (thinking, TextPart("x"))), HI))
    assert "SIG" not in json.dumps(body)
    assert "hm" not in json.dumps(body)
    assert losses == ["foreign_state: anthropic"]
    assert of_model(ThinkingPart("hm"), TextPart("x"))[0]["type"] == "message"


def test_plain_reasoning_goes_to_servers_that_take_it() -> None:
    """T81"""
    for thinking in (ThinkingPart("hm"), ThinkingPart("hm", Opaque("google", "G"))):
        found = of_model(thinking, TextPart("x"), habits=COMPATIBLE_RESPONSES)
        assert found[0] == {
            "type": "reasoning",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "hm"}],
        }


def test_custom_calls_and_their_results_in_pairs() -> None:
    """T139: the result's own word for it does not count."""
    call = Message(ASSISTANT, (ToolCallPart("c", "p", "***", custom=True),))
    result = Message(USER, (ToolResultPart("c", (TextPart("ok"),)),))
    found = items(HI, call, result)
    assert found[1] == {"type": "custom_tool_call", "call_id": "c", "name": "p", "input": "***"}
    assert found[2] == {"type": "custom_tool_call_output", "call_id": "c", "output": "ok"}


def test_custom_calls_as_functions() -> None:
    """T139"""
    habits = replace(DEFAULT, custom_tools=False)
    call = Message(ASSISTANT, (ToolCallPart("c", "p", '"', custom=True),))
    result = Message(USER, (ToolResultPart("c", (TextPart("ok"),), custom=True),))
    found = items(HI, call, result, habits=habits)
    assert found[1]["arguments"] == '{"input":"\\""}'
    assert found[2]["type"] == "function_call_output"


def test_calls_in_a_namespace_and_of_the_clients_search_go_back_as_they_came() -> None:
    """T141"""
    raw = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"type": "function_call", "call_id": "a", "name": "add", "namespace": "n", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "ok"},
        {
            "type": "tool_search_call", "execution": "client", "status": "completed",
            "call_id": "b", "arguments": {"q": 1},
        },
        {"type": "tool_search_output", "execution": "client", "call_id": "b", "tools": []},
    ]  # fmt: skip
    tools = [{"type": "tool_search", "execution": "client"}]
    assert back(*raw, tools=tools) == raw


def test_items_of_the_services_tools_go_back_as_they_came() -> None:
    """T69, T76, T137: but for nulls, and for ids that would be looked up."""
    user = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "x": None}
    run = {"type": "code_interpreter_call", "id": "ci_1", "code": "1", "outputs": None}
    assert back(user, search, run)[1:] == [
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "code_interpreter_call", "id": "ci_1", "code": "1"},
    ]
    assert back(user, search, store=False)[1]["id"] == "ws_1"  # the API takes it, kept or not
    assert "id" not in back(user, search, habits=PLAN)[1]
    other = ServerToolPart("gemini", "openai", "x", "", Raw(b"{}"))
    _, losses = sent(foreign(HI, Message(ASSISTANT, (other,))))
    assert losses == ["server_tool_history: x"]


def test_a_message_keeps_its_id_behind_the_reasoning_that_keeps_its_own() -> None:
    """T75, T76: who keeps answers refuses reasoning that is followed by any other item than its own."""
    user = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    words = [{"type": "output_text", "text": "42"}]
    thought = {"type": "reasoning", "summary": [], "id": "rs_1", "encrypted_content": "E"}
    reply = {"type": "message", "role": "assistant", "content": words, "id": "msg_1"}
    later = {**reply, "id": "msg_2"}
    nameless = {key: reply[key] for key in ("type", "role", "content")}
    assert back(user, thought, reply, user, later) == [user, thought, reply, user, nameless]
    sealed = {key: thought[key] for key in ("type", "summary", "encrypted_content")}
    assert back(user, thought, reply, store=False) == [user, sealed, nameless]
    assert back(user, thought, reply, habits=PLAN)[1:] == [sealed, nameless]


def test_references_to_what_nobody_kept_are_dropped() -> None:
    """T76"""
    user = {"role": "user", "content": "Hi"}
    reference = {"type": "item_reference", "id": "msg_1"}
    assert back(user, reference)[1] == reference
    body, losses = sent(asked(input=[user, reference]), PLAN)
    assert len(body["input"]) == 1
    assert losses == ["unknown_part: item_reference"]


def test_compactions() -> None:
    own = CompactionPart(state=Opaque("openai", "E", "cmp_1"))
    assert of_model(own) == [{"type": "compaction", "encrypted_content": "E"}]
    words = of_model(CompactionPart(text="so far"))
    assert (words[0]["role"], words[0]["content"][0]["text"]) == ("user", "so far")
    assert (
        of_model(CompactionPart(state=Opaque("anthropic", "A")), TextPart("x"))[0]["role"]
        == "assistant"
    )


def test_images_that_the_assistant_made() -> None:
    """T128"""
    image = MediaPart(MediaKind.IMAGE, mime="image/png", base64="QUJD")
    found = of_model(image, TextPart("Here."))
    assert [item["role"] for item in found] == ["assistant", "user"]
    assert found[1]["content"][1]["image_url"] == "data:image/png;base64,QUJD"
    own = back(
        {"role": "user", "content": "x"},
        {"type": "image_generation_call", "id": "ig_1", "result": "QUJD"},
    )
    assert (own[1]["type"], own[1]["result"]) == ("image_generation_call", "QUJD")


def test_sound_in_a_result_goes_behind_all_results() -> None:
    """T66"""
    sound = MediaPart(MediaKind.AUDIO, mime="audio/wav", base64="QUJD")
    found = items(
        HI,
        Message(ASSISTANT, (ToolCallPart("a", "f"), ToolCallPart("b", "f"))),
        Message(USER, (ToolResultPart("a", (sound,)), ToolResultPart("b"))),
    )
    assert [item["type"] for item in found[3:]] == [
        "function_call_output",
        "function_call_output",
        "message",
    ]
    assert found[-1]["content"][0]["type"] == "input_audio"


def test_unknown_parts() -> None:
    """T129"""
    own = UnknownPart("openai-responses", "input_video", Raw(b'{"type":"input_video","x":null}'))
    other = UnknownPart("gemini", "odd", Raw(b"{}"), "words")
    silent = UnknownPart("gemini", "odd", Raw(b"{}"))
    found = items(Message(USER, (own, other, silent)))
    assert found[0]["content"] == [{"type": "input_video"}, {"type": "input_text", "text": "words"}]


@pytest.mark.parametrize("part", [{"type": "new_part", "x": 1}, {"x": 1}, {"type": "input_image"}])
def test_an_unknown_part_stays_in_its_message_and_an_unknown_item_outside(
    part: dict[str, Any],
) -> None:
    """T129, T141: a part is no item, whatever its type is called."""
    text = {"type": "input_text", "text": "Hi"}
    message = {"type": "message", "role": "user", "content": [text, part]}
    item = {"type": "input_new_item", "id": "x"}
    assert back(message, item) == [message, item]


def test_phases_go_back_to_their_messages() -> None:
    def said(text: str, **fields: Any) -> dict[str, Any]:
        content = [{"type": "output_text", "text": text}]
        return {"type": "message", "role": "assistant", "content": content, **fields}

    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c", "output": "x"}
    user = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    raw = [user, said("a", phase="commentary"), call, result, said("b", phase="final_answer")]
    assert back(*raw) == raw
    _, losses = sent(asked(input=[user, said("a", phase="commentary"), said("b")]))
    assert losses == ["native_field: input.phase"]


def test_a_name_of_a_speaker_is_listed() -> None:
    _, losses = sent(foreign(Message(USER, (TextPart("x"),), name="Mina")))
    assert losses == ["message_name"]
