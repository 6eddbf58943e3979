from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import COMPATIBLE_RESPONSES, Habits, ModelFacts, Thinking
from korproxy_addons.dialects.model import (
    FormatKind,
    Message,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    TextPart,
    ThinkingMode,
)
from support.responses_wire import DEFAULT, FACTS, PLAN, asked, foreign, sent

HI = Message(Role.USER, (TextPart("Hi"),))
REASONER = ModelFacts("m", thinking=Thinking.EFFORT, efforts=("minimal", "low", "medium", "high"))
PLAIN = ModelFacts("m", thinking=Thinking.NONE)
BUDGET = Reasoning(ThinkingMode.BUDGET, budget_tokens=8192, show=True)


def wire(
    habits: Habits = DEFAULT, facts: ModelFacts = FACTS, **fields: Any
) -> tuple[dict[str, Any], list[str]]:
    return sent(foreign(HI, **fields), habits, facts)


@pytest.mark.parametrize(
    ("habits", "store"),
    [(DEFAULT, False), (PLAN, False), (COMPATIBLE_RESPONSES, False)],
)
def test_nothing_is_kept_for_clients_of_services_that_keep_nothing(
    habits: Habits, store: bool
) -> None:
    """T76, T146"""
    body, _ = wire(habits)
    assert body["store"] is store


@pytest.mark.parametrize("store", [None, True, False])
def test_what_the_client_of_this_dialect_said_of_keeping_stands(store: bool | None) -> None:
    body, _ = sent(asked(store=store))
    assert body.get("store") == store
    body, _ = sent(asked(store=store), PLAN)
    assert body["store"] is False


@pytest.mark.parametrize(
    ("habits", "facts", "include"),
    [
        (DEFAULT, FACTS, ["reasoning.encrypted_content"]),
        (PLAN, FACTS, ["reasoning.encrypted_content"]),
        (DEFAULT, PLAIN, None),
        (COMPATIBLE_RESPONSES, FACTS, None),
    ],
)
def test_reasoning_comes_back_sealed_where_it_is_not_kept(
    habits: Habits, facts: ModelFacts, include: Any
) -> None:
    """T76: models that do not reason refuse the question."""
    assert wire(habits, facts)[0].get("include") == include


def test_sealed_reasoning_that_was_asked_for_is_asked_for() -> None:
    """Also where the service keeps answers: the client may want to keep them as well."""
    body, _ = sent(asked(include=["reasoning.encrypted_content"]))
    assert body["include"] == ["reasoning.encrypted_content"]
    assert "include" not in sent(asked())[0]


def test_other_things_to_include_go_too() -> None:
    body, _ = sent(asked(include=["web_search_call.action.sources"], store=False, top_logprobs=2))
    assert body["include"] == [
        "web_search_call.action.sources",
        "reasoning.encrypted_content",
        "message.output_text.logprobs",
    ]
    assert body["top_logprobs"] == 2


@pytest.mark.parametrize(
    ("reasoning", "found"),
    [
        (None, None),
        (Reasoning(effort="high"), {"effort": "high"}),
        (BUDGET, {"effort": "medium", "summary": "auto"}),
        (Reasoning(ThinkingMode.ADAPTIVE), {"summary": "auto"}),
        (Reasoning(ThinkingMode.ADAPTIVE, effort="low", show=False), {"effort": "low"}),
        (Reasoning(ThinkingMode.DISABLED), {"effort": "minimal"}),
        (Reasoning(effort="xhigh", summary="concise"), {"effort": "high", "summary": "concise"}),
        (Reasoning(effort="brand-new"), {"effort": "brand-new"}),
        (Reasoning(effort="auto"), None),
    ],
)
def test_reasoning(reasoning: Reasoning | None, found: Any) -> None:
    """T87, T88: what a client is to see has to be asked for."""
    assert wire(facts=REASONER, reasoning=reasoning)[0].get("reasoning") == found


def test_the_codex_backend_is_always_asked_for_a_summary() -> None:
    """T88"""
    body, _ = wire(PLAN, REASONER, reasoning=Reasoning(effort="low"))
    assert body["reasoning"] == {"effort": "low", "summary": "auto"}


def test_a_model_that_does_not_reason() -> None:
    body, losses = wire(facts=PLAIN, reasoning=BUDGET)
    assert "reasoning" not in body
    assert losses == ["reasoning: the model does not reason"]
    assert wire(facts=PLAIN, reasoning=Reasoning(ThinkingMode.DISABLED))[1] == []


def test_own_settings_of_reasoning_and_text_go_back() -> None:
    body, _ = sent(asked(reasoning={"effort": "low", "context": "all_turns"}, text={"new": 1}))
    assert body["reasoning"] == {"effort": "low", "context": "all_turns"}
    assert body["text"] == {"new": 1}


OPEN = Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}')
CLOSED = Raw(
    b'{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}'
)


