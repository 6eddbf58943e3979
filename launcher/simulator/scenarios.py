"""
Situations worth a test of their own, by name (providers.md section 10).

A scenario says what to send where; starting it queues the faults it needs. Most need none: the credential decides.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from launcher.simulator.call import World
from launcher.simulator.contracts import claude_limits
from launcher.simulator.keys import chatgpt_account_id, chatgpt_token

Fault = tuple[str, dict[str, Any]]
Queue = Callable[[str, dict[str, Any]], Any]

_EXTRA_USAGE = "Third-party apps now draw from your extra usage, not your plan limits."
_CLAUDE_CODE_ONLY = (
    "This credential is only authorized for use with Claude Code and cannot be used for other API"
    " requests."
)
_SUBSCRIPTION = {"provider": "claude", "access": "subscription", "operation": "generate"}


def _no_faults(_: float) -> tuple[Fault, ...]:
    return ()


@dataclass(frozen=True)
class Scenario:
    """
    One situation.

    Args:
        explains: What happens, to whom.
        host: Simulated host to send to.
        secret: Credential to use; for a token endpoint the refresh token.
        account_id: Account id or project to name, or `""`.
        model: Model to ask for, or `""` for any.
        skew_s: How wrong the provider's clock is.
        faults: The rules it queues, given Unix seconds.
        prepare: What else it changes, given Unix seconds.
    """

    name: str
    explains: str
    host: str
    secret: str
    account_id: str = ""
    model: str = ""
    skew_s: float = 0.0
    faults: Callable[[float], tuple[Fault, ...]] = field(default=_no_faults, compare=False)
    prepare: Callable[[World], None] | None = field(default=None, compare=False)

    def as_json(self) -> dict[str, Any]:
        """The scenario without its code."""
        return {k: v for k, v in vars(self).items() if k not in {"faults", "prepare"}}


def start(name: str, world: World, queue: Queue) -> Scenario:
    """
    Set a scenario up.

    Raises:
        ValueError: there is none of that name.
    """
    scenario = SCENARIOS.get(name)
    if scenario is None:
        raise ValueError(f"no such scenario: {name}")
    world.skew_s = scenario.skew_s
    for fault, words in scenario.faults(world.now()):
        queue(fault, words)
    if scenario.prepare is not None:
        scenario.prepare(world)
    return scenario


def _end_claude_grant(world: World) -> None:
    world.logins.end_grant("sk-ant-ort01-sim-1", world.now() - 1)
    world.logins.expire("sk-ant-oat01-sim-1", world.now() - 1)


def _always(fault: str, **words: Any) -> Callable[[float], tuple[Fault, ...]]:
    return lambda _: ((fault, {"count": None, **words}),)


def _once(fault: str, **words: Any) -> Callable[[float], tuple[Fault, ...]]:
    return lambda _: ((fault, words),)


def _fable_rejected(now: float) -> tuple[Fault, ...]:
    headers = dict(claude_limits.unified(now, fable_week_rejected=True))
    wait = claude_limits.reset_of_week(now) - int(now)
    words = {**_SUBSCRIPTION, "model": "claude-fable-*", "count": None}
    return (("429", {**words, "headers": headers, "retry_after": wait}),)


_CODEX_1 = ("chatgpt", chatgpt_token("sim-1", 1), chatgpt_account_id(1))
_CLAUDE_KEY = ("claude", "sk-ant-api03-sim-1")
_CLAUDE_TOKEN = ("claude", "sk-ant-oat01-sim-1")

_ALL = (
    Scenario(
        "two-refreshes-at-once",
        "The refresh token works once; whoever comes second gets refresh_token_reused.",
        "openai-auth",
        "rt_sim-1",
    ),
    Scenario(
        "refresh-429-then-ok",
        "The first refresh gets a 429 with Retry-After, the next one works with the same token.",
        "claude-auth",
        "sk-ant-ort01-sim-1",
        faults=_once("429", host="claude-auth", operation="refresh", retry_after=5),
    ),
    Scenario(
        "claude-grant-wall",
        "The login is older than 28 days: its access token expired and cannot be refreshed.",
        "claude-auth",
        "sk-ant-ort01-sim-1",
        prepare=_end_claude_grant,
    ),
    Scenario(
        "claude-7d-oi-rejected",
        "The week of the Fable models is spent; every other model still answers.",
        *_CLAUDE_TOKEN,
        model="claude-fable-5-1",
        faults=_fable_rejected,
    ),
    Scenario(
        "extra-usage-400",
        "A tool that isn't Claude Code draws from extra usage, and is refused.",
        *_CLAUDE_TOKEN,
        faults=_always("status", status=400, message=_EXTRA_USAGE, **_SUBSCRIPTION),
    ),
    Scenario(
        "claude-code-only-400",
        "The subscription may be used by Claude Code alone.",
        *_CLAUDE_TOKEN,
        faults=_always("status", status=400, message=_CLAUDE_CODE_ONLY, **_SUBSCRIPTION),
    ),
    Scenario(
        "codex-usage-limit",
        "The plan's five hours are spent: 429 with the reset in body and headers.",
        "chatgpt",
        chatgpt_token("sim-exhausted", 5),
        chatgpt_account_id(5),
    ),
    Scenario(
        "codex-empty-output",
        "response.completed has an empty output; the items came before.",
        *_CODEX_1,
        faults=_always("empty-output", host="chatgpt"),
    ),
    Scenario(
        "websocket-426",
        "An upgrade on the responses path is answered 426; a POST works.",
        *_CODEX_1,
    ),
    Scenario(
        "websocket-60-minutes",
        "An upgrade works once, and the socket reports the end of its 60 minutes at once.",
        *_CODEX_1,
        faults=_once("websocket-limit", host="chatgpt", operation="websocket"),
    ),
    Scenario(
        "websocket-1009",
        "An upgrade works once, and the socket finds the first message too big.",
        *_CODEX_1,
        faults=_once("websocket-too-big", host="chatgpt", operation="websocket"),
    ),
    Scenario(
        "google-unsupported-client",
        "loadCodeAssist knows no tier for a personal login any more.",
        "code-assist",
        "ya29.sim-free",
    ),
    Scenario(
        "onboard-three-polls",
        "A new login has to be onboarded; the operation is done at the third poll.",
        "code-assist",
        "ya29.sim-new",
        "corp-proj",
    ),
    Scenario(
        "google-per-day-short-delay",
        "The day's quota is spent although the retry delay says half a minute.",
        "gemini",
        "AQ.sim-exhausted",
    ),
    Scenario(
        "google-quota-exhausted",
        "A licence's quota is spent; the details say until when.",
        "code-assist",
        "ya29.sim-exhausted",
        "corp-proj",
    ),
    Scenario(
        "coding-plan-wrong-host",
        "A Coding Plan key on the pay-as-you-go host is just a wrong key.",
        "qwen",
        "sk-sp-sim-coding-1",
    ),
    Scenario(
        "qwen-oauth-inference-401",
        "The login can still be refreshed, but no call is served with it.",
        "qwen-portal",
        "qwen-oauth-sim-1",
    ),
    Scenario(
        "qwen-arrears",
        "The account has unpaid bills.",
        "qwen",
        "sk-sim-qwen-broke",
    ),
    Scenario(
        "iflow-error-in-200",
        "A blocked key is reported in the body of a 200.",
        "iflow",
        "sk-iflow-sim-blocked",
    ),
    Scenario(
        "siwc-callback-without-client-id",
        "The sign-in with ChatGPT leads back without the client id that it issues.",
        "openai-auth",
        "siwc-rt-sim-1",
        faults=_once("no-client-id", host="openai-auth", operation="consent"),
    ),
    Scenario(
        "siwc-scope-without-plan",
        "The person is signed in with ChatGPT, but the use of the plan is not granted.",
        "openai-auth",
        "siwc-rt-sim-1",
        faults=_once(
            "less-scope",
            host="openai-auth",
            operation="consent",
            scope="chatgpt.tokens.use.direct",
        ),
    ),
    Scenario(
        "edge-html-403",
        "The edge in front of the provider answers with a page.",
        *_CODEX_1,
        faults=_always("403-html", host="chatgpt"),
    ),
    Scenario(
        "retry-after-date",
        "A 429 whose Retry-After is a date.",
        *_CLAUDE_KEY,
        faults=_once("429", host="claude", retry_after="date:30"),
    ),
    Scenario(
        "stall",
        "A stream stops after its first two frames and stays open.",
        *_CLAUDE_KEY,
        faults=_once("stall", host="claude", operation="generate", after=2, stall_s=600),
    ),
    Scenario(
        "clock-skew", "The providers' clocks are ten minutes ahead.", *_CLAUDE_KEY, skew_s=600
    ),
    Scenario(
        "clock-skew-behind",
        "The providers' clocks are ten minutes behind.",
        *_CLAUDE_KEY,
        skew_s=-600,
    ),
    Scenario(
        "blocked-aiza-key",
        "An old standard key was switched off; it looks like a missing login.",
        "gemini",
        "AIzaSim-blocked",
    ),
    Scenario(
        "two-google-credentials",
        "Send x-goog-api-key and ?key= together: 400.",
        "gemini",
        "AQ.sim-1",
    ),
)
SCENARIOS = {scenario.name: scenario for scenario in _ALL}
