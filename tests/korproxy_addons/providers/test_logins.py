import pytest

from korproxy_addons.config.schema import Urls
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.base import AccessSpec
from korproxy_addons.providers.logins import LoginSpec

LOGINS = [
    pytest.param(access, access.login, id=f"{provider.id}-{access.id}")
    for provider in PROVIDERS.values()
    for access in provider.accesses
    if access.login is not None
]


@pytest.mark.parametrize(("access", "login"), LOGINS)
def test_every_login_can_be_begun_and_renewed(access: AccessSpec, login: LoginSpec) -> None:
    assert access.refreshes
    assert login.token_url.startswith("https://")
    assert login.auth_url or login.device_url
    assert set(login.required_scopes) <= set(login.scopes)
    assert login.redirect_host in {"localhost", "127.0.0.1"}
    assert access.token_url == login.token_url
    assert access.auth_url == login.auth_url


def test_there_are_the_six_known_ones() -> None:
    assert {it.id for it in LOGINS} == {
        "claude-subscription", "codex-chatgpt", "codex-siwc", "gemini-code-assist", "qwen-oauth",
        "iflow-login",
    }  # fmt: skip


def test_addresses_of_the_configuration_stand_in_for_the_provider_s() -> None:
    login = PROVIDERS["codex"].access("chatgpt").login
    assert login is not None
    moved = login.at(
        Urls(
            token="https://m.example/t", auth="https://a.example/a",
            device="https://d.example/d", profile="https://p.example/p",
        )
    )  # fmt: skip
    assert (moved.token_url, moved.auth_url) == ("https://m.example/t", "https://a.example/a")
    assert moved.device_url == "https://d.example/d"
    assert moved.profile_url == ""  # ChatGPT is not asked for one
    assert moved.hosts == {"m.example", "a.example", "d.example"}
    assert login.at(Urls()) == login


def test_a_token_endpoint_that_was_moved_is_not_checked_by_the_provider_s_keys() -> None:
    login = PROVIDERS["codex"].access("siwc").login
    assert login is not None
    assert (
        login.at(Urls()).discovery_url == "https://auth.openai.com/.well-known/openid-configuration"
    )
    assert login.at(Urls(auth="https://m.example/a")).discovery_url == login.discovery_url
    assert login.at(Urls(token="https://m.example/t")).discovery_url == ""
    named = login.at(Urls(token="https://m.example/t", discovery="https://d.example/d"))
    assert named.discovery_url == "https://d.example/d"
    assert "d.example" in named.hosts
    other = PROVIDERS["codex"].access("chatgpt").login
    assert other is not None
    assert other.at(Urls(discovery="https://d.example/d")).discovery_url == ""


def test_no_client_secret_is_shipped() -> None:
    for access, login in [it.values for it in LOGINS]:
        assert "GOCSPX" not in repr(login), access
