"""What a rule sets reaches a translated request and one that passes; everything else of the latter stays as it came."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config import habits
from korproxy_addons.config.habits import Habits, ModelFacts
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import Inbound, Target
from korproxy_addons.dialects.model import ChatRequest, Reasoning, Sampling, ThinkingMode
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.parameters import passing_with_parameters, with_parameters

UPSTREAMS: dict[str, Habits] = {
    "openai-chat": habits.OPENAI_CHAT,
    "openai-responses": habits.OPENAI_RESPONSES,
    "anthropic-messages": habits.ANTHROPIC_API,
    "gemini": habits.GEMINI_API,
}
SAID: dict[str, dict[str, Any]] = {
    "openai-chat": {"messages": [{"role": "user", "content": "hi"}]},
    "openai-responses": {"input": "hi"},
    "anthropic-messages": {"max_tokens": 9000, "messages": [{"role": "user", "content": "hi"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}
ALL = st.fixed_dictionaries(
    {},
    optional={
        "max_tokens": st.integers(1, 5000),
        "temperature": st.sampled_from([0.0, 0.5, 1.0]),
        "top_p": st.sampled_from([0.1, 0.9]),
        "effort": st.sampled_from(["none", "minimal", "low", "high", "max"]),
    },
)


def passing(
    dialect_id: str, parameters: dict[str, Any], of: Habits | None = None, **body: Any
) -> tuple[dict[str, Any], list[str]]:
    """The body that goes upstream, and what was lost."""
    written = {"model": "m", **SAID[dialect_id], **body}
    target = Target("m", of or UPSTREAMS[dialect_id], ModelFacts("m"), stream=False)
    found, losses = passing_with_parameters(
        Operation.GENERATE,
        dialect(dialect_id),
        Inbound(json.dumps(written).encode(), path_model="m"),
        target,
        parameters,
    )
    return json.loads(found.body), [str(it) for it in losses]


# --- in no one's dialect


def test_every_setting_has_its_place() -> None:
    request = ChatRequest("openai-chat", "m", (), sampling=Sampling(temperature=0.1, seed=5))
    found = with_parameters(request, {"max_tokens": 7, "temperature": 0.9, "top_p": 0.5})
    assert found.max_output_tokens == 7
    assert found.sampling == Sampling(temperature=0.9, top_p=0.5, seed=5)
    assert found.reasoning is None


@pytest.mark.parametrize(
    ("parameters", "reasoning"),
    [
        ({"effort": "low"}, Reasoning(effort="low", summary="auto")),
        ({"effort": "none"}, Reasoning(ThinkingMode.DISABLED, summary="auto")),
        ({"thinking_budget": 900}, Reasoning(ThinkingMode.BUDGET, "", 900, summary="auto")),
        ({"thinking_budget": 0}, Reasoning(ThinkingMode.DISABLED, summary="auto")),
    ],
)
def test_thinking_takes_the_place_of_what_the_client_said(
    parameters: dict[str, Any], reasoning: Reasoning
) -> None:
    said = Reasoning(ThinkingMode.BUDGET, "high", 4000, summary="auto")
    request = ChatRequest("openai-chat", "m", (), reasoning=said)
    assert with_parameters(request, parameters).reasoning == reasoning


# --- passing


@pytest.mark.parametrize(
    ("dialect_id", "body", "parameters", "changed"),
    [
        ("openai-chat", {"max_tokens": 5, "max_completion_tokens": 6}, {"max_tokens": 7},
         {"max_tokens": None, "max_completion_tokens": 7}),
        ("openai-chat", {"reasoning": {"effort": "high"}}, {"effort": "low"},
         {"reasoning": None, "reasoning_effort": "low"}),
        ("openai-chat", {}, {"temperature": 0.5, "top_p": 0.1}, {"temperature": 0.5, "top_p": 0.1}),
        ("openai-responses", {"reasoning": {"effort": "high", "summary": "auto", "x": 1}}, {"effort": "low"},
         {"reasoning": {"effort": "low", "summary": "auto", "x": 1}}),
        ("openai-responses", {}, {"max_tokens": 7}, {"max_output_tokens": 7}),
        ("anthropic-messages", {}, {"max_tokens": 7}, {"max_tokens": 7}),
        ("anthropic-messages", {"temperature": 0.3}, {"thinking_budget": 2000},
         {"temperature": None, "thinking": {"type": "enabled", "budget_tokens": 2000}}),
        ("anthropic-messages", {"thinking": {"type": "enabled", "budget_tokens": 2000}}, {"effort": "none"},
         {"thinking": {"type": "disabled"}}),
        ("gemini", {"generation_config": {"top_p": 0.9, "x": 1}}, {"max_tokens": 7, "top_p": 0.5},
         {"generation_config": {"x": 1, "maxOutputTokens": 7, "topP": 0.5}}),
        ("gemini", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 5, "includeThoughts": True}}},
         {"effort": "low"},
         {"generationConfig": {"thinkingConfig": {"thinkingLevel": "low", "includeThoughts": True}}}),
    ],
)  # fmt: skip
def test_settings_reach_a_body_that_passes(
    dialect_id: str, body: dict[str, Any], parameters: dict[str, Any], changed: dict[str, Any]
) -> None:
    found, _ = passing(dialect_id, parameters, **body)
    expected = {"model": "m", **SAID[dialect_id], **body, **changed}
    assert found == {name: value for name, value in expected.items() if value is not None}


def test_an_upstream_with_switches_of_its_own_gets_all_of_them() -> None:
    found, _ = passing(
        "openai-chat", {"thinking_budget": 900}, habits.QWEN_CHAT, reasoning_effort="high"
    )
    assert (found["enable_thinking"], found["thinking_budget"]) == (True, 900)
    assert "reasoning_effort" not in found


def test_what_the_target_has_no_words_for_is_listed() -> None:
    found, losses = passing("anthropic-messages", {"temperature": 0.5, "top_p": 0.1})
    assert "top_p" not in found
    assert any("top_p" in it for it in losses)


def test_numbers_and_unknown_fields_keep_their_bytes() -> None:
    body = (
        b'{"model":"m","x":[1.10,1e3,{"b" : 2}],"messages":[{"role":"user","content":"\\u00e4"}]}'
    )
    target = Target("m", habits.OPENAI_CHAT, ModelFacts("m"), stream=False)
    found, _ = passing_with_parameters(
        Operation.GENERATE, dialect("openai-chat"), Inbound(body), target, {"top_p": 0.5}
    )
    assert b'"x":[1.10,1e3,{"b" : 2}]' in found.body
    assert b'[{"role":"user","content":"\\u00e4"}]' in found.body


def test_completions_take_what_they_know() -> None:
    inbound = Inbound(b'{"model":"m","prompt":"x","max_tokens":5}')
    target = Target("m", habits.OPENAI_CHAT, ModelFacts("m"), stream=False)
    found, losses = passing_with_parameters(
        Operation.COMPLETIONS,
        dialect("openai-chat"),
        inbound,
        target,
        {"max_tokens": 7, "top_p": 0.5, "effort": "low"},
    )
    assert json.loads(found.body) == {"model": "m", "prompt": "x", "max_tokens": 7, "top_p": 0.5}
    assert losses == ()


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        (Operation.EMBEDDINGS, {"max_tokens": 7}),
        (Operation.COUNT_TOKENS, {"max_tokens": 7}),
        (Operation.GENERATE, {}),
    ],
)
def test_without_a_setting_or_a_place_for_it_the_bytes_are_untouched(
    operation: Operation, parameters: dict[str, Any]
) -> None:
    inbound = Inbound(b"not even json")
    target = Target("m", habits.OPENAI_CHAT, ModelFacts("m"), stream=False)
    found, _ = passing_with_parameters(
        operation, dialect("openai-chat"), inbound, target, parameters
    )
    assert found is inbound


def test_a_body_that_is_wrong_is_the_client_s_error() -> None:
    target = Target("m", habits.OPENAI_CHAT, ModelFacts("m"), stream=False)
    with pytest.raises(KorProxyError):
        passing_with_parameters(
            Operation.GENERATE, dialect("openai-chat"), Inbound(b"{"), target, {"top_p": 0.5}
        )


@given(st.sampled_from(sorted(UPSTREAMS)), ALL, ALL)
def test_a_passing_body_says_what_a_translated_one_would_say(
    dialect_id: str, before: dict[str, Any], parameters: dict[str, Any]
) -> None:
    """Whatever the client had set before: read back, it means the same as the request with the settings, encoded anew."""
    speaker = dialect(dialect_id)
    target = Target("m", UPSTREAMS[dialect_id], ModelFacts("m"), stream=False)
    plain = speaker.decode_request(
        Inbound(json.dumps({"model": "m", **SAID[dialect_id]}).encode(), path_model="m")
    )
    body = speaker.encode_request(with_parameters(plain, before), target).body
    inbound = Inbound(body, path_model="m")
    passed, _ = passing_with_parameters(Operation.GENERATE, speaker, inbound, target, parameters)
    meant = with_parameters(speaker.decode_request(inbound), parameters)
    assert json.loads(speaker.encode_request(meant, target).body) == json.loads(passed.body)
