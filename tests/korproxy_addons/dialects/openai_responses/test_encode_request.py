import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import CODEX_BACKEND, COMPATIBLE_RESPONSES, ModelFacts
from korproxy_addons.dialects.base import Inbound, Target
from korproxy_addons.dialects.ids import portable_id
from korproxy_addons.dialects.model import (
    CacheMarker,
    FormatKind,
    FunctionTool,
    Message,
    Opaque,
    OutputFormat,
    Role,
    Sampling,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from korproxy_addons.dialects.openai_responses import DIALECT
from korproxy_addons.dialects.openai_responses.encode_request import DEFAULT_INSTRUCTIONS
from support.needs import least, needs_recordings
from support.responses_wire import DEFAULT, FACTS, PLAN, asked, encode, foreign, sent

CORPUS = Path(__file__).parents[3] / "corpus" / "openai-responses"
USER, ASSISTANT = Role.USER, Role.ASSISTANT
HI = Message(USER, (TextPart("Hi"),))


def test_the_codex_backend_gets_what_it_wants() -> None:
    """T09, T100, T117, T146"""
    request = foreign(
        Message(Role.SYSTEM, (TextPart("Be brief."),)),
        HI,
        Message(Role.SYSTEM, (TextPart("Now."),)),
        max_output_tokens=100,
        sampling=Sampling(temperature=0.5, top_p=0.5),
        user="u",
        metadata={"a": "b"},
        stream=True,
        stream_usage=True,
    )
    body, losses = sent(request, PLAN, stream=True)
    assert body == {
        "model": "up-1",
        "instructions": "Be brief.",
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Now."}]},
        ],
        "include": ["reasoning.encrypted_content"],
        "store": False,
        "prompt_cache_key": body["prompt_cache_key"],
        "stream": True,
    }  # fmt: skip
    assert losses == [
        "output_limit: max_output_tokens",
        "metadata: metadata",
        "user: safety_identifier",
        "temperature: temperature",
        "top_p: top_p",
    ]


def test_instructions_are_never_empty_where_they_are_wanted() -> None:
    """T146"""
    assert sent(foreign(HI), PLAN)[0]["instructions"] == DEFAULT_INSTRUCTIONS
    assert (
        sent(foreign(HI, system=(TextPart("Be brief."),)), PLAN)[0]["instructions"] == "Be brief."
    )
    assert "instructions" not in sent(foreign(HI))[0]


def test_system_text_of_several_pieces() -> None:
    """T08"""
    body, losses = sent(foreign(HI, system=(TextPart("a"), TextPart("b", cache=CacheMarker()))))
    assert body["instructions"] == "a\n\nb"
    assert losses == ["cache_marker"]


def test_a_request_of_system_text_alone_has_a_users_turn() -> None:
    """T10"""
    body, _ = sent(foreign(Message(Role.SYSTEM, (TextPart("Go."),))), PLAN)
    assert body["instructions"] == "Go."
    assert [item["role"] for item in body["input"]] == ["user"]


def test_a_continued_conversation_needs_no_turn_and_keeps_lone_results() -> None:
    """T13, T145: the call is with the service."""
    result = {"type": "function_call_output", "call_id": "c", "output": "x"}
    body, losses = sent(asked(previous_response_id="resp_1", input=[result]))
    assert body["input"] == [result]
    assert losses == []
    assert sent(asked(previous_response_id="resp_1", input=[]))[0]["input"] == []


def test_json_mode_says_json() -> None:
    """T134"""
    output = OutputFormat(FormatKind.JSON)
    body, _ = sent(foreign(HI, output=output))
    assert body["input"][0]["content"][0]["text"] == "Answer in JSON."
    body, _ = sent(foreign(Message(USER, (TextPart("As json, please"),)), output=output))
    assert len(body["input"]) == 1


def test_a_prefill_is_not_continued_here() -> None:
    """T11"""
    half = Message(ASSISTANT, (TextPart("The answer is"),))
    assert sent(foreign(HI, half))[1] == ["prefill"]
    assert sent(foreign(HI, half), facts=ModelFacts("m", prefill=True))[1] == []
    called = sent(foreign(HI, Message(ASSISTANT, (ToolCallPart("c", "f"),))))[1]
    assert called == ["tool_result: a call without a result was given one that says so"]


