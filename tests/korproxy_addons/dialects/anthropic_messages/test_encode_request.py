import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import (
    ANTHROPIC_API,
    COMPATIBLE_ANTHROPIC,
    Habits,
    ModelFacts,
    Thinking,
)
from korproxy_addons.dialects.anthropic_messages import DIALECT
from korproxy_addons.dialects.base import Inbound, Target
from korproxy_addons.dialects.model import (
    CacheMarker,
    ChatRequest,
    ChoiceMode,
    Continuation,
    CustomTool,
    FormatKind,
    FunctionTool,
    HostedKind,
    HostedTool,
    MediaKind,
    MediaPart,
    Message,
    Opaque,
    OutputFormat,
    Reasoning,
    RefusalPart,
    Role,
    Sampling,
    TextPart,
    ThinkingMode,
    ThinkingPart,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
    UnknownPart,
)
from support.anthropic_wire import (
    MODEL,
    body_of,
    encode,
    foreign,
    losses_of,
    plain,
    refusal,
    request_of,
)

SCHEMA = Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}')


def test_a_plain_request_as_it_stands_on_the_wire() -> None:
    request = foreign(system=(TextPart("Be brief."),), stop=("END",), user="u", stream=True)
    assert json.loads(encode(request, stream=True).body) == {
        "model": MODEL,
        "max_tokens": 1000,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u"},
        "stream": True,
    }


@pytest.mark.parametrize(
    ("fields", "feature"),
    [
        ({"choices": 2}, "n"),
        ({"logprobs": 0}, "logprobs"),
        ({"sampling": Sampling(logit_bias=Raw(b"{}"))}, "logit_bias"),
        ({"sampling": Sampling(seed=0)}, "seed"),
        ({"sampling": Sampling(presence_penalty=1.0)}, "penalties"),
        ({"verbosity": "low"}, "verbosity"),
        ({"modalities": ("text", "audio")}, "modalities"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"cache_key": "k"}, "cache_key"),
        ({"continuation": Continuation(store=True)}, "store"),
        ({"continuation": Continuation(previous_response_id="r")}, "previous_response_id"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"native": {"prediction": Raw(b"{}")}}, "native_field"),
        ({"user": "u" * 300}, "user"),
    ],
)
def test_t122_what_has_no_words_here_is_listed_and_does_not_go_up(
    fields: dict[str, Any], feature: str
) -> None:
    """T119, T123"""
    request = foreign(**fields)
    assert losses_of(request) == [feature]
    assert body_of(request) == body_of(foreign())


@pytest.mark.parametrize(
    "fields",
    [
        {"modalities": ("text",)},
        {"continuation": Continuation(store=False)},
        {"sampling": Sampling(presence_penalty=0.0)},
    ],
)
def test_what_changes_nothing_is_no_loss(fields: dict[str, Any]) -> None:
    assert losses_of(foreign(**fields)) == []


def test_t119_stop_strings_that_the_upstream_does_not_take_are_kept_by_the_gateway() -> None:
    habits = replace(ANTHROPIC_API, stop_limit=2)
    request = foreign(stop=("a", " ", "b", "c"))
    assert body_of(request, habits=habits)["stop_sequences"] == ["a", "b"]
    assert losses_of(request, habits=habits) == []
    assert encode(request, habits=habits).stops == (" ", "c")


@pytest.mark.parametrize(
    ("tier", "word"),
    [("auto", "auto"), ("default", "standard_only"), ("standard_only", "standard_only")],
)
def test_service_tiers(tier: str, word: str) -> None:
    assert body_of(foreign(service_tier=tier))["service_tier"] == word


def test_t134_json_without_a_schema_is_asked_for_in_words() -> None:
    request = foreign(output=OutputFormat(FormatKind.JSON))
    assert "JSON" in body_of(request)["system"][0]["text"]
    assert losses_of(request) == ["schema"]


def test_t130_t131_a_schema_goes_where_the_upstream_knows_it() -> None:
    request = foreign(
        output=OutputFormat(FormatKind.SCHEMA, SCHEMA, name="a"), reasoning=Reasoning(effort="low")
    )
    config = body_of(request)["output_config"]
    assert config["format"]["type"] == "json_schema"
    assert config["format"]["schema"]["additionalProperties"] is False
    assert config["effort"] == "low"
    encoded = encode(request, habits=COMPATIBLE_ANTHROPIC)
    assert encoded.answer_tool == "structured_answer"
    assert "output_config" not in json.loads(encoded.body)


def test_t123_refused_fields_are_left_out_and_listed() -> None:
    habits = replace(ANTHROPIC_API, refused_fields=frozenset({"temperature", "top_k", "metadata"}))
    request = foreign(sampling=Sampling(temperature=0.5), user="u")
    assert {"temperature", "metadata"}.isdisjoint(body_of(request, habits=habits))
    assert sorted(losses_of(request, habits=habits)) == ["temperature", "user"]


