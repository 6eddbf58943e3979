"""User-added providers: any server that speaks one of the four dialects."""

from korproxy_addons.config.habits import COMPATIBLE
from korproxy_addons.config.schema import ProviderConfig
from korproxy_addons.providers import anthropic_api, openai_api
from korproxy_addons.providers.anthropic_api import MESSAGES, AnthropicAccess
from korproxy_addons.providers.base import AccessSpec, Operation, ProviderSpec
from korproxy_addons.providers.gemini_api import GEMINI, GeminiAccess
from korproxy_addons.providers.outgoing import origin_of
from korproxy_addons.providers.quota import QuotaReading
from korproxy_addons.providers.quota_answers import ask_compatible
from korproxy_addons.providers.quota_headers import anthropic_windows, openai_windows

_CREDENTIAL = {
    openai_api.CHAT: "bearer",
    openai_api.RESPONSES: "bearer",
    MESSAGES: "x-api-key",
    GEMINI: "x-goog-api-key",
}
_PATHS = {
    openai_api.CHAT: openai_api.CHAT_PATHS,
    openai_api.RESPONSES: openai_api.RESPONSES_PATHS,
    MESSAGES: anthropic_api.PATHS,
}
_QUOTA_PATHS = {
    "api.kimi.com": "/coding/v1/usages",
    "api.z.ai": "/api/monitor/usage/quota/limit",
    "open.bigmodel.cn": "/api/monitor/usage/quota/limit",
}
"""Coding plans by key that can be asked what is left (`providers.md` 7, autumn 2026)."""


def compatible_provider(provider_id: str, entry: ProviderConfig) -> ProviderSpec:
    """
    The provider that a configuration's entry describes.

    Its default access is `none` with `auth: none`, else `api-key`.

    Args:
        provider_id: Key of the entry.
        entry: With `dialect` and a base URL, which the configuration's checks hold.
    """
    keyed = _access("api-key", entry)
    keyless = _access("none", entry)
    accesses = (keyless, keyed) if entry.auth == "none" else (keyed, keyless)
    return ProviderSpec(
        id=provider_id,
        name=entry.name or provider_id,
        accesses=accesses,
        test_model=entry.models[0].id if entry.models else "",
    )


def quota_url(base_url: str) -> str:
    """Where the plan behind a well-known base URL tells what is left; "" if that is not known."""
    _, host, _ = origin_of(base_url)
    path = _QUOTA_PATHS.get(host)
    return "" if path is None else f"https://{host}{path}"


def _access(access_id: str, entry: ProviderConfig) -> AccessSpec:
    dialect = entry.dialect or openai_api.CHAT
    style = entry.auth if entry.auth not in {None, "none"} else _CREDENTIAL[dialect]
    credential = "none" if access_id == "none" else str(style)
    name = "without a key" if access_id == "none" else "API key"
    habits = (COMPATIBLE[dialect],)
    base_url = entry.base_url or entry.urls.base or ""
    if dialect == GEMINI:
        return GeminiAccess(
            id=access_id,
            name=name,
            habits=habits,
            base_url=base_url,
            credential=credential,
            forward_headers=frozenset({"x-goog-api-client", "x-server-timeout"}),
            listed=entry.list_models,
        )
    paths = {
        key: path
        for key, path in _PATHS[dialect].items()
        if entry.list_models or key[0] is not Operation.MODELS
    }
    if dialect == MESSAGES:
        return AnthropicAccess(
            id=access_id,
            name=name,
            habits=habits,
            base_url=base_url,
            credential=credential,
            fixed_headers=(("anthropic-version", anthropic_api.VERSION),),
            forward_headers=anthropic_api.FORWARD_HEADERS,
            forward_prefixes=anthropic_api.FORWARD_PREFIXES,
            paths=paths,
            rules=anthropic_api.RULES,
            quota_url=quota_url(base_url),
            quota=QuotaReading(headers=anthropic_windows, ask=ask_compatible),
        )
    return AccessSpec(
        id=access_id,
        name=name,
        habits=habits,
        base_url=base_url,
        credential=credential,
        forward_headers=openai_api.FORWARD_HEADERS,
        forward_prefixes=openai_api.FORWARD_PREFIXES,
        paths=paths,
        rules=openai_api.RULES,
        quota_url=quota_url(base_url),
        quota=QuotaReading(headers=openai_windows, ask=ask_compatible),
    )
