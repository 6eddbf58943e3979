"""A real request for an account, through a real gateway, against simulated providers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions import account_test
from launcher.actions.account_test import TestResult, send_test
from launcher.actions.steps import Step
from launcher.demo.settings import write_settings
from launcher.simulator import SimulatorThread
from support.gateway import GatewayProcess


@pytest.fixture(scope="module")
def sim() -> Iterator[SimulatorThread]:
    with SimulatorThread() as running:
        yield running


@pytest.fixture(autouse=True)
def _quiet(sim: SimulatorThread) -> None:
    sim.reset()


@pytest.fixture(scope="module")
def home(sim: SimulatorThread, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an account for every way in, and a gateway that runs for it."""
    folder = tmp_path_factory.mktemp("home") / "home"
    write_settings(folder, sim.urls(), port=0)
    return folder


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[GatewayProcess]:
    with GatewayProcess(home) as gateway:
        text = (home / "config.yaml").read_text().replace("port: 0", f"port: {gateway.port}")
        (home / "config.yaml").write_text(text)
        yield gateway


def by_id(results: tuple[TestResult, ...]) -> dict[str, TestResult]:
    return {it.id: it for it in results}


def test_every_account_is_asked_and_answers(home: Path, running: GatewayProcess) -> None:
    told: list[Step] = []
    found = by_id(send_test(home, on_step=told.append))
    assert (told[0], told[-1].done) == (Step(0, len(found), "gateway"), len(found))
    assert {it.what for it in told} == {"gateway", *found}
    skipped = {name for name, it in found.items() if it.outcome == "skipped"}
    assert skipped == {"claude-subscription", "gemini-code-assist"}
    for name, it in found.items():
        assert it.ok
        assert it.by_running_gateway is (name not in skipped)
        if name in skipped:
            continue
        assert (it.outcome, it.status, it.code, it.cause) == ("ok", 200, "", "")
        assert it.model
        assert it.first_byte_ms is not None
        assert it.total_ms is not None
        assert 0 < it.first_byte_ms <= it.total_ms


def test_a_plan_login_for_one_tool_is_not_asked_by_pretending(
    sim: SimulatorThread, home: Path, running: GatewayProcess
) -> None:
    (result,) = send_test(home, "claude-subscription")
    assert (result.outcome, result.code) == ("skipped", "KP-AUTH-012")
    assert "claude-code" in result.next_steps[0]
    assert sim.ledger.entries == []


def test_the_default_model_is_the_providers_cheap_one_and_may_be_another(
    sim: SimulatorThread, home: Path, running: GatewayProcess
) -> None:
    (first,) = send_test(home, "claude-api-key")
    (second,) = send_test(home, "claude-api-key", model="claude-opus-5-5")
    assert (first.model, second.model) == ("claude-haiku-5-5", "claude-opus-5-5")
    asked = [it.model for it in sim.ledger.entries]
    assert asked == ["claude-haiku-5-5", "claude-opus-5-5"]


@pytest.mark.parametrize(
    ("fault", "account", "codes"),
    [
        ("401", "qwen-token-plan", {"KP-AUTH-006"}),
        ("402", "qwen-coding-plan", {"KP-PROV-107"}),
        ("500", "qwen-api-key", {"KP-PROV-101", "KP-PROV-104"}),
        ("error-in-200", "qwen-api-key", {"KP-PROV-101", "KP-PROV-104", "KP-PROV-105"}),
        ("error-mid-stream", "qwen-api-key", {""}),
    ],
)
def test_a_failure_has_its_cause_and_what_to_do(
    sim: SimulatorThread,
    home: Path,
    running: GatewayProcess,
    fault: str,
    account: str,
    codes: set[str],
) -> None:
    sim.script(fault, provider="qwen", count=None)
    (result,) = send_test(home, account)
    assert result.outcome == "failed"
    assert not result.ok
    assert result.code in codes
    assert result.cause
    assert result.next_steps or not result.code


def test_a_gateway_s_own_message_is_not_said_twice(
    sim: SimulatorThread, home: Path, running: GatewayProcess
) -> None:
    sim.script("401", provider="qwen", count=None)
    (result,) = send_test(home, "qwen-token-plan")
    assert result.cause.startswith(catalogue.CATALOGUE[result.code].title)
    assert f"[{result.code}]" not in result.cause
    assert result.next_steps
    assert not [it for it in result.next_steps if it in result.cause]


def test_an_answer_that_does_not_come_has_a_limit(
    sim: SimulatorThread, home: Path, running: GatewayProcess
) -> None:
    sim.script("held", provider="openai", count=None)
    try:
        (result,) = send_test(home, "codex-api-key", limit_s=1.0)
    finally:
        sim.release()
    assert result.outcome == "failed"
    assert "no whole answer within 1 s" in result.cause


def test_nobody_of_that_name(home: Path) -> None:
    with pytest.raises(KorProxyError) as failed:
        send_test(home, "nobody")
    assert failed.value.spec is catalogue.ACCOUNT_UNKNOWN


# --- without a gateway


def folder(home: Path, *accounts: dict[str, Any], **extra: Any) -> Path:
    home.mkdir(mode=0o700)
    config = {"version": 1, "listen": {"port": 0}, "accounts": list(accounts), **extra}
    (home / "config.yaml").write_text(json.dumps(config))
    (home / "config.yaml").chmod(0o600)
    return home


def test_what_must_not_be_asked_starts_no_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a gateway was started")

    monkeypatch.setattr(account_test, "borrowed_gateway", never)
    home = folder(
        tmp_path / "home",
        {"id": "over", "provider": "qwen", "access": "oauth", "secret": "env:A"},
        {"id": "own", "provider": "claude", "access": "own-login"},
        {"id": "asked", "provider": "codex", "access": "chatgpt", "secret": "env:A"},
        {"id": "bare", "provider": "mine", "secret": "env:A"},
        providers={"mine": {"dialect": "openai-chat", "base_url": "https://x.example/v1"}},
    )
    found = by_id(send_test(home))
    assert (found["over"].outcome, found["over"].code) == ("failed", "KP-PROV-108")
    assert "2026-04-15" in found["over"].cause
    assert (found["own"].outcome, found["own"].code) == ("skipped", "")
    assert (found["asked"].outcome, found["asked"].code) == ("failed", "KP-AUTH-011")
    assert found["bare"].next_steps == ("Name one with --model.",)


def test_a_gateway_is_started_for_the_test_and_its_local_key_is_shown(
    sim: SimulatorThread, tmp_path: Path
) -> None:
    way = sim.urls()["claude", "api-key"]
    (tmp_path / "key").write_text("kp-local-of-the-test")
    home = folder(
        tmp_path / "home",
        {
            "id": "a", "provider": "claude", "secret": f"plain:{way['secret']}",
            "base_url": way["base"], "models": ["claude-opus-5-5"],
        },
        allow_plain_secrets=True,
        providers={"claude": {"local": True}},
        local_keys={"required": True, "keys": [{"id": "k", "secret": f"file:{tmp_path / 'key'}"}]},
    )  # fmt: skip
    (refused,) = send_test(home)
    assert (refused.outcome, refused.code) == ("failed", "KP-AUTH-001")
    assert "KORPROXY_KEY" in refused.next_steps[0]
    (served,) = send_test(home, local_key="kp-local-of-the-test")
    assert (served.outcome, served.model) == ("ok", "claude-opus-5-5")
    assert not served.by_running_gateway