def test_fields_of_this_dialect_go_back_and_those_of_others_are_listed() -> None:
    """T123"""
    body, losses = sent(asked(truncation="auto", client_metadata={"a": 1}))
    assert (body["truncation"], body["client_metadata"], losses) == ("auto", {"a": 1}, [])
    body, losses = sent(asked(truncation="auto"), PLAN)
    assert "truncation" not in body
    assert losses == ["native_field: truncation"]
    body, losses = sent(foreign(HI, native={"frequency": Raw(b"1")}))
    assert "frequency" not in body
    assert losses == ["native_field: frequency"]


def test_no_null_and_nothing_empty_goes_up() -> None:
    """T69, invariant 9"""
    tools = [{"type": "function", "name": "f", "description": None, "strict": None}]
    body = encode(asked(tools=tools, metadata=None, text={}, reasoning={})).body
    assert b"null" not in body
    assert json.loads(body).keys() == {"model", "input", "tools"}


def test_stop_strings_are_kept_by_the_gateway() -> None:
    """T119: the API has no word for them."""
    out = encode(foreign(HI, stop=("END", "", " ")))
    assert out.stops == ("END", " ")
    assert out.losses == ()
    assert b"END" not in out.body


def test_a_question_for_a_count_has_only_the_prompt() -> None:
    """T171"""
    request = asked(
        tools=[{"type": "function", "name": "f"}], stream=True, store=False, max_output_tokens=9
    )
    out = DIALECT.encode_count_request(request, Target("up-1", DEFAULT, FACTS, stream=False))
    assert json.loads(out.body).keys() == {"model", "input", "tools"}


def said(number: int) -> list[Message]:
    thinking = ThinkingPart("hm", Opaque("openai", "E", f"rs_{number}"))
    call = ToolCallPart(f"c{number}", "f", '{"b":1,"a":2}')
    return [
        Message(ASSISTANT, (thinking, TextPart("I look."), call)),
        Message(USER, (ToolResultPart(f"c{number}", (TextPart("ok"),)),)),
        Message(Role.SYSTEM, (TextPart("Mind the time."),)),
        Message(USER, (TextPart("Go on."),)),
    ]


@pytest.mark.parametrize("habits", [DEFAULT, CODEX_BACKEND, COMPATIBLE_RESPONSES])
def test_a_longer_conversation_keeps_the_earlier_bytes(habits: Any) -> None:
    """T06, T93, invariant 7"""
    fields: Any = {"system": (TextPart("Be brief."),), "tools": (FunctionTool("f"),)}
    turns = [HI, *said(1), *said(2)]
    bodies = [encode(foreign(*turns[:n], **fields), habits).body for n in (1, 5, 9)]
    assert encode(foreign(*turns, **fields), habits).body == bodies[-1]
    inputs = [json.loads(body)["input"] for body in bodies]
    assert inputs[1] == inputs[2][: len(inputs[1])]
    assert inputs[0] == inputs[1][: len(inputs[0])]
    heads = [body.split(b'"input":')[0] for body in bodies]
    assert len(set(heads)) == 1


LOCAL = frozenset({"message", "function_call", "function_call_output", "reasoning"})


def canonical(item: dict[str, Any]) -> dict[str, Any]:
    """An item as it means the same: with its type, its content as parts, without what servers add."""
    dropped = {"status", "id"} if item.get("type", "message") in LOCAL else {"status"}
    kept = {"type": "message"} | {
        name: value for name, value in item.items() if value is not None and name not in dropped
    }
    said = kept.get("role") == "assistant"
    if isinstance(kept.get("content"), str):
        kind = "output_text" if said else "input_text"
        kept["content"] = [{"type": kind, "text": kept["content"]}]
    if said:
        kept["content"] = [
            {name: part[name] for name in part if name not in _OF_SERVERS}
            for part in kept["content"]
        ]
    if kept.get("summary"):  # parts of one summary are one text
        words = "\n\n".join(part["text"] for part in kept["summary"])
        kept["summary"] = [{"type": "summary_text", "text": words}]
    if "call_id" in kept:
        kept["call_id"] = portable_id(kept["call_id"])
    return kept


