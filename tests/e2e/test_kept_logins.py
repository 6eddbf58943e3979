"""A real gateway with a login in its vault: renewed unasked, its limits taken down, its end said and survived."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from launcher.actions.quota import quotas
from launcher.simulator import SimulatorThread
from support.asking import Response, question
from support.asking import ask as ask_at
from support.gateway import GatewayProcess
from support.refresh_worker import CLAUDE_CODE, KEY, stored, write_folder
from support.waiting import until

pytestmark = pytest.mark.e2e

TOKEN_PATH = "/v1/oauth/token"
OLD = "sk-ant-oat01-sim-1"


@pytest.fixture
def sim() -> Iterator[SimulatorThread]:
    with SimulatorThread() as running:
        yield running


def folder(tmp_path: Path, sim: SimulatorThread, *, life_s: float, spare: bool = False) -> Path:
    home = tmp_path / "home"
    write_folder(home, sim.urls()["claude", "subscription"], OLD, life_s=life_s)
    (tmp_path / "vault.key").write_text(base64.b64encode(KEY).decode())
    (tmp_path / "vault.key").chmod(0o600)
    config = json.loads((home / "config.yaml").read_text())
    config["listen"] = {"port": 0}
    if spare:
        way = sim.urls()["claude", "api-key"]
        config["accounts"].append(
            {
                "id": "spare", "provider": "claude", "base_url": way["base"],
                "secret": f"plain:{way['secret']}",
            }
        )  # fmt: skip
        config["allow_plain_secrets"] = True
    (home / "config.yaml").write_text(json.dumps(config))
    return home


def gateway(home: Path) -> GatewayProcess:
    key_file = home.parent / "vault.key"
    return GatewayProcess(home, environment={"KORPROXY_VAULT_KEY_FILE": str(key_file)})


def ask(running: GatewayProcess, model: str) -> Response:
    words = {"user-agent": CLAUDE_CODE}
    return ask_at(running.url, question("anthropic-messages", model), **words)


def health(running: GatewayProcess) -> list[Any]:
    import urllib.request

    with urllib.request.urlopen(f"{running.url}/_korproxy/health") as reply:
        return list(json.load(reply)["accounts"])


def redemptions(sim: SimulatorThread) -> list[int]:
    return [it.status for it in sim.ledger.entries if it.path.endswith(TOKEN_PATH)]


def test_a_due_login_is_renewed_before_anybody_asks(tmp_path: Path, sim: SimulatorThread) -> None:
    home = folder(tmp_path, sim, life_s=200.0)
    with gateway(home) as running:
        # stored first, then used: the gateway says so when it has done both
        until(lambda: any(it["event"] == "sign-in renewed" for it in running.log_lines()))
        assert redemptions(sim) == [200]
        assert stored(home) != OLD
        reply = ask(running, sim.urls()["claude", "subscription"]["model"])
        assert reply.status == 200
        asked = next(it for it in sim.ledger.entries if it.path == "/v1/messages")
        assert asked.header("authorization") == f"Bearer {stored(home)}"
        running.stop()
    (account,) = quotas(home, clock=time.time)
    assert [it.name for it in account.windows] == ["5h", "weekly"]
    assert account.windows[0].used_percent == 12.0


def test_a_login_that_is_over_is_said_and_another_account_serves(
    tmp_path: Path, sim: SimulatorThread
) -> None:
    home = folder(tmp_path, sim, life_s=-10.0, spare=True)
    sim.simulator.world.logins.end_grant("sk-ant-ort01-sim-1", time.time() - 1)
    with gateway(home) as running:
        until(lambda: redemptions(sim) == [400])
        (lost,) = until(lambda: health(running))
        assert (lost["account"], lost["state"], lost["code"]) == (
            "plan", "needs_login", "KP-AUTH-003",
        )  # fmt: skip
        assert "Refresh token expired" in lost["reason"]
        model = sim.urls()["claude", "subscription"]["model"]
        for _ in range(3):
            reply = ask(running, model)
            assert (reply.status, reply.headers["x-korproxy-account"]) == (200, "spare")
        pinned = ask(running, f"claude@plan/{model}")
        assert (pinned.status, pinned.headers["x-korproxy-error"]) == (400, "KP-AUTH-003")
        assert "Refresh token expired" in pinned.body.decode()
    assert redemptions(sim) == [400], "asked once, and never again"
    assert stored(home) == OLD, "a login that is over is kept for its owner to see"
