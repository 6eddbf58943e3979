from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import CODE_ASSIST, GEMINI_API, Thinking
from korproxy_addons.dialects.gemini.encode_request import encode_request
from korproxy_addons.dialects.model import (
    FormatKind,
    FunctionTool,
    OutputFormat,
    Reasoning,
    Sampling,
    ThinkingMode,
)
from support.gemini_wire import MODEL, asked, body_of, lost, request, target

SCHEMA = Raw(b'{"type":"object","properties":{"a":{"type":"string","minLength":2}}}')
ANSWER = OutputFormat(FormatKind.SCHEMA, SCHEMA, name="answer", strict=True)


def config(to: Any = None, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = body_of(asked(**fields), to).get("generationConfig", {})
    return found


def thinking(reasoning: Reasoning, to: Any = None, **fields: Any) -> Any:
    return config(to, reasoning=reasoning, **fields).get("thinkingConfig")


def test_nothing_asked_nothing_sent() -> None:
    assert config() == {}
    assert config(reasoning=Reasoning(), modalities=("text",)) == {}


def test_limits_and_sampling() -> None:
    sampling = Sampling(0.5, 0.9, 40, 7, 0.1, -0.1)
    assert config(max_output_tokens=9, stop=("a",), sampling=sampling) == {
        "maxOutputTokens": 9,
        "stopSequences": ["a"],
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "seed": 7,
        "presencePenalty": 0.1,
        "frequencyPenalty": -0.1,
    }


def test_what_is_out_of_googles_range_is_brought_into_it() -> None:
    sampling = Sampling(temperature=2.5, top_p=-1.0)
    assert config(sampling=sampling) == {"temperature": 2.0, "topP": 0.0}
    assert lost(asked(sampling=sampling)) == {"temperature", "top_p"}
    assert config(sampling=sampling, source="gemini") == {"temperature": 2.5, "topP": -1.0}


def test_t119_five_stop_strings() -> None:
    stops = tuple("abcdefg")
    assert config(stop=stops)["stopSequences"] == list("abcde")
    assert lost(asked(stop=stops)) == set()
    assert encode_request(asked(stop=stops), target()).stops == ("f", "g")


def test_a_limit_is_never_above_the_models() -> None:
    to = target(max_output_tokens=100)
    assert config(to, max_output_tokens=500)["maxOutputTokens"] == 100
    assert lost(asked(max_output_tokens=500), to) == {"output_limit"}
    assert lost(asked(max_output_tokens=100), to) == set()


def test_t122_what_changes_the_answers_form_is_listed() -> None:
    sampling = Sampling(seed=2**40, logit_bias=Raw(b"{}"))
    request_ = asked(choices=2, logprobs=3, sampling=sampling)
    assert config(choices=2, logprobs=3, sampling=sampling) == {}
    assert lost(request_) == {"n", "logprobs", "seed", "logit_bias"}
    own = config(choices=2, logprobs=3, source="gemini")
    assert own == {"candidateCount": 2, "responseLogprobs": True, "logprobs": 3}
    assert config(logprobs=0, source="gemini") == {"responseLogprobs": True}


def test_modalities() -> None:
    assert config(modalities=("text", "image"))["responseModalities"] == ["TEXT", "IMAGE"]
    assert config(modalities=("text",), source="gemini")["responseModalities"] == ["TEXT"]


def test_t132_a_schema_for_the_answer() -> None:
    assert config(output=ANSWER) == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {
            "type": "object",
            "properties": {"a": {"type": "string", "minLength": 2}},
        },
    }
    fitted = config(target(CODE_ASSIST), output=ANSWER)["responseSchema"]
    assert fitted["properties"]["a"] == {"type": "string", "description": "minLength: 2"}
    assert config(output=OutputFormat(FormatKind.JSON)) == {"responseMimeType": "application/json"}


@pytest.mark.parametrize(
    ("habits", "tools", "sent"),
    [
        (replace(GEMINI_API, json_output=False), (), {}),
        (replace(GEMINI_API, json_with_tools=False), (FunctionTool("f"),), {}),
        (replace(GEMINI_API, schema_output=False), (), {"responseMimeType": "application/json"}),
    ],
)
def test_t132_forms_that_the_server_refuses(habits: Any, tools: Any, sent: dict[str, Any]) -> None:
    to = target(habits)
    assert config(to, output=ANSWER, tools=tools) == sent
    assert lost(asked(output=ANSWER, tools=tools), to) == {"output_format"}


