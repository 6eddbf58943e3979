"""An account with everything that a request to it needs."""

from pathlib import PurePosixPath

import pytest

from korproxy_addons.config.habits import Thinking
from korproxy_addons.config.parse import parse_config
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.resolve import ResolvedAccount, provider_of, resolve_accounts
from support.flows import config_with


def resolved(text: str) -> ResolvedAccount:
    (account,) = resolve_accounts(parse_config(text.encode()), PurePosixPath("/etc/k"))
    return account


def one(extra: str, more: str = "") -> ResolvedAccount:
    return resolved(f"accounts: [{{id: a, {extra}}}]\n{more}")


def test_a_built_in_account_needs_no_more_than_provider_and_secret() -> None:
    account = one("provider: claude, secret: 'env:K', label: Work")
    assert (account.id, account.label) == ("a", "Work")
    assert (account.provider.id, account.access.id) == ("claude", "api-key")
    assert account.facts.base_url == "https://api.anthropic.com"
    assert account.origin == ("api.anthropic.com", 443)
    assert account.models is account.access.models
    assert account.habits.keys() == {"anthropic-messages"}
    assert (account.moved, account.local, account.ca_file, account.proxy) == (
        False,
        False,
        None,
        None,
    )
    assert account.refusal("") is None


@pytest.mark.parametrize(
    ("region", "access", "host"),
    [
        ("", "api-key", "dashscope-intl.aliyuncs.com"),
        ("cn", "api-key", "dashscope.aliyuncs.com"),
        ("us", "api-key", "dashscope-us.aliyuncs.com"),
        ("cn", "coding-plan", "coding.dashscope.aliyuncs.com"),
        ("cn", "token-plan", "token-plan.cn-beijing.maas.aliyuncs.com"),
        ("", "token-plan", "token-plan.ap-southeast-1.maas.aliyuncs.com"),
    ],
)
def test_the_region_of_a_key_names_its_host(region: str, access: str, host: str) -> None:
    extra = f", region: {region}" if region else ""
    account = one(f"provider: qwen, access: {access}, secret: 'env:K'{extra}")
    assert account.origin[0] == host
    assert not account.moved


OVERRIDES = """\
providers:
  codex:
    urls: {base: 'https://entry.example', token: 'https://entry.example/t'}
    accesses: {chatgpt: {base_url: 'https://access.example', urls: {quota: 'https://access.example/q'}}}
"""


def test_the_account_wins_over_the_access_and_that_over_the_entry() -> None:
    chatgpt = "provider: codex, access: chatgpt, secret: 'env:K'"
    account = one(chatgpt, OVERRIDES)
    assert account.facts.base_url == "https://access.example"
    assert account.token_url == "https://entry.example/t"
    assert account.quota_url == "https://access.example/q"
    assert account.auth_url == "https://auth.openai.com/oauth/authorize"
    assert account.moved
    own = one(f"{chatgpt}, base_url: 'https://account.example/x/'", OVERRIDES)
    assert own.facts.base_url == "https://account.example/x"
    key = one("provider: codex, secret: 'env:K'", OVERRIDES)
    assert key.facts.base_url == "https://entry.example"


def test_what_the_accounts_entry_says_reaches_the_facts() -> None:
    account = one(
        "provider: codex, secret: 'env:K', account_id: acc, organization: org-1,"
        " openai_project: proj, project: gcp, models: [gpt-5.5]",
        "providers: {codex: {headers: {X-Team: t}, ca_file: ca.pem,"
        " proxy: 'http://proxy.example:3128', local: true}}",
    )
    facts = account.facts
    assert (facts.account_id, facts.organization, facts.openai_project, facts.project) == (
        "acc",
        "org-1",
        "proj",
        "gcp",
    )
    assert facts.headers == (("X-Team", "t"),)
    assert account.ca_file == "/etc/k/ca.pem"
    assert (account.proxy, account.local) == ("http://proxy.example:3128", True)
    assert account.may_serve("gpt-5.5")
    assert not account.may_serve("gpt-6-sol")


def test_models_and_habits_can_be_replaced() -> None:
    account = one(
        "provider: claude, secret: 'env:K'",
        "providers: {claude: {models: [claude-haiku-4-5-20251001, {id: new, thinking: effort,"
        " efforts: [low, high], max_output_tokens: 9}], habits: {cache_markers: 2},"
        " accesses: {api-key: {habits: {mid_system: true}}}}}",
    )
    known, new = account.models
    assert known.context_tokens == 200_000
    assert (new.thinking, new.efforts, new.max_output_tokens) == (
        Thinking.EFFORT,
        ("low", "high"),
        9,
    )
    habits = account.habits["anthropic-messages"]
    assert (habits.cache_markers, habits.mid_system) == (2, True)


def test_an_accesss_models_win_over_the_entrys() -> None:
    account = one(
        "provider: codex, access: chatgpt, secret: 'env:K'",
        "providers: {codex: {models: [a], accesses: {chatgpt: {models: [b]}}}}",
    )
    assert [it.id for it in account.models] == ["b"]


def test_disabled_accounts_are_left_out_and_the_order_stays() -> None:
    text = (
        "accounts: [{id: b, provider: claude, secret: 'env:K'},"
        " {id: a, provider: codex, secret: 'env:K'},"
        " {id: c, provider: gemini, secret: 'env:K', disabled: true}]"
    )
    assert [it.id for it in resolve_accounts(parse_config(text.encode()))] == ["b", "a"]


