"""A folder in trouble, as the facts of a debug bundle: everything is in order but what a test says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from korproxy_addons.config.schema import Config
from korproxy_addons.control.health import Health
from korproxy_addons.usage.availability import Moment
from korproxy_addons.usage.record import ExchangeRecord
from launcher.actions.accounts import AccountView
from launcher.actions.bundle_facts import Facts
from launcher.actions.checks import Check
from launcher.actions.quota import AccountQuota, OverageView, WindowView
from launcher.actions.self_test import Looked
from launcher.actions.self_test_config import FoundConfig
from launcher.actions.self_test_ports import Running
from launcher.actions.vault import VaultView

AT = 1_790_000_000.0
VERSIONS = Check(name="versions", result="ok", detail="KorProxy 0.1.0")


def health(**words: Any) -> Health:
    """A gateway's own page."""
    fields: dict[str, Any] = {
        "status": "ok", "version": "0.1.0", "instance": "a", "started_at": AT - 7200, "uptime_s": 7200.0, "in_flight": 0,
        "draining": False, "accounts_configured": 1, "config_problems": (), "accounts": (),
    }  # fmt: skip
    return Health.model_validate(fields | words)


def looked(*checks: Check, **words: Any) -> Looked:
    """A self-test in which all went well; a gateway runs."""
    found = Looked(
        checks=(VERSIONS, *checks),
        config=FoundConfig(Config()),
        running=Running(True, {"state": "healthy"}, health(), 1337),
        vault=VaultView(path="vault.bin", state="none"),
        accounts=(),
        database_ok=True,
    )
    return replace(found, **words)


def facts(**words: Any) -> Facts:
    """A folder in which nothing looks wrong."""
    given = Facts(at=AT, home=Path("korproxy"), looked=looked(), exchanges=(exchange("ok"),))
    return replace(given, **words)


def exchange(outcome: str = "ok", ago_s: float = 60.0, **words: Any) -> ExchangeRecord:
    """A request of the last hour."""
    fields: dict[str, Any] = {
        "id": f"kp{ago_s}", "request_id": f"req-{ago_s:g}", "started_at": AT - ago_s, "client_dialect": "openai-chat",
        "operation": "generate", "outcome": outcome, "total_ms": 100.0, "tool": "cline", "requested_model": "gpt-6",
        "provider": "codex", "account": "codex-api-key", "status": 200 if outcome == "ok" else 500,
    }  # fmt: skip
    return ExchangeRecord(**(fields | words))


def account(state: str = "ready", **words: Any) -> AccountView:
    """An account by key."""
    fields: dict[str, Any] = {
        "id": "codex-api-key", "provider": "codex", "access": "api-key", "provider_name": "Codex", "access_name": "API key",
        "label": "codex-api-key", "kind": "key", "state": state, "hint": "korproxy account add codex", "secret": "vault:x",
        "email": "", "plan": "", "organization": "", "expires_at": None, "login_ends_at": None, "renews": False,
        "route_state": None, "route_since": None, "route_reason": None, "models": None,
    }  # fmt: skip
    return AccountView(**(fields | words))


def quota(remaining_percent: float | None, reset_in_s: int | None = 3600) -> AccountQuota:
    """An account with one window of five hours."""
    window = WindowView(
        name="5h", models="*", used_percent=None, remaining_percent=remaining_percent, used=None, remaining=None, limit=None,
        unit="", reset_at="2026-09-21T20:00:00+00:00", reset_in_s=reset_in_s, pace=None, runs_out_at=None, seen_at="",
    )  # fmt: skip
    overage = OverageView(allowed=False, cap_usd=None, drawn_usd=0.0, requests=0)
    return AccountQuota(
        id="codex-api-key", label="Jane's", provider="codex", access="api-key", tells=True, windows=(window,), overage=overage
    )  # fmt: skip


def restarts(*ago_s: float, state: str = "starting", reason: str = "restart") -> tuple[Moment, ...]:
    """Moments at which the gateway had broken down."""
    return tuple(Moment(AT - it, state, reason, "it ended with code 1") for it in ago_s)