def test_t132_older_models_take_no_form_beside_functions() -> None:
    older = replace(target(), model="gemini-2.5-pro")
    assert config(older, output=ANSWER, tools=(FunctionTool("f"),)) == {}
    assert config(older, output=ANSWER)["responseMimeType"] == "application/json"


LEVELS = target(thinking=Thinking.LEVEL)
BUDGETS = target(thinking=Thinking.BUDGET, max_budget_tokens=24576)


@pytest.mark.parametrize(
    ("reasoning", "expected", "loses"),
    [
        (Reasoning(effort="low"), {"thinkingLevel": "low"}, False),
        (Reasoning(effort="high"), {"thinkingLevel": "high"}, False),
        (Reasoning(effort="xhigh"), {"thinkingLevel": "high"}, True),
        (Reasoning(effort="minimal"), {"thinkingLevel": "low"}, True),
        (Reasoning(effort="auto"), None, False),
        (Reasoning(effort="odd"), {"thinkingLevel": "odd"}, False),
        (Reasoning(ThinkingMode.DISABLED), {"thinkingLevel": "low"}, True),
        (
            Reasoning(ThinkingMode.BUDGET, budget_tokens=5000),
            {"thinkingLevel": "medium", "includeThoughts": True},
            False,
        ),
        (Reasoning(ThinkingMode.ADAPTIVE), {"includeThoughts": True}, False),
        (
            Reasoning(effort="low", show=False),
            {"thinkingLevel": "low", "includeThoughts": False},
            False,
        ),
        (Reasoning(summary="auto"), {"includeThoughts": True}, False),
    ],
)
def test_t85_t86_t87_levels(reasoning: Reasoning, expected: Any, loses: bool) -> None:
    assert thinking(reasoning, LEVELS) == expected
    assert thinking(reasoning) == expected  # a new model of which nothing is known
    assert ("reasoning" in lost(asked(reasoning=reasoning), LEVELS)) is loses


@pytest.mark.parametrize(
    ("reasoning", "expected", "loses"),
    [
        (Reasoning(effort="low"), {"thinkingBudget": 1024}, False),
        (Reasoning(effort="max"), {"thinkingBudget": 24576}, True),
        (Reasoning(effort="auto"), {"thinkingBudget": -1}, False),
        (Reasoning(effort="odd"), None, True),
        (Reasoning(ThinkingMode.DISABLED), {"thinkingBudget": 0}, False),
        (
            Reasoning(ThinkingMode.BUDGET, budget_tokens=5000),
            {"thinkingBudget": 5000, "includeThoughts": True},
            False,
        ),
        (Reasoning(ThinkingMode.ADAPTIVE), {"thinkingBudget": -1, "includeThoughts": True}, False),
    ],
)
def test_t85_t87_budgets(reasoning: Reasoning, expected: Any, loses: bool) -> None:
    assert thinking(reasoning, BUDGETS) == expected
    assert ("reasoning" in lost(asked(reasoning=reasoning), BUDGETS)) is loses


def test_t85_a_model_that_always_thinks() -> None:
    pro = target(thinking=Thinking.BUDGET, can_disable_thinking=False, min_budget_tokens=128)
    assert thinking(Reasoning(ThinkingMode.DISABLED), pro) == {"thinkingBudget": 128}


def test_t85_an_old_model_is_known_by_its_name() -> None:
    old = replace(target(), model="gemini-2.5-flash")
    assert thinking(Reasoning(effort="low"), old) == {"thinkingBudget": 1024}


def test_t86_a_model_without_thinking_is_told_nothing() -> None:
    none = target(thinking=Thinking.NONE)
    assert thinking(Reasoning(effort="low"), none) is None
    assert lost(asked(reasoning=Reasoning(effort="low")), none) == {"reasoning"}
    assert lost(asked(reasoning=Reasoning(ThinkingMode.DISABLED)), none) == set()


@pytest.mark.parametrize(
    "sent",
    [
        {"thinkingBudget": 512},
        {"thinkingBudget": 0},
        {"thinkingBudget": -1, "includeThoughts": True},
        {"thinkingLevel": "low"},
        {"includeThoughts": True},
    ],
)
def test_what_googles_clients_say_of_an_unknown_model_stays(sent: dict[str, Any]) -> None:
    body = body_of(request({"generationConfig": {"thinkingConfig": sent}}))
    assert body["generationConfig"]["thinkingConfig"] == sent


def test_settings_that_only_google_knows_stay_with_google() -> None:
    client = request({"generationConfig": {"speechConfig": {"a": 1}, "imageConfig": {}}})
    assert client.model == MODEL
    assert body_of(client)["generationConfig"] == {"speechConfig": {"a": 1}, "imageConfig": {}}
