"""What the official tools' files say, and that whatever else stands there is no login and is quoted nowhere."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.io.cli_schemas import (
    NoLoginError,
    read_claude,
    read_codex,
    read_gemini,
    read_gemini_item,
    read_iflow,
    read_qwen,
)
from support import cli_logins
from support.cli_logins import LATER_MS, NOW

READERS: dict[str, Callable[[str], TokenSet]] = {
    "claude": read_claude,
    "codex": read_codex,
    "gemini": read_gemini,
    "gemini-item": read_gemini_item,
    "qwen": read_qwen,
    "iflow": read_iflow,
}


def test_claude_code() -> None:
    text, profile = json.dumps(cli_logins.claude()), json.dumps(cli_logins.claude_profile())
    assert read_claude(text, profile) == TokenSet(
        access_token=SecretStr("sk-ant-oat01-canary-claude"),
        refresh_token=SecretStr("sk-ant-ort01-canary-claude-refresh"),
        expires_at=LATER_MS / 1000,
        refresh_expires_at=LATER_MS / 1000 + 1,
        scopes=("user:inference", "user:profile"),
        facts={
            "plan": "max",
            "tier": "default_claude_max_20x",
            "email": "mina@example.com",
            "account_id": "u-1",
            "organization": "Mina's",
            "organization_id": "o-1",
        },
    )
    assert read_claude(text).facts == {"plan": "max", "tier": "default_claude_max_20x"}


def test_logins_of_mcp_servers_are_none_of_claude() -> None:
    with pytest.raises(NoLoginError, match="no accessToken"):
        read_claude(json.dumps({"mcpOAuth": {"s": {"accessToken": "canary"}}}))


def test_codex() -> None:
    content = cli_logins.codex()
    found = read_codex(json.dumps(content))
    tokens = content["tokens"]
    assert found == TokenSet(
        access_token=SecretStr(tokens["access_token"]),
        refresh_token=SecretStr("rt_canary-codex-refresh"),
        id_token=SecretStr(tokens["id_token"]),
        expires_at=NOW + 3600,
        facts={"email": "mina@example.com", "plan": "plus", "account_id": "6d1a"},
    )
    del tokens["account_id"], tokens["id_token"]
    assert read_codex(json.dumps(content)).facts == {}


@pytest.mark.parametrize(
    "content",
    [
        {"OPENAI_API_KEY": "sk-canary"},
        {"auth_mode": "apikey", "OPENAI_API_KEY": "sk-canary", "tokens": {"access_token": "old"}},
    ],
)
def test_codex_with_an_api_key(content: dict[str, object]) -> None:
    found = read_codex(json.dumps(content))
    assert found == TokenSet(access_token=SecretStr("sk-canary"), facts={"mode": "api-key"})


def test_gemini_cli() -> None:
    content = cli_logins.gemini()
    found = read_gemini(json.dumps(content), '{"active":"mina@example.com"}')
    assert found == TokenSet(
        access_token=SecretStr("ya29.canary-gemini"),
        refresh_token=SecretStr("1//canary-gemini-refresh"),
        id_token=SecretStr(content["id_token"]),
        expires_at=LATER_MS / 1000,
        scopes=("https://www.googleapis.com/auth/cloud-platform", "openid"),
        facts={"email": "mina@example.com"},
    )
    for accounts in (None, '{"active":null}'):
        assert (
            read_gemini(json.dumps(content), accounts).facts["email"] == "from-claims@example.com"
        )


def test_gemini_clis_keychain_item() -> None:
    token = {
        "accessToken": "ya29.a", "refreshToken": "1//r", "tokenType": "Bearer", "scope": "a b",
        "expiresAt": LATER_MS,
    }  # fmt: skip
    found = read_gemini_item(json.dumps({"serverName": "main-account", "token": token}))
    assert found == TokenSet(
        access_token=SecretStr("ya29.a"),
        refresh_token=SecretStr("1//r"),
        expires_at=LATER_MS / 1000,
        scopes=("a", "b"),
    )


def test_qwen_code() -> None:
    assert read_qwen(json.dumps(cli_logins.qwen())) == TokenSet(
        access_token=SecretStr("canary-qwen"),
        refresh_token=SecretStr("canary-qwen-refresh"),
        expires_at=LATER_MS / 1000,
        facts={"resource_url": "portal.qwen.ai"},
    )


@pytest.mark.parametrize(
    ("own", "accounts", "settings", "key"),
    [
        ({}, None, None, None),
        ({"apiKey": "own"}, '{"iflowApiKey":"b"}', None, "own"),
        ({}, '{"iflowApiKey":"b"}', '{"apiKey":"c"}', "b"),
        ({}, "{}", '{"apiKey":"c"}', "c"),
    ],
)
def test_iflow(
    own: dict[str, str], accounts: str | None, settings: str | None, key: str | None
) -> None:
    found = read_iflow(json.dumps(cli_logins.iflow() | own), accounts, settings)
    assert found.access_token == SecretStr("canary-iflow")
    assert found.api_key == (None if key is None else SecretStr(key))
    assert found.credential == SecretStr(key or "canary-iflow")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "canary",
        '["canary"]',
        '{"access_token": 7, "tokens": "canary", "token": null, "claudeAiOauth": []}',
        '{"access_token": "canary\\nx", "tokens": {"access_token": "a canary"}}',
        '{"claudeAiOauth": {"accessToken": "canäry"}, "token": {"accessToken": ""}}',
        "[" * 100_000,
    ],
)
def test_what_is_no_login_is_refused_without_showing_it(reader: str, text: str) -> None:
    with pytest.raises(NoLoginError) as caught:
        READERS[reader](text)
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = (
    "claudeAiOauth", "accessToken", "refreshToken", "expiresAt", "refreshTokenExpiresAt", "scopes",
    "tokens", "access_token", "id_token", "account_id", "OPENAI_API_KEY", "token", "expiry_date",
    "scope", "resource_url", "apiKey",
)  # fmt: skip


@given(
    reader=st.sampled_from(sorted(READERS)),
    outer=st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=8),
    inner=st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=8),
)
def test_any_json_is_a_login_or_none(
    reader: str, outer: dict[str, object], inner: dict[str, object]
) -> None:
    for content in (outer, {**outer, "claudeAiOauth": inner, "tokens": inner, "token": inner}):
        try:
            found = READERS[reader](json.dumps(content))
        except NoLoginError:
            continue
        value = found.access_token.get_secret_value()
        assert value
        assert value.isascii()
        assert found.expires_at is None or found.expires_at > 0
