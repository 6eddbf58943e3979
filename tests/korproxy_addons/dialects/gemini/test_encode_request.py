import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import CODE_ASSIST, GEMINI_API
from korproxy_addons.dialects.base import Inbound
from korproxy_addons.dialects.gemini import DIALECT
from korproxy_addons.dialects.model import (
    CacheMarker,
    ChatRequest,
    ChoiceMode,
    Continuation,
    FunctionTool,
    MediaKind,
    MediaPart,
    Message,
    Role,
    Sampling,
    TextPart,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from launcher.simulator.wire import gemini_rules
from support.gemini_wire import MODEL, SIGNED, asked, body_of, inbound, lost, request, target


def user(text: str) -> Message:
    return Message(Role.USER, (TextPart(text),))


def model(text: str) -> Message:
    return Message(Role.ASSISTANT, (TextPart(text),))


def test_t06_t09_leading_system_messages_go_to_the_system_text_and_later_ones_stay() -> None:
    body = body_of(
        asked(
            Message(Role.SYSTEM, (TextPart("one"),)),
            Message(Role.DEVELOPER, (TextPart("two"),)),
            user("hi"),
            model("hello"),
            Message(Role.SYSTEM, (TextPart("later"),)),
            system=(TextPart("zero"),),
        )
    )
    assert body["systemInstruction"] == {
        "parts": [{"text": "zero"}, {"text": "one"}, {"text": "two"}]
    }
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]
    assert body["contents"][2]["parts"] == [{"text": "later"}]


def test_t10_a_request_of_system_text_only() -> None:
    body = body_of(ChatRequest("openai-chat", MODEL, (), system=(TextPart("do it"),)))
    assert body["contents"] == [{"role": "user", "parts": [{"text": "."}]}]


def test_t05_neighbours_of_one_role_become_one_content() -> None:
    body = body_of(asked(user("a"), user("b")))
    assert body["contents"] == [{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]


def test_what_gemini_has_no_words_for_is_listed() -> None:
    request_ = asked(
        verbosity="low",
        user="me",
        metadata={"a": "b"},
        cache_key="k",
        service_tier="priority",
        continuation=Continuation("resp_1", store=True),
        system=(TextPart("s", cache=CacheMarker()),),
        native={"some.field": Raw(b"1")},
    )
    assert lost(request_) == {
        "verbosity",
        "user",
        "metadata",
        "cache_key",
        "service_tier",
        "previous_response_id",
        "store",
        "cache_marker",
        "native_field",
    }
    assert set(body_of(request_)) == {"systemInstruction", "contents"}
    assert lost(asked(service_tier="auto", continuation=Continuation(store=False))) == set()


def test_fields_of_googles_clients_come_back_in_their_places() -> None:
    body = {
        "systemInstruction": {"parts": [{"text": "s"}]},
        "tools": [{"functionDeclarations": [{"name": "f", "description": "d"}]}],
        "toolConfig": {
            "functionCallingConfig": {"mode": "ANY"},
            "retrievalConfig": {"languageCode": "de"},
        },
        "generationConfig": {"temperature": 1.0, "speechConfig": {"a": 1}},
        "serviceTier": "flex",
        "safetySettings": [{"category": "c", "threshold": "t"}],
        "somethingNew": {"a": 1},
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
    }
    assert body_of(request(body)) == body
    assert lost(request(body)) == set()


def test_fields_inside_contents_are_listed() -> None:
    part = {"fileData": {"fileUri": "gs://a", "mimeType": "video/mp4"}, "videoMetadata": {"fps": 1}}
    assert lost(request({"contents": [{"parts": [part]}]})) == {"native_field"}


def test_t117_fields_that_the_upstream_refuses_are_left_out() -> None:
    to = target(replace(GEMINI_API, refused_fields=frozenset({"temperature", "safetySettings"})))
    client = request({"generationConfig": {"temperature": 1}, "safetySettings": []})
    assert set(body_of(client, to)) == {"contents"}
    assert "native_field" in lost(client, to)


def test_t93_a_longer_conversation_keeps_the_bytes_before_it() -> None:
    tool = FunctionTool("f", "d", Raw(b'{"type":"object","properties":{"a":{}}}'))
    history = [user("go"), Message(Role.ASSISTANT, (ToolCallPart("1", "f", '{"a": 1}'),))]
    history.append(Message(Role.USER, (ToolResultPart("1", (TextPart("ok"),)),)))
    to = target()
    short = DIALECT.encode_request(asked(*history, tools=(tool,)), to).body
    again = DIALECT.encode_request(asked(*history, tools=(tool,)), to).body
    longer = DIALECT.encode_request(asked(*history, model("a"), user("b"), tools=(tool,)), to).body
    assert short == again
    assert longer.startswith(short.removesuffix(b"]}"))


def test_t171_t172_a_question_for_a_count_holds_everything() -> None:
    made = DIALECT.encode_count_request(
        asked(system=(TextPart("s"),), tools=(FunctionTool("f"),)), target()
    )
    inner = json.loads(made.body)["generateContentRequest"]
    assert inner.pop("model") == f"models/{MODEL}"
    assert inner == body_of(asked(system=(TextPart("s"),), tools=(FunctionTool("f"),)))


def test_t178_half_surrogates_cannot_break_it() -> None:
    assert body_of(asked(user("a\ud83d")))["contents"][0]["parts"] == [{"text": "a\ufffd"}]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip())
)
NAMES = st.sampled_from(["read", "mcp__a__b", "9 bad/name", "x" * 80])
MEDIA = st.just(MediaPart(MediaKind.IMAGE, mime="image/png", base64="iVBORw0KGgo="))