def test_own_unknown_fields_go_back_to_where_they_were() -> None:
    body = {
        "context_management": {"edits": []},
        "output_config": {"task_budget": 5, "effort": "low"},
        "metadata": {"user_id": "u" * 300, "of_tomorrow": 1},
        "thinking": {"type": "between_tools"},
        "cache_control": {"type": "ephemeral"},
    }
    found = body_of(request_of(max_tokens=10, **body))
    assert {name: found[name] for name in body} == body


def test_t69_no_null_goes_up() -> None:
    tools = [{"name": "go", "input_schema": {"type": "object"}, "cache_control": None}]
    found = encode(request_of(tools=tools, metadata=None, of_tomorrow=None)).body
    assert b"null" not in found


def test_t93_the_same_request_gives_the_same_bytes_and_a_longer_one_the_same_beginning() -> None:
    turns = (
        Message(Role.USER, (TextPart("a"),)),
        Message(Role.ASSISTANT, (ToolCallPart("c.1", "go.to", "{}"),)),
        Message(Role.USER, (ToolResultPart("c.1", (TextPart("ok"),)),)),
    )
    more = (Message(Role.ASSISTANT, (TextPart("b"),)), Message(Role.USER, (TextPart("c"),)))
    tools = (FunctionTool("go.to", schema=SCHEMA),)
    short = encode(foreign(messages=turns, tools=tools)).body
    assert encode(foreign(messages=turns, tools=tools)).body == short
    longer = encode(foreign(messages=(*turns, *more), tools=tools)).body
    shared = short[: short.index(b'"messages"')]
    assert longer.startswith(shared)
    assert longer.startswith(short[: short.rindex(b"]}")])


def test_a_count_asks_for_the_prompt_alone() -> None:
    """T171"""
    request = foreign(
        system=(TextPart("s"),),
        tools=(FunctionTool("go"),),
        stop=("END",),
        sampling=Sampling(temperature=0.5),
        user="u",
    )
    target = Target(MODEL, ANTHROPIC_API, ModelFacts(MODEL), stream=True)
    body = json.loads(DIALECT.encode_count_request(request, target).body)
    assert list(body) == ["model", "messages", "system", "tools"]


def test_t75_no_state_of_another_service_goes_up() -> None:
    state = Opaque("openai", "OPAQUE-STATE", "rs_1")
    parts = (
        ThinkingPart("t", state),
        TextPart("a", state=state),
        ToolCallPart("a", "go", "{}", state=state),
    )
    request = foreign(
        messages=(Message(Role.ASSISTANT, parts), Message(Role.USER, (ToolResultPart("a"),)))
    )
    assert b"OPAQUE-STATE" not in encode(request).body


# --- any conversation: the simulated service, which shares no code with this dialect, takes it