_OF_SERVERS = frozenset({"annotations", "logprobs"})
CHECKED = frozenset({"model", "input", "include", "tools", "stream", "user", "store"})


def test_every_recorded_request() -> None:
    """
    Decodes, and means the same to a service of its own dialect; the same bytes twice (invariants 6 and 7).

    A file of sound, which the service refused, becomes sound; tools that items bring move to the tools.
    """
    seen = 0
    for path in sorted((needs_recordings() / "openai_responses").glob("*.json")):
        exchange = json.loads(path.read_bytes())
        if exchange["request"] is None:
            continue
        seen += 1
        body = exchange["request"]["body"]
        request = DIALECT.decode_request(Inbound(json.dumps(body).encode()))
        habits = COMPATIBLE_RESPONSES if exchange["provider"] == "deepseek" else DEFAULT
        out, losses = sent(request, habits)
        assert encode(request, habits).body == encode(request, habits).body
        assert losses == [], path.name
        items = body["input"]
        if isinstance(items, str):
            items = [{"role": "user", "content": items}]
        if "audio/mpeg" not in json.dumps(items):
            kept = [canonical(item) for item in items if item.get("type") != "additional_tools"]
            assert [canonical(item) for item in out["input"]] == kept
        for name, value in body.items():
            if name in CHECKED or value in (None, ""):
                continue
            if name != "text" or value != {"format": {"type": "text"}}:
                assert out[name] == value, (path.name, name)
        names = [tool.get("name") for tool in body.get("tools") or ()]
        assert [tool.get("name") for tool in out.get("tools", ())][: len(names)] == names
        again = DIALECT.decode_request(Inbound(json.dumps(out).encode()))
        assert sent(again, habits)[0] == out
    assert seen >= least(60)


@pytest.mark.parametrize("case", sorted(path.parent.name for path in CORPUS.glob("*/request.json")))
def test_the_made_up_requests(case: str) -> None:
    body = json.loads((CORPUS / case / "request.json").read_bytes())
    out, losses = sent(DIALECT.decode_request(Inbound(json.dumps(body).encode())))
    assert losses == []
    assert out.get("tools", []) == body.get("tools", [])
    assert out.get("instructions") == body["instructions"]


WORDS = st.text('ab "\\\n', min_size=1, max_size=6)
SPOKEN = st.builds(TextPart, WORDS)


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    messages: list[Message] = []
    for turn in range(draw(st.integers(1, 4))):
        messages.append(Message(USER, tuple(draw(st.lists(SPOKEN, min_size=1, max_size=2)))))
        if draw(st.booleans()):
            state = Opaque("openai", draw(WORDS))
            calls = [
                ToolCallPart(f"call_{turn}_{n}", draw(st.sampled_from("fg")), '{"x": 1.0}')
                for n in range(draw(st.integers(1, 3)))
            ]
            thinking = ThinkingPart(draw(WORDS), state, is_summary=True)
            messages.append(Message(ASSISTANT, (thinking, draw(SPOKEN), *calls)))
            results = [ToolResultPart(call.call_id, (draw(SPOKEN),)) for call in calls]
            messages.append(Message(USER, tuple(results)))
        else:
            messages.append(Message(ASSISTANT, (draw(SPOKEN),)))
    return [*messages, HI]


@settings(max_examples=80, deadline=None)
@given(conversations())
def test_any_conversation_comes_back_as_it_was(messages: list[Message]) -> None:
    """Invariant 6"""
    out = encode(foreign(*messages, tools=(FunctionTool("f"), FunctionTool("g"))), PLAN)
    assert out.losses == ()
    again = DIALECT.decode_request(Inbound(out.body))
    assert list(again.messages) == messages
    assert encode(replace(again, source="openai-chat", native={}), PLAN).body == out.body
