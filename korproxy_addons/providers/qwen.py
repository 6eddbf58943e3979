"""Qwen (Alibaba): Model Studio keys, Coding Plan, Token Plan, and the login that ended in 2026."""

from dataclasses import dataclass

from korproxy_addons.config.habits import COMPATIBLE_ANTHROPIC, QWEN_CHAT, ModelFacts, Thinking
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.anthropic_api import FORWARD_PREFIXES as ANTHROPIC_PREFIXES
from korproxy_addons.providers.anthropic_api import MESSAGES, VERSION
from korproxy_addons.providers.base import (
    USER_AGENT,
    AccessSpec,
    AccountFacts,
    Operation,
    Outgoing,
    ProviderSpec,
)
from korproxy_addons.providers.bodies import decode_fields, encode
from korproxy_addons.providers.failure import Scope, Verdict
from korproxy_addons.providers.logins import LoginSpec
from korproxy_addons.providers.openai_api import CHAT, CHAT_PATHS, FORWARD_HEADERS
from korproxy_addons.providers.openai_api import FORWARD_PREFIXES as OPENAI_PREFIXES
from korproxy_addons.providers.quota import FIVE_HOURS_S, WEEK_S
from korproxy_addons.providers.rules import Rule

_WINDOWS_S = (FIVE_HOURS_S, WEEK_S)
"""The plans' windows; the guesses, shortest first, where a reply names no reset."""


def _model(model: str, context: int | None = None, output: int | None = None) -> ModelFacts:
    return ModelFacts(
        id=model,
        owner="qwen" if model.startswith("qwen") else "",
        context_tokens=context,
        max_output_tokens=output,
        thinking=Thinking.SWITCH if model.startswith("qwen") else Thinking.UNKNOWN,
    )


MODELS = (
    _model("qwen3.8-max", 1_000_000, 131_072),
    *map(
        _model,
        (
            "qwen3.8-flash",
            "qwen3.7-max",
            "qwen3.7-plus",
            "qwen3.6-plus",
            "qwen3.6-flash",
            "qwen3.5-plus",
            "qwen3-coder-plus",
            "qwen3-coder-next",
        ),
    ),
)
PLAN_MODELS = (
    *MODELS,
    *map(_model, ("glm-5.3", "glm-5.2", "deepseek-v4-pro", "kimi-k2.5", "MiniMax-M2.5")),
)

# Words of both the OpenAI form (`invalid_api_key`) and DashScope's own (`InvalidApiKey`).
RULES = (
    Rule(
        spec=catalogue.ACCOUNT_REJECTED,
        codes=frozenset({"invalid_api_key", "invalidapikey"}),
        scope=Scope.ACCOUNT,
        verdict=Verdict.NEEDS_LOGIN,
        hint="A key works on the host of its own product and region only: check access and region.",
    ),
    Rule(
        spec=catalogue.ACCOUNT_REJECTED,
        statuses=(401,),
        text="invalid access token or token expired",
        scope=Scope.ACCOUNT,
        verdict=Verdict.NEEDS_LOGIN,
        hint="A plan's key works on the plan's own host only: check access and region.",
    ),
    Rule(
        spec=catalogue.BILLING_REQUIRED,
        codes=frozenset({"arrearage"}),
        scope=Scope.ACCOUNT,
        verdict=Verdict.DISABLED,
    ),
    Rule(
        spec=catalogue.RATE_LIMITED,
        codes=frozenset({"throttling.ratequota", "limit_requests", "throttling"}),
        scope=Scope.ACCOUNT,
        verdict=Verdict.COOL,
        wait_s=1.0,
    ),
    Rule(
        spec=catalogue.QUOTA_EXHAUSTED,
        codes=frozenset({"throttling.allocationquota", "insufficient_quota"}),
        scope=Scope.ACCOUNT,
        verdict=Verdict.COOL,
        steps_s=_WINDOWS_S,
    ),
    Rule(
        spec=catalogue.MODEL_UNSUPPORTED,
        codes=frozenset({"modelnotfound", "model_not_found", "model_not_supported"}),
        scope=Scope.MODEL,
    ),
    Rule(
        spec=catalogue.MODEL_UNSUPPORTED,
        statuses=(400,),
        text="' is not supported",
        scope=Scope.MODEL,
    ),
    Rule(
        spec=catalogue.CONTENT_REFUSED,
        codes=frozenset({"data_inspection_failed", "datainspectionfailed"}),
    ),
    Rule(spec=catalogue.CONTEXT_TOO_LONG, statuses=(400,), text="range of input length"),
)
_RETIRED = Rule(
    spec=catalogue.ROUTE_RETIRED,
    statuses=(401, 403, 429),
    scope=Scope.ACCOUNT,
    verdict=Verdict.DISABLED,
    hint="The free login ended on 2026-04-15; use a Coding Plan, Token Plan or Model Studio key.",
)

_OPENAI_BASES = ("/compatible-mode/v1", "/v1")
_ANTHROPIC_BASE = "/apps/anthropic"
# Fields that exist only under a beta of Anthropic's own service. Claude Code sends the first with every request, and once
# more without it after a refusal.
_BETA_FIELDS = frozenset(
    ("context_management", "mcp_servers", "output_format", "speed", "diagnostics")
)
_BETA_MARKS = tuple(f'"{name}"'.encode() for name in _BETA_FIELDS)


