from typing import Any

import pytest
from msgspec.structs import replace

from korproxy_addons.config.habits import (
    OPENAI_CHAT,
    QWEN_CHAT,
    Habits,
    ModelFacts,
    ReasoningSwitch,
    Thinking,
)
from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.losses import Losses
from korproxy_addons.dialects.model import Reasoning, ThinkingMode
from korproxy_addons.dialects.openai_chat.encode_reasoning import reasoning_fields

OFF = Reasoning(ThinkingMode.DISABLED)
ON = Reasoning(ThinkingMode.ADAPTIVE)
HIGH = Reasoning(effort="high")
XHIGH = Reasoning(effort="xhigh")
BUDGET = Reasoning(ThinkingMode.BUDGET, budget_tokens=30_000)
KNOWN = ModelFacts("m", efforts=("low", "medium", "high"))
NEW = ModelFacts("m", efforts=("none", "low", "high", "xhigh"), thinking=Thinking.EFFORT)
GLM = replace(OPENAI_CHAT, reasoning_switch=ReasoningSwitch.THINKING)
ROUTER = replace(OPENAI_CHAT, reasoning_switch=ReasoningSwitch.REASONING)
NONE = replace(OPENAI_CHAT, reasoning_switch=ReasoningSwitch.NONE)
ANY = ModelFacts("m")


def fields(
    reasoning: Reasoning | None, habits: Habits, facts: ModelFacts = ANY, *, own: bool = False
) -> tuple[dict[str, Any], list[str]]:
    losses = Losses()
    out = reasoning_fields(reasoning, Target("m", habits, facts, stream=False), losses, own=own)
    return out, [str(loss) for loss in losses.all()]


@pytest.mark.parametrize(
    ("reasoning", "habits", "facts", "said"),
    [
        (None, OPENAI_CHAT, ANY, {}),
        (HIGH, OPENAI_CHAT, ANY, {"reasoning_effort": "high"}),
        (XHIGH, OPENAI_CHAT, ANY, {"reasoning_effort": "xhigh"}),
        (XHIGH, OPENAI_CHAT, KNOWN, {"reasoning_effort": "high"}),
        (BUDGET, OPENAI_CHAT, ANY, {"reasoning_effort": "high"}),
        (BUDGET, OPENAI_CHAT, NEW, {"reasoning_effort": "xhigh"}),
        (OFF, OPENAI_CHAT, NEW, {"reasoning_effort": "none"}),
        (ON, OPENAI_CHAT, NEW, {}),
        (Reasoning(effort="brand-new"), OPENAI_CHAT, KNOWN, {"reasoning_effort": "brand-new"}),
        (OFF, QWEN_CHAT, ANY, {"enable_thinking": False}),
        (ON, QWEN_CHAT, ANY, {"enable_thinking": True}),
        (HIGH, QWEN_CHAT, ANY, {"enable_thinking": True, "thinking_budget": 24576}),
        (BUDGET, QWEN_CHAT, ModelFacts("m", max_budget_tokens=20_000),
         {"enable_thinking": True, "thinking_budget": 20_000}),
        (Reasoning(), QWEN_CHAT, ANY, {}),
        (OFF, GLM, ANY, {"thinking": {"type": "disabled"}}),
        (ON, GLM, ANY, {"thinking": {"type": "enabled"}}),
        (Reasoning(), GLM, ANY, {}),
        (OFF, ROUTER, ANY, {"reasoning": {"enabled": False}}),
        (HIGH, ROUTER, ANY, {"reasoning": {"effort": "high"}}),
        (BUDGET, ROUTER, ANY, {"reasoning": {"max_tokens": 30_000}}),
        (replace(ON, show=False), ROUTER, ANY, {"reasoning": {"enabled": True, "exclude": True}}),
        (Reasoning(), ROUTER, ANY, {}),
        (OFF, NONE, ANY, {}),
    ],
)  # fmt: skip
def test_t87_every_switch_is_said_its_own_way(
    reasoning: Reasoning | None, habits: Habits, facts: ModelFacts, said: dict[str, Any]
) -> None:
    assert fields(reasoning, habits, facts) == (said, [])


@pytest.mark.parametrize(
    ("reasoning", "habits", "facts", "said", "lost"),
    [
        (HIGH, NONE, ANY, {}, "reasoning: the upstream has no such setting"),
        (HIGH, OPENAI_CHAT, ModelFacts("m", thinking=Thinking.NONE), {},
         "reasoning: the upstream has no such setting"),
        (OFF, QWEN_CHAT, ModelFacts("m", can_disable_thinking=False), {}, "reasoning: the model always reasons"),
        (OFF, OPENAI_CHAT, ANY, {}, "reasoning: it cannot be turned off"),
        (ON, OPENAI_CHAT, ANY, {}, "reasoning: turned on without an effort"),
        (HIGH, GLM, ANY, {"thinking": {"type": "enabled"}}, "reasoning: how much"),
        (replace(HIGH, show=True), OPENAI_CHAT, ANY, {"reasoning_effort": "high"}, "reasoning_show"),
        (Reasoning(show=True), QWEN_CHAT, ANY, {"enable_thinking": True}, "reasoning_show"),
        (Reasoning(show=False), QWEN_CHAT, ANY, {}, "reasoning_show"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_listed(
    reasoning: Reasoning, habits: Habits, facts: ModelFacts, said: dict[str, Any], lost: str
) -> None:
    assert fields(reasoning, habits, facts) == (said, [lost])


def test_a_chat_clients_own_word_goes_on() -> None:
    assert fields(Reasoning(ThinkingMode.DISABLED, "none"), OPENAI_CHAT, own=True) == (
        {"reasoning_effort": "none"},
        [],
    )