@pytest.mark.parametrize(
    ("output", "form", "losses"),
    [
        (OutputFormat(FormatKind.SCHEMA, CLOSED, "n", "d", strict=True), ("n", True), []),
        (
            OutputFormat(FormatKind.SCHEMA, OPEN, strict=True),
            ("answer", False),
            ["strict: text.format"],
        ),
        (OutputFormat(FormatKind.SCHEMA, OPEN), ("answer", None), []),
        (
            OutputFormat(FormatKind.SCHEMA, strict=True),
            ("answer", False),
            ["strict: text.format"],
        ),
    ],
)
def test_structured_answers(output: OutputFormat, form: Any, losses: list[str]) -> None:
    """T131: flat here."""
    body, lost = wire(output=output)
    found = body["text"]["format"]
    assert found["type"] == "json_schema"
    assert (found["name"], found.get("strict")) == form
    assert found["schema"]["type"] == "object"
    assert lost == losses


def test_structured_answers_of_servers_that_know_less() -> None:
    """T130"""
    schema = OutputFormat(FormatKind.SCHEMA, OPEN)
    body, losses = wire(replace(DEFAULT, schema_output=False), output=schema)
    assert body["text"] == {"format": {"type": "json_object"}}
    assert losses == ["schema: text.format"]
    body, losses = wire(replace(DEFAULT, schema_output=False, json_output=False), output=schema)
    assert "text" not in body
    assert losses == ["output_format"]


def test_verbosity() -> None:
    assert wire(verbosity="low")[0]["text"] == {"verbosity": "low"}
    body, losses = wire(COMPATIBLE_RESPONSES, verbosity="low")
    assert "text" not in body
    assert losses == ["verbosity"]


@pytest.mark.parametrize(
    ("limit", "most", "found"), [(None, 100, None), (5, None, 16), (50, 100, 50), (500, 100, 100)]
)
def test_the_longest_answer(limit: int | None, most: int | None, found: int | None) -> None:
    """T115: never above the model's limit, nor below what the API takes."""
    body, _ = wire(facts=ModelFacts("m", max_output_tokens=most), max_output_tokens=limit)
    assert body.get("max_output_tokens") == found


def test_sampling() -> None:
    """T116, T121"""
    sampling = Sampling(temperature=2.5, top_p=0.5)
    body, losses = wire(sampling=sampling)
    assert (body["temperature"], body["top_p"], losses) == (2.0, 0.5, [])
    body, losses = wire(facts=REASONER, sampling=sampling)
    assert not body.keys() & {"temperature", "top_p"}
    assert losses == ["temperature", "top_p"]


@pytest.mark.parametrize(
    ("habits", "tier", "found", "losses"),
    [
        (DEFAULT, "flex", "flex", []),
        (DEFAULT, "standard_only", None, ["service_tier"]),
        (PLAN, "priority", "priority", []),
        (PLAN, "flex", None, ["service_tier: flex"]),
        (PLAN, "auto", None, []),
    ],
)
def test_service_tiers(habits: Habits, tier: str, found: str | None, losses: list[str]) -> None:
    """T117: the plan's own affair."""
    body, lost = wire(habits, service_tier=tier)
    assert (body.get("service_tier"), lost) == (found, losses)


def test_who_asks() -> None:
    assert wire(user="u")[0]["safety_identifier"] == "u"
    assert wire(COMPATIBLE_RESPONSES, user="u")[0]["user"] == "u"
    long = wire(user="x" * 200)[0]["safety_identifier"]
    assert len(long) == 64
    assert long == wire(user="x" * 200)[0]["safety_identifier"]


def key(**fields: Any) -> str:
    messages = fields.pop("messages", (HI,))
    body, _ = sent(foreign(*messages, **fields))
    found: str = body["prompt_cache_key"]
    return found


def test_a_conversation_has_one_cache_key() -> None:
    """T94"""
    first = key(user="session-1", system=(TextPart("Be brief."),))
    reply = Message(Role.ASSISTANT, (TextPart("x"),))
    later = key(user="session-1", system=(TextPart("Be brief."),), messages=(HI, reply, HI))
    assert first == later
    others = {
        key(user="session-2", system=(TextPart("Be brief."),)),
        key(user="session-1", system=(TextPart("Be long."),)),
        key(user="session-1", messages=(Message(Role.USER, (TextPart("Yo"),)),)),
    }
    assert len(others | {first}) == 4
    assert key(cache_key="mine") == "mine"
    assert "prompt_cache_key" not in wire(COMPATIBLE_RESPONSES)[0]


def test_what_the_service_is_believed_to_keep() -> None:
    """T145: passed on where it is kept, else a serious loss."""
    request = asked(previous_response_id="resp_1", input="Hi")
    assert sent(request)[0]["previous_response_id"] == "resp_1"
    body, losses = sent(request, PLAN)
    assert "previous_response_id" not in body
    assert losses == ["previous_response_id: previous_response_id"]
    _, losses = sent(asked(conversation="conv_1"), COMPATIBLE_RESPONSES)
    assert losses == ["previous_response_id: conversation"]


def test_what_this_dialect_has_no_words_for() -> None:
    """T122"""
    sampling = Sampling(top_k=3, seed=1, presence_penalty=0.5, logit_bias=Raw(b"{}"))
    body, losses = wire(choices=2, logprobs=3, modalities=("text", "audio"), sampling=sampling)
    assert losses == [
        "n", "logprobs", "logit_bias", "seed", "penalties", "top_k", "modalities",
    ]  # fmt: skip
    assert not body.keys() & {"n", "top_logprobs", "seed", "top_k"}
    assert wire(sampling=Sampling(presence_penalty=0.0), modalities=("text",))[1] == []