@dataclass(frozen=True, kw_only=True, eq=False)
class QwenAccess(AccessSpec):
    """An OpenAI-compatible base, and beside it on the same host an Anthropic-compatible one."""

    def base_for(self, account: AccountFacts, dialect: str) -> str:
        base = account.base_url
        if dialect != MESSAGES:
            return base
        for suffix in _OPENAI_BASES:
            if base.endswith(suffix):
                return base.removesuffix(suffix) + _ANTHROPIC_BASE
        return base

    def complete_headers(
        self, headers: dict[str, str], account: AccountFacts, outgoing: Outgoing
    ) -> None:
        del account
        if outgoing.dialect == MESSAGES:
            headers.setdefault("anthropic-version", VERSION)

    def prepare(self, body: bytes, outgoing: Outgoing, account: AccountFacts) -> bytes:
        body = super().prepare(body, outgoing, account)
        if outgoing.dialect != MESSAGES or not any(mark in body for mark in _BETA_MARKS):
            return body
        fields = decode_fields(body)
        kept = {name: value for name, value in fields.items() if name not in _BETA_FIELDS}
        outgoing.losses.extend(name for name in fields if name in _BETA_FIELDS)
        return body if len(kept) == len(fields) else encode(kept)


_CHAT = {
    (Operation.GENERATE, CHAT): CHAT_PATHS[Operation.GENERATE, CHAT],
    (Operation.GENERATE, MESSAGES): "/v1/messages",
}
_PAY_AS_YOU_GO = {
    **_CHAT,
    (Operation.EMBEDDINGS, CHAT): CHAT_PATHS[Operation.EMBEDDINGS, CHAT],
    (Operation.MODELS, CHAT): CHAT_PATHS[Operation.MODELS, CHAT],
}
_HABITS = (QWEN_CHAT, COMPATIBLE_ANTHROPIC)
_PREFIXES = (*OPENAI_PREFIXES, *ANTHROPIC_PREFIXES)

LOGIN = LoginSpec(  # providers.md 5a; ended on 2026-04-15
    client_id="f0304373b74a44d2b584a3fb70ca9e56",
    device_url="https://chat.qwen.ai/api/v1/oauth2/device/code",
    token_url="https://chat.qwen.ai/api/v1/oauth2/token",  # noqa: S106 - an address
    scopes=("openid", "profile", "email", "model.completion"),
    dead_statuses=frozenset({400, 401}),
    resource_hosts=("qwen.ai", "aliyuncs.com"),
)

QWEN = ProviderSpec(
    id="qwen",
    name="Qwen",
    model_prefixes=("qwen", "qwq", "qvq"),
    test_model="qwen3.8-flash",
    accesses=(
        QwenAccess(
            id="api-key",
            name="Model Studio key",
            habits=_HABITS,
            base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            regions={
                "intl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
                "cn": "https://dashscope.aliyuncs.com/compatible-mode/v1",
                "us": "https://dashscope-us.aliyuncs.com/compatible-mode/v1",
                "hk": "https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1",
            },
            forward_headers=FORWARD_HEADERS,
            forward_prefixes=_PREFIXES,
            paths=_PAY_AS_YOU_GO,
            rules=RULES,
            models=MODELS,
        ),
        QwenAccess(
            id="coding-plan",
            name="Coding Plan key",
            habits=_HABITS,
            base_url="https://coding-intl.dashscope.aliyuncs.com/v1",
            regions={
                "intl": "https://coding-intl.dashscope.aliyuncs.com/v1",
                "cn": "https://coding.dashscope.aliyuncs.com/v1",
            },
            forward_headers=FORWARD_HEADERS,
            forward_prefixes=_PREFIXES,
            paths=_CHAT,
            rules=RULES,
            models=PLAN_MODELS,
        ),
        QwenAccess(
            id="token-plan",
            name="Token Plan key",
            habits=_HABITS,
            base_url="https://token-plan.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1",
            regions={
                "intl": "https://token-plan.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1",
                "cn": "https://token-plan.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
            },
            forward_headers=FORWARD_HEADERS,
            forward_prefixes=_PREFIXES,
            paths=_CHAT,
            rules=RULES,
            models=PLAN_MODELS,
        ),
        AccessSpec(
            id="oauth",
            name="Qwen login",
            habits=(QWEN_CHAT,),
            base_url="https://portal.qwen.ai/v1",
            login=LOGIN,
            refreshes=True,
            fixed_headers=(
                ("x-dashscope-authtype", "qwen-oauth"),
                ("x-dashscope-cachecontrol", "enable"),
                ("x-dashscope-useragent", USER_AGENT),
            ),
            forward_headers=FORWARD_HEADERS,
            forward_prefixes=OPENAI_PREFIXES,
            paths={(Operation.GENERATE, CHAT): CHAT_PATHS[Operation.GENERATE, CHAT]},
            rules=(_RETIRED, *RULES),
            models=(_model("qwen3-coder-plus"),),
        ),
    ),
)
