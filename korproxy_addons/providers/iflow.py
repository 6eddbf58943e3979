"""iFlow: its service ended on 2026-04-17; the contract is kept for servers that still speak it."""

from dataclasses import dataclass, replace

from korproxy_addons.config.habits import IFLOW_CHAT, ModelFacts
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import Retry
from korproxy_addons.providers.base import AccessSpec, Operation, ProviderSpec
from korproxy_addons.providers.error_words import read_words
from korproxy_addons.providers.failure import Failure, Scope, Verdict
from korproxy_addons.providers.logins import LoginSpec
from korproxy_addons.providers.openai_api import (
    CHAT,
    CHAT_PATHS,
    FORWARD_HEADERS,
    FORWARD_PREFIXES,
)
from korproxy_addons.providers.openai_api import RULES as API_RULES
from korproxy_addons.providers.rules import Rule

MODELS = tuple(
    ModelFacts(id=it)
    for it in (
        "qwen3-coder-plus",
        "qwen3-max",
        "qwen3-vl-plus",
        "glm-4.6",
        "glm-4.7",
        "glm-5",
        "kimi-k2",
        "kimi-k2.5",
        "minimax-m2.5",
        "deepseek-v3.2",
        "iflow-rome-30ba3b",
    )
)

# The numbers come inside HTTP 200, as `status` (text) or `error_code` (number): providers.md 6d.
RULES = (
    Rule(
        spec=catalogue.TOKEN_EXPIRED,
        codes=frozenset({"439"}),
        scope=Scope.ACCOUNT,
        retry=Retry.REFRESH,
    ),
    Rule(
        spec=catalogue.ACCOUNT_REJECTED,
        codes=frozenset({"434"}),
        scope=Scope.ACCOUNT,
        verdict=Verdict.NEEDS_LOGIN,
    ),
    Rule(spec=catalogue.MODEL_UNSUPPORTED, codes=frozenset({"435"}), scope=Scope.MODEL),
    Rule(
        spec=catalogue.RATE_LIMITED,
        codes=frozenset({"429", "8211"}),
        scope=Scope.MODEL,
        verdict=Verdict.COOL,
        wait_s=5.0,
    ),
    Rule(
        spec=catalogue.RATE_LIMITED,
        codes=frozenset({"449"}),
        scope=Scope.ACCOUNT,
        verdict=Verdict.COOL,
        retry=Retry.NEXT_ACCOUNT,
        wait_s=60.0,
    ),
    Rule(spec=catalogue.CONTEXT_TOO_LONG, codes=frozenset({"511", "413"})),
    Rule(spec=catalogue.UPSTREAM_ERROR, codes=frozenset({"514"})),
    Rule(spec=catalogue.POLICY_REFUSED, statuses=(406,)),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class IflowAccess(AccessSpec):
    """By key; errors come inside successful replies."""

    def read_hidden_failure(self, data: bytes, *, model: str, now: float) -> Failure | None:
        if b'"choices"' in data or not (b'"status"' in data or b'"error_code"' in data):
            return super().read_hidden_failure(data, model=model, now=now)
        words = read_words(data)
        number = next((it for it in words.codes if it.isdecimal()), "")
        if not number or number in {"0", "200"}:
            return super().read_hidden_failure(data, model=model, now=now)
        failure = self.judge(words, 500, {}, model=model, now=now)
        return replace(failure, status=200, code=number)


LOGIN = LoginSpec(  # providers.md 6a; inference wants the key that the profile holds
    client_id="10009311001",
    auth_url="https://iflow.cn/oauth",
    token_url="https://iflow.cn/oauth/token",  # noqa: S106 - an address
    profile_url="https://iflow.cn/api/oauth/getUserInfo",
    auth_params=(("loginMethod", "phone"), ("type", "phone")),
    redirect_field="redirect",
    redirect_host="localhost",
    redirect_ports=(11451,),
    redirect_path="/oauth2callback",
    pkce=False,
    needs_client_secret=True,
    basic_auth=True,
    api_key=True,
)

_PATHS = {
    (Operation.GENERATE, CHAT): CHAT_PATHS[Operation.GENERATE, CHAT],
    (Operation.MODELS, CHAT): CHAT_PATHS[Operation.MODELS, CHAT],
}

IFLOW = ProviderSpec(
    id="iflow",
    name="iFlow",
    model_prefixes=("iflow-",),
    test_model="qwen3-coder-plus",
    accesses=(
        IflowAccess(
            id="api-key",
            name="API key",
            habits=(IFLOW_CHAT,),
            base_url="https://apis.iflow.cn/v1",
            forward_headers=FORWARD_HEADERS,
            forward_prefixes=FORWARD_PREFIXES,
            paths=_PATHS,
            rules=RULES + API_RULES,
            models=MODELS,
        ),
        IflowAccess(
            id="login",
            name="iFlow login",
            habits=(IFLOW_CHAT,),
            base_url="https://apis.iflow.cn/v1",
            login=LOGIN,
            refreshes=True,
            forward_headers=FORWARD_HEADERS,
            forward_prefixes=FORWARD_PREFIXES,
            paths=_PATHS,
            rules=RULES + API_RULES,
            models=MODELS,
        ),
    ),
)
