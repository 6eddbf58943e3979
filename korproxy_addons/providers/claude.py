"""Claude (Anthropic): by API key, by subscription token, by Claude Code's own login."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from korproxy_addons.config.habits import ANTHROPIC_API, ModelFacts, Thinking
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import SECRET_UNAVAILABLE, Retry
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.anthropic_api import (
    FORWARD_HEADERS,
    FORWARD_PREFIXES,
    PATHS,
    VERSION,
    AnthropicAccess,
)
from korproxy_addons.providers.anthropic_api import RULES as API_RULES
from korproxy_addons.providers.base import (
    AccountFacts,
    Headers,
    Outgoing,
    ProviderSpec,
    Tier,
    client_credentials,
)
from korproxy_addons.providers.claude_limits import read_limit, until_plan_serves
from korproxy_addons.providers.error_words import Words
from korproxy_addons.providers.failure import Failure, Scope, Verdict
from korproxy_addons.providers.logins import BodyStyle, LoginSpec
from korproxy_addons.providers.overage import claude_overage
from korproxy_addons.providers.quota import QuotaReading
from korproxy_addons.providers.quota_answers import ask_claude
from korproxy_addons.providers.quota_headers import anthropic_windows
from korproxy_addons.providers.rules import Rule

OAUTH_BETA = "oauth-2025-04-20"

_EFFORTS = ("low", "medium", "high", "max")


def _current(model: str, name: str) -> ModelFacts:
    return ModelFacts(
        id=model,
        display_name=name,
        owner="anthropic",
        context_tokens=1_000_000,
        max_output_tokens=128_000,
        thinking=Thinking.ADAPTIVE,
        efforts=_EFFORTS,
        prefill=False,
        inputs=("text", "image", "document"),
    )


def _earlier(model: str, name: str) -> ModelFacts:
    return ModelFacts(
        id=model,
        display_name=name,
        owner="anthropic",
        context_tokens=200_000,
        max_output_tokens=64_000,
        thinking=Thinking.BUDGET,
        min_budget_tokens=1024,
        inputs=("text", "image", "document"),
    )


MODELS = (
    _current("claude-opus-5-5", "Claude Opus 5.5"),
    _current("claude-sonnet-5-5", "Claude Sonnet 5.5"),
    _current("claude-haiku-5-5", "Claude Haiku 5.5"),
    _current("claude-fable-5-1", "Claude Fable 5.1"),
    *(
        ModelFacts(
            id=it,
            owner="anthropic",
            # From 4.7 on a thinking budget is refused, and so is an assistant's turn to be gone on with.
            thinking=Thinking.ADAPTIVE,
            efforts=_EFFORTS,
            prefill=False,
            inputs=("text", "image", "document"),
        )
        for it in (
            "claude-opus-5",
            "claude-sonnet-5",
            "claude-fable-5",
            "claude-opus-4-8",
            "claude-opus-4-7",
        )
    ),
    *(
        ModelFacts(id=it, owner="anthropic", inputs=("text", "image", "document"))
        for it in ("claude-opus-4-6", "claude-sonnet-4-6")
    ),
    _earlier("claude-opus-4-5-20251101", "Claude Opus 4.5"),
    _earlier("claude-sonnet-4-5-20250929", "Claude Sonnet 4.5"),
    _earlier("claude-haiku-4-5-20251001", "Claude Haiku 4.5"),
)

# Texts as Anthropic sent them in 2026 (providers.md 2b, 2d). The policy rows neither rotate nor
# retry: the provider decides by what the request is, and money is never spent to get around it.
RULES = (
    Rule(spec=catalogue.POLICY_REFUSED, text="only authorized for use with claude code"),
    # The plan itself serves no more, so the account rests; the two below are about one request only.
    Rule(
        spec=catalogue.EXTRA_USAGE_REQUIRED,
        text="draw from your extra usage",
        scope=Scope.ACCOUNT,
        verdict=Verdict.COOL,
    ),
    Rule(
        spec=catalogue.EXTRA_USAGE_REQUIRED,
        text="out of extra usage",
        scope=Scope.ACCOUNT,
        verdict=Verdict.COOL,
    ),
    Rule(spec=catalogue.EXTRA_USAGE_REQUIRED, text="extra usage is required"),
    Rule(spec=catalogue.EXTRA_USAGE_REQUIRED, text="usage credits are required"),
    Rule(
        spec=catalogue.BILLING_REQUIRED,
        text="credit balance is too low",
        scope=Scope.ACCOUNT,
        verdict=Verdict.COOL,
    ),
    Rule(
        spec=catalogue.ACCOUNT_REJECTED,
        text="oauth authentication is currently not supported",
        retry=Retry.NO,
    ),
    *API_RULES,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class ClaudeAccess(AnthropicAccess):
    """What the ways into Claude have in common: its limits."""

    def judge(
        self, words: Words, status: int, headers: Mapping[str, str], *, model: str, now: float
    ) -> Failure:
        policy = any(rule.fits(status, words) for rule in self.rules)
        if status == 429 and not policy:
            return read_limit(words, status, headers, now)
        failure = super().judge(words, status, headers, model=model, now=now)
        if failure.spec is catalogue.EXTRA_USAGE_REQUIRED and failure.verdict is Verdict.COOL:
            return until_plan_serves(failure, headers, now)
        return failure


@dataclass(frozen=True, kw_only=True, eq=False)
class SubscriptionAccess(ClaudeAccess):
    """By the token of a Claude plan: the OAuth beta beside the caller's own betas."""

    def complete_headers(
        self, headers: dict[str, str], account: AccountFacts, outgoing: Outgoing
    ) -> None:
        del account, outgoing
        betas = [it.strip() for it in headers.get("anthropic-beta", "").split(",") if it.strip()]
        if OAUTH_BETA not in betas:
            headers["anthropic-beta"] = ",".join((*betas, OAUTH_BETA))


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnLoginAccess(ClaudeAccess):
    """Claude Code's own login, passed through; nothing is stored, nothing is added."""

    def own_credential(
        self, account: AccountFacts, client_headers: Iterable[tuple[str, str]]
    ) -> Headers:
        found = client_credentials(client_headers, ("authorization", "x-api-key"))
        if not found:
            detail = f"account {account.label}: the tool sent no login of its own"
            raise KorProxyError(SECRET_UNAVAILABLE, detail)
        return found


