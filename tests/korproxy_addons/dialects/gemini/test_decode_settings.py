import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.gemini.decode_settings import Settings, decode_settings
from korproxy_addons.dialects.model import FormatKind, Reasoning, Sampling, ThinkingMode
from korproxy_addons.errors.exceptions import KorProxyError


def read(**config: Any) -> Settings:
    return decode_settings(Raw(json.dumps(config).encode()))


def test_every_setting_in_its_place() -> None:
    settings = read(
        temperature=0.5,
        top_p=1,
        topK=40,
        max_output_tokens=100,
        stopSequences=["a", "b"],
        candidate_count=2,
        seed=7,
        presencePenalty=0.1,
        frequency_penalty=-0.1,
        responseLogprobs=True,
        logprobs=3,
        responseModalities=["TEXT", "IMAGE"],
    )
    assert settings == Settings(
        max_output_tokens=100,
        stop=("a", "b"),
        sampling=Sampling(0.5, 1.0, 40, 7, 0.1, -0.1),
        choices=2,
        logprobs=3,
        modalities=("text", "image"),
    )


def test_t182_nothing_and_null_are_nothing() -> None:
    assert decode_settings(None) == Settings()
    assert read(temperature=None, stopSequences=None, thinkingConfig=None) == Settings()
    assert read(responseLogprobs=False, logprobs=2) == Settings()
    assert read(responseLogprobs=True).logprobs == 0


def test_whole_numbers_may_be_written_otherwise() -> None:
    assert read(maxOutputTokens=10.0, topK="40").max_output_tokens == 10


@pytest.mark.parametrize(
    ("config", "reasoning"),
    [
        ({}, None),
        ({"thinkingBudget": 0}, Reasoning(ThinkingMode.DISABLED)),
        ({"thinkingBudget": -1}, Reasoning(ThinkingMode.ADAPTIVE)),
        ({"thinking_budget": 512}, Reasoning(ThinkingMode.BUDGET, budget_tokens=512)),
        ({"thinkingLevel": "HIGH"}, Reasoning(effort="high")),
        ({"thinking_level": "THINKING_LEVEL_LOW"}, Reasoning(effort="low")),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, None),
        ({"include_thoughts": True}, Reasoning(show=True)),
    ],
)
def test_t85_levels_and_budgets(config: dict[str, Any], reasoning: Reasoning | None) -> None:
    assert read(thinkingConfig=config).reasoning == reasoning


@pytest.mark.parametrize(
    "key", ["responseSchema", "response_schema", "responseJsonSchema", "_response_json_schema"]
)
def test_t132_the_answers_schema(key: str) -> None:
    settings = read(**{"responseMimeType": "application/json", key: {"type": "object"}})
    assert settings.output is not None
    assert settings.output.kind is FormatKind.SCHEMA
    assert settings.output.schema is not None
    assert json.loads(bytes(settings.output.schema)) == {"type": "object"}
    assert settings.native == {}


def test_json_without_a_schema() -> None:
    output = read(responseMimeType="application/json").output
    assert output is not None
    assert (output.kind, output.schema) == (FormatKind.JSON, None)


def test_forms_that_only_google_knows_stay_native() -> None:
    assert read(responseMimeType="text/plain") == Settings()
    settings = read(responseMimeType="text/x.enum", responseSchema={"enum": ["a"]})
    assert settings.output is None
    assert set(settings.native) == {
        "generationConfig.responseMimeType",
        "generationConfig.responseSchema",
    }


def test_unknown_settings_are_native_under_their_path() -> None:
    settings = read(speech_config={"a": 1}, somethingNew=2)
    assert {name: bytes(raw) for name, raw in settings.native.items()} == {
        "generationConfig.speechConfig": b'{"a": 1}',
        "generationConfig.somethingNew": b"2",
    }


@pytest.mark.parametrize(
    ("config", "param"),
    [
        ({"temperature": "warm"}, "generationConfig.temperature"),
        ({"maxOutputTokens": 1.5}, "generationConfig.maxOutputTokens"),
        ({"stopSequences": "a"}, "generationConfig.stopSequences"),
        ({"thinkingConfig": 5}, "generationConfig.thinkingConfig"),
        (
            {"thinkingConfig": {"thinkingBudget": {}}},
            "generationConfig.thinkingConfig.thinkingBudget",
        ),
    ],
)
def test_t170_a_wrong_field_is_named(config: dict[str, Any], param: str) -> None:
    with pytest.raises(KorProxyError) as refused:
        read(**config)
    assert refused.value.param == param