WORDS = st.sampled_from(["", " ", "a", "words 🙂", "b \n"])
CACHES = st.sampled_from([None, None, CacheMarker(), CacheMarker("1h")])
STATES = st.sampled_from(
    [None, Opaque("anthropic", "s"), Opaque("openai", "x", "rs_1"), Opaque("google", "y")]
)
IDS = st.sampled_from(["a", "b", "functions.c:0", "kpm_1"])
MEDIA = st.sampled_from(
    [
        MediaPart(MediaKind.IMAGE, "image/png", base64="AAAA"),
        MediaPart(MediaKind.IMAGE, url="https://a.example/b.png"),
        MediaPart(MediaKind.DOCUMENT, "application/pdf", base64="AAAA", name="n"),
        MediaPart(MediaKind.DOCUMENT, text="words", cache=CacheMarker()),
        MediaPart(MediaKind.AUDIO, "audio/wav", base64="AAAA"),
    ]
)
ODD = st.sampled_from(
    [
        RefusalPart("no"),
        UnknownPart("gemini", "x", Raw(b"{}"), "said"),
        UnknownPart("gemini", "x", Raw(b"{}")),
    ]
)
TEXTS = st.builds(TextPart, WORDS, cache=CACHES, state=STATES)
CALLS = st.builds(
    ToolCallPart,
    IDS,
    st.sampled_from(["go", "other.tool"]),
    st.sampled_from(["", "{}", '{"a":1}', "[1]", "{"]),
    custom=st.booleans(),
    state=STATES,
    cache=CACHES,
)
RESULTS = st.builds(
    ToolResultPart,
    IDS,
    st.lists(st.one_of(TEXTS, MEDIA), max_size=2).map(tuple),
    is_error=st.booleans(),
    cache=CACHES,
)
THOUGHTS = st.builds(ThinkingPart, WORDS, STATES)
USER = st.lists(st.one_of(TEXTS, MEDIA, RESULTS, ODD), max_size=4)
ASSISTANT = st.lists(st.one_of(TEXTS, CALLS, THOUGHTS, MEDIA, ODD), max_size=4)
MESSAGES = st.one_of(
    st.builds(lambda parts: Message(Role.USER, tuple(parts)), USER),
    st.builds(lambda parts: Message(Role.ASSISTANT, tuple(parts)), ASSISTANT),
    st.builds(
        lambda role, part: Message(role, (part,)),
        st.sampled_from([Role.SYSTEM, Role.DEVELOPER]),
        TEXTS,
    ),
)
TOOLS = st.lists(
    st.sampled_from(
        [
            FunctionTool("go", "Goes.", SCHEMA, cache=CacheMarker()),
            FunctionTool("other.tool", strict=True),
            FunctionTool("odd", schema=Raw(b'{"anyOf":[{"properties":{"a":{}}}]}')),
            CustomTool("apply_patch"),
            HostedTool(HostedKind.WEB_SEARCH, "web_search", "", "openai-responses", Raw(b"{}")),
            HostedTool(HostedKind.OTHER, "mcp", "", "openai-responses", Raw(b"{}")),
        ]
    ),
    max_size=4,
    unique_by=repr,
).map(tuple)
CHOICES = st.sampled_from(
    [None, *(ToolChoice(mode) for mode in ChoiceMode if mode is not ChoiceMode.NAMED)]
    + [ToolChoice(ChoiceMode.NAMED, (name,)) for name in ("go", "gone")]
    + [ToolChoice(ChoiceMode.AUTO, ("go",))]
)
REASONINGS = st.sampled_from(
    [
        None,
        Reasoning(effort="low"),
        Reasoning(effort="minimal", show=True),
        Reasoning(ThinkingMode.DISABLED),
        Reasoning(ThinkingMode.ADAPTIVE),
        Reasoning(ThinkingMode.BUDGET, budget_tokens=100),
        Reasoning(ThinkingMode.BUDGET, budget_tokens=50_000),
    ]
)
REQUESTS = st.builds(
    lambda tools, choice, parallel, **fields: foreign(
        tools=tools,
        tool_choice=choice if tools else None,
        parallel=parallel if tools else None,
        **fields,
    ),
    TOOLS,
    CHOICES,
    st.sampled_from([None, True, False]),
    system=st.lists(TEXTS, max_size=2).map(tuple),
    messages=st.lists(MESSAGES, max_size=6).map(tuple),
    reasoning=REASONINGS,
    max_output_tokens=st.sampled_from([None, 1, 1024, 5000]),
    stop=st.sampled_from([(), ("END",), (" ", "x")]),
    sampling=st.builds(
        Sampling,
        st.sampled_from([None, 0.0, 1.0, 2.0]),
        st.sampled_from([None, 0.5, 0.99]),
        st.sampled_from([None, 5]),
    ),
    output=st.sampled_from(
        [None, OutputFormat(FormatKind.JSON), OutputFormat(FormatKind.SCHEMA, SCHEMA)]
    ),
)
MODELS = st.sampled_from(
    [
        ModelFacts(MODEL),
        ModelFacts(MODEL, thinking=Thinking.BUDGET, max_output_tokens=64_000, prefill=True),
        ModelFacts(MODEL, thinking=Thinking.ADAPTIVE, prefill=False),
        ModelFacts(MODEL, thinking=Thinking.NONE),
    ]
)
HABITS = st.sampled_from(
    [ANTHROPIC_API, COMPATIBLE_ANTHROPIC, replace(ANTHROPIC_API, mid_system=True)]
)


@settings(max_examples=300, deadline=None)
@given(REQUESTS, MODELS, HABITS)
def test_any_conversation_is_taken_by_the_service(
    request: ChatRequest, facts: ModelFacts, habits: Habits
) -> None:
    """T01 - T13, T27, T32, T34, T39, T61, T83, T90, T119, T121, T123"""
    encoded = encode(request, facts, habits)
    assert refusal(encoded.body) is None, encoded.body
    assert encode(request, facts, habits).body == encoded.body


@settings(max_examples=150, deadline=None)
@given(REQUESTS)
def test_what_was_written_is_read_and_written_again_as_it_is(request: ChatRequest) -> None:
    """Own to own: what this dialect has said once, it says again."""
    first = encode(request)
    read = DIALECT.decode_request(Inbound(first.body))
    again = encode(read)
    assert json.loads(again.body) == json.loads(first.body)
    assert plain(DIALECT.decode_request(Inbound(again.body))) == plain(read)
