"""OpenAI: by API key, by a ChatGPT plan (Codex backend, sign-in sharing, Codex's own login)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec

from korproxy_addons.config.habits import (
    CODEX_BACKEND,
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    ModelFacts,
    Thinking,
)
from korproxy_addons.errors.catalogue import SECRET_UNAVAILABLE
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.base import (
    AccessSpec,
    AccountFacts,
    Headers,
    Operation,
    Outgoing,
    ProviderSpec,
    Tier,
    client_credentials,
)
from korproxy_addons.providers.codex_limits import (
    CHATPASS_REFUSED,
    PLAN_RULES,
    with_header_reset,
)
from korproxy_addons.providers.error_words import Words
from korproxy_addons.providers.failure import Failure
from korproxy_addons.providers.logins import BodyStyle, DeviceStyle, LoginSpec
from korproxy_addons.providers.openai_api import (
    CHAT_PATHS,
    FORWARD_HEADERS,
    FORWARD_PREFIXES,
    RESPONSES,
    RESPONSES_PATHS,
)
from korproxy_addons.providers.openai_api import RULES as API_RULES
from korproxy_addons.providers.overage import codex_overage
from korproxy_addons.providers.quota import QuotaReading
from korproxy_addons.providers.quota_answers import ask_chatgpt
from korproxy_addons.providers.quota_headers import codex_windows, openai_windows
from korproxy_addons.providers.responses_body import BackendRules, backend_body
from korproxy_addons.providers.rules import failure_of

ORIGINATOR = "korproxy"
CATALOGUE_VERSION = "0.155.0"
"""The level of Codex's model catalogue that KorProxy understands; newer entries need more."""

_EFFORTS = ("minimal", "low", "medium", "high", "xhigh")


def _model(model: str, context: int = 1_050_000) -> ModelFacts:
    return ModelFacts(
        id=model,
        owner="openai",
        context_tokens=context,
        max_output_tokens=128_000,
        thinking=Thinking.EFFORT,
        efforts=_EFFORTS,
        inputs=("text", "image"),
    )


_NAMES = (
    "gpt-6.1-sol",
    "gpt-6.1-terra",
    "gpt-6-astra",
    "gpt-6-sol",
    "gpt-6-luna",
    "gpt-5.6-sol",
    "gpt-5.6-terra",
    "gpt-5.6-luna",
    "gpt-5.5",
)
MODELS = tuple(_model(it) for it in _NAMES)
PLAN_MODELS = tuple(_model(it, 272_000) for it in _NAMES)
"""In plans the usable context is smaller."""

SIWC_REFUSED = frozenset(
    {
        "background",
        "conversation",
        "max_completion_tokens",
        "max_output_tokens",
        "max_tokens",
        "max_tool_calls",
        "metadata",
        "moderation",
        "multi_agent",
        "previous_response_id",
        "prompt",
        "prompt_cache_retention",
        "safety_identifier",
        "temperature",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    }
)
CHATGPT_REFUSED = CODEX_BACKEND.refused_fields | {"max_tokens", "max_completion_tokens"}

# Asked for encrypted reasoning, these refuse the request.
_NEVER_REASONS = re.compile(r"(?:gpt-3|gpt-4|chatgpt-4o)")
_PRELUDES = (
    b'{"type":"response.created"',
    b'{"type":"response.in_progress"',
    b'{"type":"response.queued"',
    b'{"type":"codex.rate_limits"',
    b'{"type":"keepalive"',
)


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenAIAccess(AccessSpec):
    """What the ways into OpenAI have in common."""

    def facts_of(self, model: str, known: Iterable[ModelFacts]) -> ModelFacts:
        facts = super().facts_of(model, known)
        if facts.thinking is Thinking.UNKNOWN and _NEVER_REASONS.match(model):
            return msgspec.structs.replace(facts, thinking=Thinking.NONE)
        return facts

    def is_prelude(self, data: bytes) -> bool:
        return data.replace(b'": "', b'":"').startswith(_PRELUDES)


@dataclass(frozen=True, kw_only=True, eq=False)
class ApiKeyAccess(OpenAIAccess):
    """By API key: both of OpenAI's dialects natively."""

    def complete_headers(
        self, headers: dict[str, str], account: AccountFacts, outgoing: Outgoing
    ) -> None:
        del outgoing
        if account.organization:
            headers["openai-organization"] = account.organization
        if account.openai_project:
            headers["openai-project"] = account.openai_project