OLLAMA = (
    "providers: {ollama: {dialect: openai-chat, base_url: 'http://localhost:11434/v1',"
    " local: true, auth: none, models: [qwen3], ca_file: x.pem}}\n"
)


def test_a_provider_without_keys_is_an_account_itself() -> None:
    (account,) = resolve_accounts(parse_config(OLLAMA.encode()))
    assert (account.id, account.access.id, account.route) == ("ollama", "none", None)
    assert account.ca_file == "x.pem"
    assert [it.id for it in account.models] == ["qwen3"]


@pytest.mark.parametrize(
    "accounts",
    [
        "accounts: [{id: mine, provider: ollama}]",
        "accounts: [{id: mine, provider: ollama, disabled: true}]",
        "accounts: [{id: ollama, provider: claude, secret: 'env:K'}]",
    ],
)
def test_an_entry_of_its_own_stands_in(accounts: str) -> None:
    config = parse_config(f"{OLLAMA}{accounts}".encode())
    assert [it.id for it in resolve_accounts(config)] == [it.id for it in config.enabled_accounts()]


@pytest.mark.parametrize(
    ("extra", "tool", "spec"),
    [
        ("provider: codex, secret: 'env:K'", "", None),
        ("provider: codex, access: chatgpt, secret: 'env:K'", "", catalogue.CONSENT_NEEDED),
        ("provider: codex, access: chatgpt, secret: 'env:K', consent: true", "", None),
        ("provider: codex, access: siwc, secret: 'env:K'", "", None),
        ("provider: codex, access: own-login", "codex-cli", None),
        ("provider: codex, access: own-login", "cline", catalogue.LOGIN_FOR_OTHER_TOOL),
        ("provider: claude, access: own-login", "claude-code", None),
        ("provider: claude, access: own-login", "", catalogue.LOGIN_FOR_OTHER_TOOL),
        ("provider: claude, access: subscription, secret: 'env:K'", "claude-code",
         catalogue.CONSENT_NEEDED),
        ("provider: claude, access: subscription, secret: 'env:K', consent: true", "claude-code",
         None),
        ("provider: claude, access: subscription, secret: 'env:K', consent: true", "codex",
         catalogue.LOGIN_FOR_OTHER_TOOL),
        ("provider: gemini, access: code-assist, secret: 'env:K'", "", catalogue.CONSENT_NEEDED),
        ("provider: gemini, access: code-assist, secret: 'env:K', consent: true", "gemini-cli",
         None),
        ("provider: gemini, access: code-assist, secret: 'env:K', consent: true", "claude-code",
         catalogue.LOGIN_FOR_OTHER_TOOL),
        ("provider: qwen, access: oauth, secret: 'env:K'", "", catalogue.ROUTE_RETIRED),
        ("provider: iflow, secret: 'env:K'", "", catalogue.ROUTE_RETIRED),
        ("provider: iflow, secret: 'env:K', base_url: 'https://lives.example/v1'", "", None),
    ],
)  # fmt: skip
def test_who_may_use_an_account(extra: str, tool: str, spec: ErrorSpec | None) -> None:
    refusal = one(extra).refusal(tool)
    assert (refusal.spec if refusal else None) is spec
    assert refusal is None or "a" in refusal.detail


def test_a_refusal_gives_the_registrys_reason() -> None:
    refusal = one("provider: iflow, secret: 'env:K'").refusal("")
    assert refusal is not None
    assert "2026-04-17" in refusal.message()


def test_providers_by_id() -> None:
    config = parse_config(OLLAMA.encode())
    assert provider_of(config, "claude") is PROVIDERS["claude"]
    assert provider_of(config, "ollama").id == "ollama"
    with pytest.raises(KeyError):
        provider_of(config, "nobody")


# --- what a login knows


def test_a_logins_account_id_fills_a_gap_and_never_replaces_a_setting() -> None:
    account = {"id": "a", "provider": "codex", "access": "chatgpt", "secret": "vault:a"}
    config = config_with(accounts=[account, {**account, "id": "b", "account_id": "mine"}])
    first, second = resolve_accounts(config)
    assert first.facts_of_login({"account_id": "acc-1"}).account_id == "acc-1"
    assert second.facts_of_login({"account_id": "acc-1"}).account_id == "mine"
    assert first.facts_of_login({}) is first.facts


@pytest.mark.parametrize(
    ("host", "base_url"),
    [
        ("portal.qwen.ai", "https://portal.qwen.ai/v1"),
        ("eu.portal.qwen.ai", "https://eu.portal.qwen.ai/v1"),
        ("evil.example", "https://portal.qwen.ai/v1"),
        ("portal.qwen.ai.evil.example", "https://portal.qwen.ai/v1"),
    ],
)
def test_a_login_may_name_its_own_host_within_its_providers_domain(
    host: str, base_url: str
) -> None:
    account = {"id": "a", "provider": "qwen", "access": "oauth", "secret": "vault:a"}
    (way,) = resolve_accounts(config_with(accounts=[account]))
    assert way.facts_of_login({"resource_url": host}).base_url == base_url


def test_a_host_that_the_configuration_names_stays() -> None:
    account = {
        "id": "a", "provider": "qwen", "access": "oauth", "secret": "vault:a",
        "base_url": "https://mirror.example/v1",
    }  # fmt: skip
    (way,) = resolve_accounts(config_with(accounts=[account]))
    assert (
        way.facts_of_login({"resource_url": "eu.qwen.ai"}).base_url == "https://mirror.example/v1"
    )
