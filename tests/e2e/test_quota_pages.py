"""Every provider's quota page, asked as the gateway asks it, at the simulated providers that check the question."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.gateway.wire import Wire
from korproxy_addons.io.address_guard import AddressGuard
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.io.upstream import UpstreamClient
from korproxy_addons.providers.quota import Windows
from launcher.simulator import SimulatorThread
from support.flows import config_with

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def sim() -> Iterator[SimulatorThread]:
    with SimulatorThread() as running:
        yield running


def asked(sim: SimulatorThread, provider: str, company: str, access: str) -> Windows:
    way = sim.urls()[company, access]
    account: dict[str, Any] = {
        "id": "a",
        "provider": provider,
        "access": access,
        "consent": True,
        "secret": f"plain:{way['secret']}",
        "base_url": way["host"] if access == "code-assist" else way["base"],
        "urls": {"quota": way["quota"]},
    }
    if access == "chatgpt":
        account["account_id"] = way["account_id"]
    config = config_with(
        allow_plain_secrets=True, providers={provider: {"local": True}}, accounts=[account]
    )

    async def work() -> Windows:
        client = UpstreamClient(AddressGuard())
        try:
            wire = Wire(client, SecretStore(Path("nowhere"), lambda _: None))
            return await wire.quota(wire.accounts(config)["a"], time.time())
        finally:
            await client.close()

    return asyncio.run(work())


@pytest.mark.parametrize(
    ("provider", "company", "access", "windows"),
    [
        (
            "claude", "claude", "subscription",
            {("5h", "*"): 0.125, ("weekly", "*"): 0.3, ("weekly", "claude-fable-*"): 0.05},
        ),
        ("codex", "openai", "chatgpt", {("5h", "*"): 0.18, ("weekly", "*"): 0.44}),
        ("gemini", "gemini", "code-assist", {("daily", "gemini-3.8-flash"): 0.06}),
    ],
)  # fmt: skip
def test_every_quota_page_is_understood(
    sim: SimulatorThread,
    provider: str,
    company: str,
    access: str,
    windows: dict[tuple[str, str], float],
) -> None:
    found = {it.key: it for it in asked(sim, provider, company, access)}
    for key, share in windows.items():
        assert found[key].used_share == pytest.approx(share)
        assert (found[key].reset_at or 0.0) > time.time()
        assert found[key].length_s