@dataclass(frozen=True, kw_only=True, eq=False)
class PlanAccess(OpenAIAccess):
    """
    A way in that a ChatGPT plan pays for: always streams, keeps nothing.

    Attributes:
        backend: What its body must look like.
    """

    backend: BackendRules

    def prepare(self, body: bytes, outgoing: Outgoing, account: AccountFacts) -> bytes:
        del account
        return backend_body(body, outgoing, self._rules(outgoing.refused_fields))

    def _rules(self, refused: frozenset[str] | None) -> BackendRules:
        """The backend's rules, with what the user's config changes of the fields it refuses."""
        known = self.habits[0].refused_fields
        if refused is None or refused == known:
            return self.backend
        return replace(self.backend, refused=(self.backend.refused - known) | refused)

    def complete_headers(
        self, headers: dict[str, str], account: AccountFacts, outgoing: Outgoing
    ) -> None:
        del account
        if outgoing.session_id and not {"session-id", "session_id"} & headers.keys():
            headers["session-id"] = outgoing.session_id

    def judge(
        self, words: Words, status: int, headers: Mapping[str, str], *, model: str, now: float
    ) -> Failure:
        if status == 403 and any(it.startswith("chatpass_v2_") for it in words.codes):
            return failure_of(CHATPASS_REFUSED, words, status, headers, now)
        failure = super().judge(words, status, headers, model=model, now=now)
        return with_header_reset(failure, headers, now)


@dataclass(frozen=True, kw_only=True, eq=False)
class ChatGptAccess(PlanAccess):
    """The backend of Codex itself."""

    def complete_headers(
        self, headers: dict[str, str], account: AccountFacts, outgoing: Outgoing
    ) -> None:
        super().complete_headers(headers, account, outgoing)
        if account.account_id:
            headers["chatgpt-account-id"] = account.account_id


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnLoginAccess(OpenAIAccess):
    """Codex's own ChatGPT login, passed through with its own headers and body."""

    def own_credential(
        self, account: AccountFacts, client_headers: Iterable[tuple[str, str]]
    ) -> Headers:
        headers = list(client_headers)
        found = client_credentials(headers, ("authorization",))
        plan = [(n.lower(), v) for n, v in headers if n.lower() == "chatgpt-account-id"]
        if not found or not plan:
            detail = f"account {account.label}: the tool sent no ChatGPT login of its own"
            raise KorProxyError(SECRET_UNAVAILABLE, detail)
        return found + plan


_CODEX_HEADERS = FORWARD_HEADERS | {"originator", "version", "x-openai-subagent"}
_CODEX_PREFIXES = (*FORWARD_PREFIXES, "x-codex-", "x-openai-internal-codex-")
_BACKEND_URL = "https://chatgpt.com/backend-api/codex"
_BACKEND_PATHS = {
    (Operation.GENERATE, RESPONSES): "/responses",
    (Operation.COMPACT, RESPONSES): "/responses/compact",
    (Operation.MODELS, RESPONSES): f"/models?client_version={CATALOGUE_VERSION}",
}
_DEAD_CODES = frozenset(
    {"refresh_token_expired", "refresh_token_reused", "refresh_token_invalidated"}
)
PLAN_SCOPE = "chatgpt.tokens.use.direct"
"""Without it the person is signed in, but the plan serves nothing."""
_USAGE_URL = "https://chatgpt.com/backend-api/wham/usage"

CHATGPT_LOGIN = LoginSpec(  # providers.md 3a, mode B
    client_id="app_EMoamEEZ73f0CkXaXp7hrann",
    auth_url="https://auth.openai.com/oauth/authorize",
    token_url="https://auth.openai.com/oauth/token",  # noqa: S106 - an address
    device_url="https://auth.openai.com/api/accounts/deviceauth",
    device_style=DeviceStyle.CHATGPT,
    scopes=(
        "openid",
        "profile",
        "email",
        "offline_access",
        "api.connectors.read",
        "api.connectors.invoke",
    ),
    auth_params=(
        ("response_type", "code"),
        ("id_token_add_organizations", "true"),
        ("codex_cli_simplified_flow", "true"),
        ("originator", ORIGINATOR),
    ),
    refresh_body=BodyStyle.JSON,
    redirect_host="localhost",
    redirect_ports=(1455, 1457),
    redirect_path="/auth/callback",
    renews_within_s=8 * 86_400.0,
    partial_refresh=True,
    dead_codes=_DEAD_CODES,
    dead_statuses=frozenset({401}),
)

