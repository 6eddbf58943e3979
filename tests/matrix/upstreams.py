"""The upstreams of the matrix: the habits that providers state, and the simulator's judge of each."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from korproxy_addons.config.habits import (
    COMPATIBLE_ANTHROPIC,
    COMPATIBLE_CHAT,
    COMPATIBLE_GEMINI,
    COMPATIBLE_RESPONSES,
    OPENAI_CHAT,
    Habits,
    ModelFacts,
)
from korproxy_addons.dialects.base import Target
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.base import AccessSpec
from korproxy_addons.providers.outgoing import AccountFacts, Operation, Outgoing
from launcher.simulator.contracts import claude_models
from launcher.simulator.contracts.chatgpt import UNSUPPORTED
from launcher.simulator.wire import (
    anthropic_rules,
    compatible_rules,
    gemini_rules,
    openai_chat_rules,
    openai_responses_rules,
)
from launcher.simulator.wire.reading import objects
from support.wire_shape import reasons

type Judge = Callable[[Any, bool], object | None]

BETAS = frozenset({"context-management-2025-06-27", "per-turn-control-2026-01-01"})


@dataclass(frozen=True)
class Upstream:
    """
    A way in to a provider, with one of its models.

    Attributes:
        judge: What its strict double refuses a body for, None if it takes it. The second argument: take
            state that the double did not make (that of recordings cannot be its own).
        access: The provider's own part, which completes every body; None for endpoints of users.
    """

    name: str
    habits: Habits
    facts: ModelFacts
    judge: Judge
    access: AccessSpec | None = None

    @property
    def dialect(self) -> str:
        """Dialect id."""
        return self.habits.dialect

    def target(self, *, stream: bool) -> Target:
        """What the dialect is told of it."""
        streams = self.access is not None and self.access.streams(Operation.GENERATE)
        return Target(self.facts.id, self.habits, self.facts, stream or streams)

    def sent(self, body: bytes, *, stream: bool, native: bool = False) -> bytes:
        """The body as it leaves the gateway."""
        if self.access is None:
            return body
        outgoing = Outgoing(
            operation=Operation.GENERATE,
            dialect=self.dialect,
            model=self.facts.id,
            client_model=None if native else self.facts.id,
            stream=stream,
            native=native,
            session_id="session-1",
            prompt_id="prompt-1",
        )
        account = AccountFacts(id="a", label="a", base_url=self.access.base_url, project="p")
        return self.access.prepare(body, outgoing, account)

    def refusal(self, body: bytes, *, foreign: bool = False) -> str:
        """Why it refuses a body, "" if it does not."""
        problem = self.judge(json.loads(body), foreign)
        return "" if problem is None else str(problem)


def _anthropic(body: Any, foreign: bool) -> object | None:
    problem = anthropic_rules.problem(body, BETAS, counting=False, foreign_signatures=foreign)
    return problem or claude_models.problem(body, counting=False)


def _compatible_anthropic(body: Any, foreign: bool) -> object | None:
    return anthropic_rules.problem(body, BETAS, counting=False, foreign_signatures=foreign)


def _chat(body: Any, foreign: bool) -> object | None:
    return openai_chat_rules.problem(body, reasoning_model=True)


def _compatible_chat(body: Any, foreign: bool) -> object | None:
    return compatible_rules.chat_problem(body)


def _responses(body: Any, foreign: bool) -> object | None:
    return openai_responses_rules.problem(body, foreign_reasoning=foreign)


def _chatgpt(body: Any, foreign: bool) -> object | None:
    if (body.get("stream"), body.get("store")) != (True, False):
        return "stream must be true, store false"
    if not body.get("instructions") or not isinstance(body.get("input"), list):
        return "instructions are required, and input as a list"
    refused = [name for name in UNSUPPORTED if name in body]
    if refused:
        return f"Unsupported parameter: {refused[0]}"
    if any(item.get("role") == "system" for item in objects(body["input"])):
        return "System messages are not allowed"
    return _responses(body, foreign)


def _gemini(model: str, *, code_assist: bool = False) -> Judge:
    def judge(body: Any, foreign: bool) -> object | None:
        inner = body["request"] if code_assist else body
        inner = {key: value for key, value in inner.items() if key != "session_id"}
        return gemini_rules.problem(
            inner, model, code_assist=code_assist, foreign_signatures=foreign
        )

    return judge


def recorded_judge(habits: Habits, model: str, betas: frozenset[str]) -> Judge:
    """The strict double of the service that a request was recorded at, as it is for that model and those betas."""
    if habits == OPENAI_CHAT:
        return lambda body, _: openai_chat_rules.problem(body, reasoning_model=reasons(body))
    if habits.dialect == "anthropic-messages":
        return lambda body, foreign: (
            anthropic_rules.problem(body, BETAS | betas, counting=False, foreign_signatures=foreign)
            or claude_models.problem(body, counting=False)
        )
    if habits.dialect == "gemini":
        return _gemini(model)
    return next(it.judge for it in UPSTREAMS if it.habits == habits)


def _by_provider(
    provider: str, access_id: str, model: str, judge: Judge, form: int = 0
) -> Upstream:
    access = PROVIDERS[provider].access(access_id)
    facts = next((it for it in access.models if it.id == model), ModelFacts(model))
    name = f"{provider}/{access_id}/{model}"
    return Upstream(name, access.habits[form], facts, judge, access)


UPSTREAMS: tuple[Upstream, ...] = (
    _by_provider("claude", "api-key", "claude-sonnet-5-5", _anthropic),
    _by_provider("claude", "api-key", "claude-sonnet-4-5-20250929", _anthropic),
    Upstream("compatible-anthropic", COMPATIBLE_ANTHROPIC, ModelFacts("m"), _compatible_anthropic),
    _by_provider("codex", "api-key", "gpt-6.1-sol", _chat, form=1),
    _by_provider("qwen", "api-key", "qwen3.8-max", _compatible_chat),
    _by_provider("iflow", "api-key", "glm-5", _compatible_chat),
    Upstream("compatible-chat", COMPATIBLE_CHAT, ModelFacts("m"), _compatible_chat),
    _by_provider("codex", "api-key", "gpt-6.1-sol", _responses),
    _by_provider("codex", "chatgpt", "gpt-6.1-sol", _chatgpt),
    Upstream("compatible-responses", COMPATIBLE_RESPONSES, ModelFacts("m"), _responses),
    _by_provider("gemini", "api-key", "gemini-3.8-flash", _gemini("gemini-3.8-flash")),
    _by_provider("gemini", "api-key", "gemini-2.5-flash", _gemini("gemini-2.5-flash")),
    _by_provider(
        "gemini", "code-assist", "gemini-3.8-flash", _gemini("gemini-3.8-flash", code_assist=True)
    ),
    Upstream("compatible-gemini", COMPATIBLE_GEMINI, ModelFacts("m"), _gemini("m")),
)
