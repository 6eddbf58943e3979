"""A token endpoint over the network: asked once, whatever becomes of the connection."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from korproxy_addons.auth.states import AuthState, LoginError
from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.config.schema import Config
from korproxy_addons.io.address_guard import AddressGuard
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.io.token_endpoint import TokenEndpoint
from korproxy_addons.io.upstream import UpstreamClient
from korproxy_addons.providers.resolve import ResolvedAccount, resolve_account
from launcher.simulator import SimulatorThread
from support.flows import config_with

REFRESH = {
    ("claude", "subscription"): "sk-ant-ort01-sim-1",
    ("openai", "chatgpt"): "rt_sim-1",
    ("openai", "siwc"): "siwc-rt-sim-1",
    ("gemini", "code-assist"): "1//0e-sim-1",
    ("qwen", "oauth"): "qwen-rt-sim-1",
    ("iflow", "login"): "iflow-rt-sim-1",
}
PROVIDER = {"openai": "codex"}


@pytest.fixture(scope="module")
def sim() -> Iterator[SimulatorThread]:
    with SimulatorThread() as running:
        yield running


@pytest.fixture(autouse=True)
def _quiet(sim: SimulatorThread) -> None:
    sim.reset()


def way_of(sim: SimulatorThread, company: str, access: str) -> tuple[Config, ResolvedAccount]:
    provider = PROVIDER.get(company, company)
    urls = sim.urls()[company, access]
    account = {
        "id": "a",
        "provider": provider,
        "access": access,
        "consent": True,
        "secret": "vault:a",
        "base_url": urls["base"],
        "urls": {name: urls[name] for name in ("token", "profile") if urls.get(name)},
    }
    entry: dict[str, Any] = {"local": True}
    if company in ("gemini", "iflow"):
        secret = {"client_secret": "plain:sim-google-client-secret"}
        entry["accesses"] = {access: {"login": secret}}
    config = config_with(allow_plain_secrets=True, providers={provider: entry}, accounts=[account])
    return config, resolve_account(config, config.accounts[0])


def tokens(refresh: str, **words: Any) -> TokenSet:
    known = TokenSet(
        access_token=SecretStr("old"),
        refresh_token=SecretStr(refresh),
        obtained_at=1.0,
        expires_at=2.0,
        facts={"email": "a@example.com"},
    )
    return replace(known, **words)


def redeemed(way: ResolvedAccount, old: TokenSet, home: Path) -> TokenSet:
    async def work() -> TokenSet:
        client = UpstreamClient(AddressGuard())
        try:
            endpoint = TokenEndpoint(way, client, SecretStore(home, lambda _: None))
            return await endpoint.finish(await endpoint.redeem(old))
        finally:
            await client.close()

    return asyncio.run(work())


@pytest.mark.parametrize(("company", "access"), list(REFRESH))
def test_every_providers_tokens_are_replaced_by_its_own_rules(
    sim: SimulatorThread, tmp_path: Path, company: str, access: str
) -> None:
    _, way = way_of(sim, company, access)
    refresh = REFRESH[company, access]
    facts = {"email": "a@example.com", "client_id": "oaiapp_sim"} if access == "siwc" else None
    old = tokens(refresh) if facts is None else tokens(refresh, facts=facts)
    new = redeemed(way, old, tmp_path)
    assert new.credential != old.credential
    assert new.refresh_token is not None
    kept = new.refresh_token.get_secret_value() == refresh
    assert kept is (company == "gemini"), "Google's reply has no new refresh token"
    assert new.expires_at is not None
    assert new.expires_at > time.time() + 60
    if company == "iflow":
        assert new.api_key is not None


def test_claudes_deadline_is_the_first_one(sim: SimulatorThread, tmp_path: Path) -> None:
    """A refresh is told the time that is left; should it ever name a later end, that is no new life."""
    _, way = way_of(sim, "claude", "subscription")
    deadline = time.time() + 86_400
    new = redeemed(way, tokens("sk-ant-ort01-sim-1", refresh_expires_at=deadline), tmp_path)
    assert new.refresh_expires_at == deadline


def test_a_dead_refresh_token_ends_the_login(sim: SimulatorThread, tmp_path: Path) -> None:
    _, way = way_of(sim, "claude", "subscription")
    with pytest.raises(LoginError) as failed:
        redeemed(way, tokens("sk-ant-ort01-unknown"), tmp_path)
    assert failed.value.ends_login


@pytest.mark.parametrize(
    "fault", ["reset-before-head", "drop", "503", "429", "403-html", "garbage"]
)
def test_trouble_on_the_way_is_never_a_logout_and_never_asked_twice(
    sim: SimulatorThread, tmp_path: Path, fault: str
) -> None:
    _, way = way_of(sim, "claude", "subscription")
    sim.script(fault, operation="refresh", count=None)
    with pytest.raises(LoginError) as failed:
        redeemed(way, tokens("sk-ant-ort01-sim-1"), tmp_path)
    assert not failed.value.ends_login
    assert failed.value.state in (AuthState.NETWORK_ERROR, AuthState.PROVIDER_ERROR)
    assert len([it for it in sim.ledger.entries if it.path == "/v1/oauth/token"]) == 1


def test_a_way_in_without_a_sign_in_has_no_endpoint(sim: SimulatorThread, tmp_path: Path) -> None:
    config = config_with(accounts=[{"id": "a", "provider": "claude", "secret": "env:A"}])
    way = resolve_account(config, config.accounts[0])
    with pytest.raises(LoginError) as failed:
        redeemed(way, tokens("x"), tmp_path)
    assert failed.value.ends_login