_RESOURCE = (("resource", "https://api.openai.com/v1"),)
SIWC_LOGIN = LoginSpec(  # providers.md 3a, mode A: the official sign-in for locally hosted apps
    client_id="dynamic_agent_client",
    auth_url="https://auth.openai.com/api/accounts/authorize",
    token_url="https://auth.openai.com/api/accounts/oauth/token",  # noqa: S106 - an address
    scopes=(
        "openid",
        "profile",
        "email",
        "offline_access",
        "resource.invoke",
        PLAN_SCOPE,
    ),
    required_scopes=(PLAN_SCOPE,),
    auth_params=(("response_type", "code"), *_RESOURCE),
    token_params=_RESOURCE,
    redirect_path="/auth/callback",
    issues_client_id=True,
    issuer="https://auth.openai.com",
    discovery_url="https://auth.openai.com/.well-known/openid-configuration",
    dead_codes=_DEAD_CODES | {"invalid_grant", "invalid_refresh_token", "token_expired"},
)

CODEX = ProviderSpec(
    id="codex",
    name="Codex (OpenAI)",
    model_prefixes=("gpt-", "o1", "o3", "o4", "codex-", "chatgpt-", "text-embedding-"),
    test_model="gpt-6-luna",
    accesses=(
        ApiKeyAccess(
            id="api-key",
            name="API key",
            habits=(OPENAI_RESPONSES, OPENAI_CHAT),
            base_url="https://api.openai.com/v1",
            forward_headers=FORWARD_HEADERS,
            forward_prefixes=_CODEX_PREFIXES,
            paths={**RESPONSES_PATHS, **CHAT_PATHS},
            rules=API_RULES,
            models=MODELS,
            quota=QuotaReading(headers=openai_windows),
        ),
        PlanAccess(
            id="siwc",
            name="Sign in with ChatGPT",
            habits=(CODEX_BACKEND,),
            base_url="https://api.openai.com/v1",
            login=SIWC_LOGIN,
            refreshes=True,
            forces_stream=True,
            forward_headers=FORWARD_HEADERS,
            forward_prefixes=_CODEX_PREFIXES,
            paths={
                (Operation.GENERATE, RESPONSES): "/responses",
                (Operation.MODELS, RESPONSES): "/models",
            },
            rules=PLAN_RULES + API_RULES,
            models=PLAN_MODELS,
            quota=QuotaReading(headers=codex_windows),
            backend=BackendRules(refused=SIWC_REFUSED, tools_as_item=True),
        ),
        ChatGptAccess(
            id="chatgpt",
            name="ChatGPT plan",
            habits=(CODEX_BACKEND,),
            base_url=_BACKEND_URL,
            login=CHATGPT_LOGIN,
            quota_url=_USAGE_URL,
            tier=Tier.TOLERATED,
            needs_consent=True,
            refreshes=True,
            forces_stream=True,
            fixed_headers=(("originator", ORIGINATOR),),
            forward_headers=_CODEX_HEADERS,
            forward_prefixes=_CODEX_PREFIXES,
            paths=_BACKEND_PATHS,
            rules=PLAN_RULES + API_RULES,
            models=PLAN_MODELS,
            quota=QuotaReading(headers=codex_windows, overage=codex_overage, ask=ask_chatgpt),
            backend=BackendRules(refused=CHATGPT_REFUSED, keeps_tier=frozenset({"priority"})),
        ),
        OwnLoginAccess(
            id="own-login",
            name="Codex's own ChatGPT login",
            habits=(CODEX_BACKEND,),
            base_url=_BACKEND_URL,
            credential="none",
            only_for_tool="codex-cli",
            own_login=True,
            forward_headers=_CODEX_HEADERS,
            forward_prefixes=_CODEX_PREFIXES,
            paths=_BACKEND_PATHS,
            rules=PLAN_RULES + API_RULES,
            models=PLAN_MODELS,
            quota=QuotaReading(headers=codex_windows),
        ),
    ),
)