@st.composite
def conversations(draw: Any) -> ChatRequest:
    """Turns in any order, calls with and without results."""
    messages: list[Message] = []
    calls: list[tuple[str, str]] = []
    for number in range(draw(st.integers(1, 6))):
        if draw(st.booleans()):
            parts: list[Any] = [TextPart(text) for text in draw(st.lists(TEXT, max_size=2))]
            for place in range(draw(st.integers(0, 2))):
                call = (f"call{number}{place}", draw(NAMES))
                calls.append(call)
                state = SIGNED if draw(st.booleans()) else None
                arguments = json.dumps({"a": draw(TEXT)})
                parts.append(ToolCallPart(*call, arguments, state=state))
            messages.append(Message(Role.ASSISTANT, tuple(parts)))
        else:
            parts = [draw(st.one_of(TEXT.map(TextPart), MEDIA))]
            answered = draw(st.lists(st.sampled_from(calls), max_size=3)) if calls else []
            parts += [ToolResultPart(each, (TextPart(draw(TEXT)),)) for each, _ in answered]
            messages.append(Message(Role.USER, tuple(parts)))
    messages.append(user(draw(TEXT)))
    names = draw(st.lists(NAMES, unique=True, max_size=3))
    tools = tuple(FunctionTool(name, "d", Raw(b'{"type":"object"}')) for name in names)
    choice = ToolChoice(draw(st.sampled_from([ChoiceMode.AUTO, ChoiceMode.REQUIRED])))
    return ChatRequest(
        "anthropic-messages",
        MODEL,
        tuple(messages),
        tools=tools,
        tool_choice=choice if tools else None,
        max_output_tokens=draw(st.none() | st.integers(1, 9)),
        sampling=Sampling(temperature=draw(st.none() | st.just(0.5))),
    )


@settings(deadline=None, max_examples=120)
@given(conversations(), st.sampled_from([GEMINI_API, CODE_ASSIST]))
def test_any_conversation_is_one_that_google_takes(conversation: ChatRequest, habits: Any) -> None:
    made = DIALECT.encode_request(conversation, target(habits))
    body = json.loads(made.body)
    code_assist = habits is CODE_ASSIST
    assert (
        gemini_rules.problem(body, MODEL, code_assist=code_assist, foreign_signatures=True) is None
    )
    assert b"null" not in made.body
    again = DIALECT.decode_request(Inbound(made.body, path_model=MODEL))
    own = DIALECT.encode_request(again, target(habits))
    assert json.loads(own.body) == body  # what was said in Gemini's words is said so again


@settings(deadline=None, max_examples=60)
@given(conversations())
def test_any_conversation_comes_back(conversation: ChatRequest) -> None:
    """Texts, calls and their results, in order."""

    def said(messages: tuple[Message, ...], names: Any) -> list[Any]:
        found: list[Any] = []
        for message in messages:
            for part in message.parts:
                if isinstance(part, ToolCallPart):
                    name = names(part.name)
                    found.append((part.call_id, name, json.loads(part.arguments), part.state))
                elif isinstance(part, TextPart | MediaPart):
                    found.append(part)
        return found

    made = DIALECT.encode_request(conversation, target())
    again = DIALECT.decode_request(Inbound(made.body, path_model=MODEL))
    before = said(conversation.messages, str)
    after = said(again.messages, made.names.original)
    assert [each for each in after if each != TextPart(".")] == [
        each for each in before if each != TextPart(".")
    ]
    assert inbound({}).path_model == again.model


@pytest.mark.parametrize("habits", [GEMINI_API, CODE_ASSIST])
def test_invariant_9_no_null_goes_up(habits: Any) -> None:
    """T69"""
    client = request({"contents": [{"parts": [{"text": "a"}]}], "tools": None, "labels": None})
    assert b"null" not in DIALECT.encode_request(client, target(habits)).body