# providers.md 2a. A refresh names no scopes: then those granted stay, and none can be one too many.
LOGIN = LoginSpec(
    client_id="9d1c250a-e61b-44d9-88ed-5944d1962f5e",
    auth_url="https://claude.ai/oauth/authorize",
    token_url="https://platform.claude.com/v1/oauth/token",  # noqa: S106 - an address
    profile_url="https://api.anthropic.com/api/oauth/profile",
    scopes=(
        "user:profile",
        "user:inference",
        "user:sessions:claude_code",
        "user:mcp_servers",
        "user:file_upload",
    ),
    required_scopes=("user:inference",),
    auth_params=(("code", "true"), ("response_type", "code")),
    exchange_body=BodyStyle.JSON,
    refresh_body=BodyStyle.JSON,
    sends_state=True,
    redirect_host="localhost",
    redirect_path="/callback",
    manual_redirect="https://platform.claude.com/oauth/code/callback",
    fixed_deadline=True,
    dead_statuses=frozenset(range(400, 500)) - {408, 425, 429},
)

CLAUDE = ProviderSpec(
    id="claude",
    name="Claude",
    model_prefixes=("claude-",),
    test_model="claude-haiku-5-5",
    accesses=(
        ClaudeAccess(
            id="api-key",
            name="API key",
            habits=(ANTHROPIC_API,),
            base_url="https://api.anthropic.com",
            credential="x-api-key",
            fixed_headers=(("anthropic-version", VERSION),),
            forward_headers=FORWARD_HEADERS,
            forward_prefixes=FORWARD_PREFIXES,
            paths=PATHS,
            rules=RULES,
            models=MODELS,
            quota=QuotaReading(headers=anthropic_windows),
        ),
        SubscriptionAccess(
            id="subscription",
            name="Claude plan",
            habits=(ANTHROPIC_API,),
            base_url="https://api.anthropic.com",
            login=LOGIN,
            quota_url="https://api.anthropic.com/api/oauth/usage",
            tier=Tier.RESTRICTED,
            needs_consent=True,
            only_for_tool="claude-code",
            refreshes=True,
            fixed_headers=(("anthropic-version", VERSION),),
            forward_headers=FORWARD_HEADERS,
            forward_prefixes=FORWARD_PREFIXES,
            paths=PATHS,
            rules=RULES,
            models=MODELS,
            quota=QuotaReading(headers=anthropic_windows, overage=claude_overage, ask=ask_claude),
        ),
        OwnLoginAccess(
            id="own-login",
            name="Claude Code's own login",
            habits=(ANTHROPIC_API,),
            base_url="https://api.anthropic.com",
            credential="none",
            only_for_tool="claude-code",
            own_login=True,
            fixed_headers=(("anthropic-version", VERSION),),
            forward_headers=FORWARD_HEADERS,
            forward_prefixes=FORWARD_PREFIXES,
            paths=PATHS,
            rules=RULES,
            models=MODELS,
            quota=QuotaReading(headers=anthropic_windows),
        ),
    ),
)
