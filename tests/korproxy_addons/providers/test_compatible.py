"""Providers that a user adds."""

import pytest
from pydantic import SecretStr

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.schema import ProviderConfig
from korproxy_addons.providers.base import AccountFacts, Operation, Outgoing
from korproxy_addons.providers.compatible import compatible_provider, quota_url


def entry(text: str) -> ProviderConfig:
    return parse_config(f"providers: {{x: {{{text}}}}}".encode()).providers["x"]


@pytest.mark.parametrize(
    ("text", "dialect", "url", "header"),
    [
        ("dialect: openai-chat, base_url: 'https://openrouter.ai/api/v1'", "openai-chat",
         "https://openrouter.ai/api/v1/chat/completions", ("authorization", "Bearer s")),
        ("dialect: openai-chat, base_url: 'http://localhost:11434/v1', local: true", "openai-chat",
         "http://localhost:11434/v1/chat/completions", ("authorization", "Bearer s")),
        ("dialect: openai-responses, base_url: 'https://api.z.ai/api/v1'", "openai-responses",
         "https://api.z.ai/api/v1/responses", ("authorization", "Bearer s")),
        ("dialect: anthropic-messages, base_url: 'https://api.z.ai/api/anthropic'",
         "anthropic-messages", "https://api.z.ai/api/anthropic/v1/messages", ("x-api-key", "s")),
        ("dialect: anthropic-messages, base_url: 'https://x.example/v1', auth: bearer",
         "anthropic-messages", "https://x.example/v1/messages", ("authorization", "Bearer s")),
        ("dialect: gemini, base_url: 'https://x.example'", "gemini",
         "https://x.example/v1beta/models/m:generateContent", ("x-goog-api-key", "s")),
        ("dialect: gemini, base_url: 'https://x.example/v1beta', auth: x-api-key", "gemini",
         "https://x.example/v1beta/models/m:generateContent", ("x-api-key", "s")),
        ("dialect: openai-chat, base_url: 'https://r.example/openai/v1', auth: 'header:api-key'",
         "openai-chat", "https://r.example/openai/v1/chat/completions", ("api-key", "s")),
    ],
)  # fmt: skip
def test_any_of_the_four_dialects(
    text: str, dialect: str, url: str, header: tuple[str, str]
) -> None:
    provider = compatible_provider("x", entry(text))
    access = provider.access(None)
    account = AccountFacts(id="a", label="a", base_url=access.base_url)
    call = Outgoing(operation=Operation.GENERATE, dialect=dialect, model="m")
    assert access.dialects == (dialect,)
    assert access.url(account, call) == url
    assert access.credential_headers(account, url, SecretStr("s")) == [header]


def test_azure_wants_its_version_in_the_query() -> None:
    access = compatible_provider(
        "azure", entry("dialect: openai-chat, base_url: 'https://r.example/openai/v1'")
    ).access(None)
    account = AccountFacts(
        id="a", label="a", base_url=access.base_url, query=(("api-version", "preview"),)
    )
    call = Outgoing(operation=Operation.GENERATE, dialect="openai-chat", model="m")
    assert access.url(account, call) == (
        "https://r.example/openai/v1/chat/completions?api-version=preview"
    )


def test_a_server_without_keys_has_an_access_without_one() -> None:
    text = "dialect: openai-chat, base_url: 'https://x.example', auth: none"
    provider = compatible_provider("x", entry(text))
    access = provider.access(None)
    assert access.id == "none"
    account = AccountFacts(id="a", label="a", base_url=access.base_url)
    assert access.credential_headers(account, access.base_url, None) == []
    assert provider.access("api-key").credential == "bearer"


@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic-messages", "gemini"])
def test_a_server_may_have_no_model_list(dialect: str) -> None:
    text = f"dialect: {dialect}, base_url: 'https://x.example', models: [m1, m2]"
    assert compatible_provider("x", entry(text)).access(None).lists_models
    provider = compatible_provider("x", entry(text + ", list_models: false"))
    assert not provider.access(None).lists_models
    assert provider.test_model == "m1"


def test_its_name_is_its_id_unless_it_has_one() -> None:
    text = "dialect: gemini, urls: {base: 'https://x.example'}"
    assert compatible_provider("x", entry(text)).name == "x"
    named = compatible_provider("x", entry(text + ", name: My Server"))
    assert named.name == "My Server"
    assert named.access(None).base_url == "https://x.example"


@pytest.mark.parametrize(
    ("base_url", "found"),
    [
        ("https://api.kimi.com/coding/v1", "https://api.kimi.com/coding/v1/usages"),
        ("https://api.z.ai/api/coding/paas/v4", "https://api.z.ai/api/monitor/usage/quota/limit"),
        ("https://openrouter.ai/api/v1", ""),
        ("http://localhost:11434/v1", ""),
    ],
)
def test_well_known_plans_are_asked_what_is_left(base_url: str, found: str) -> None:
    assert quota_url(base_url) == found
    for dialect in ("openai-chat", "anthropic-messages"):
        config = ProviderConfig(dialect=dialect, base_url=base_url)
        assert compatible_provider("x", config).accesses[0].quota_url == found
