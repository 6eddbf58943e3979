"""What is wrong now, from what the launcher, the gateway's page and the database say."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.accounts.health import Health as AccountsHealth
from korproxy_addons.accounts.health import State
from korproxy_addons.control.health import Health
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.account_state import AccountState
from korproxy_addons.io.database import open_database
from korproxy_addons.io.tables.exchanges import INSERT_EXCHANGE
from korproxy_addons.usage.record import ExchangeRecord
from launcher.actions import diagnosis
from launcher.actions.diagnosis import RECENT_S, Finding, diagnose
from launcher.gateway_look import Address, Look, Stance, Who

NOW = 1_800_000_000.0
ADDRESS = Address(port=4321, hosts=("127.0.0.1",), admin_port=1338)
HEALTH = Health(
    status="ok", version="1", instance="i", started_at=0, uptime_s=1, in_flight=0, draining=False,
    accounts_configured=1, config_problems=(), accounts=(),
)  # fmt: skip
UP = Stance(address=ADDRESS, look=Look(Who.OURS, HEALTH), launcher={"state": "healthy"})
CONFIG = {
    "version": 1, "allow_plain_secrets": True,
    "accounts": [
        {"id": "a", "provider": "claude", "secret": "plain:x", "label": "Mine"},
        {"id": "b", "provider": "qwen", "secret": "plain:x"},
    ],
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(json.dumps(CONFIG))
    (tmp_path / "config.yaml").chmod(0o600)
    return tmp_path


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the gateway says to a model's name; "" serves it."""
    answers: dict[str, str] = {}

    def explain_route(_: Path, question: dict[str, Any]) -> dict[str, Any]:
        if question["model"] not in answers:
            raise KorProxyError(catalogue.INTERNAL)
        return {"error": answers[question["model"]]}

    monkeypatch.setattr(diagnosis, "explain_route", explain_route)
    return answers


def record(name: str, at: float, **words: Any) -> ExchangeRecord:
    plain = {
        "client_dialect": "openai-chat", "operation": "generate", "outcome": "error", "total_ms": 1.0,
        "tool": "cline", "requested_model": "m", "status": 500,
    }  # fmt: skip
    return ExchangeRecord(id=name, request_id=f"r-{name}", started_at=at, **{**plain, **words})


def keep(
    home: Path, *records: ExchangeRecord, healths: dict[str, AccountsHealth] | None = None
) -> None:
    database = open_database(home)
    database.open()
    database.write(INSERT_EXCHANGE, [it.row() for it in records])
    for account, health in (healths or {}).items():
        AccountState(database).save_health(account, "*", health)
    database.close()


def found(home: Path, stance: Stance = UP) -> tuple[Finding, ...]:
    return diagnose(home, stance, clock=lambda: NOW)


def test_nothing_is_wrong_and_nothing_is_written(tmp_path: Path) -> None:
    assert found(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


# --- the gateway


@pytest.mark.parametrize(
    ("look", "launcher", "words", "step"),
    [
        (Look(Who.NOBODY), None, "does not run; nothing listens on port 4321", "korproxy start"),
        (Look(Who.NOBODY), {"state": "stopped"}, "does not run", "korproxy start"),
        (Look(Who.STRANGER, name="nginx (process 7)"), None, "port 4321 is taken by nginx (process 7)", "End that program"),
        (Look(Who.STRANGER), None, "taken by another program", "End that program"),
        (Look(Who.OTHER_FOLDER, HEALTH), None, "another folder than this one", "--home"),
        (Look(Who.NOBODY), {"state": "failed", "detail": "it crashed"}, "The gateway is failed: it crashed", "korproxy logs"),
        (Look(Who.OURS, HEALTH), {"state": "paused"}, "KorProxy is paused", "korproxy resume"),
    ],
)  # fmt: skip
def test_a_gateway_that_does_not_serve(
    home: Path, look: Look, launcher: dict[str, Any] | None, words: str, step: str
) -> None:
    (finding,) = found(home, Stance(address=ADDRESS, look=look, launcher=launcher))
    assert (finding.about, finding.result) == ("gateway", "fail")
    assert words in finding.detail
    assert any(step in it for it in finding.remedy)
    assert finding.code in catalogue.CATALOGUE


def test_settings_that_cannot_be_used(home: Path) -> None:
    (home / "config.yaml").write_text("acounts: []")
    (finding,) = found(home, replace(UP, problems=("config.yaml:1:1: acounts: unknown",)))
    assert "acounts: unknown" in finding.detail
    running = HEALTH.model_copy(update={"config_problems": ("the new one is broken",)})
    (finding,) = found(home, replace(UP, look=Look(Who.OURS, running)))
    assert (finding.about, "the new one is broken" in finding.detail) == ("settings", True)


# --- accounts


def sick(state: State, code: str, **words: Any) -> AccountsHealth:
    return AccountsHealth(state=state, code=code, failed_at=NOW - 60, **words)


def test_an_account_that_waits_for_its_owner(home: Path) -> None:
    # its owner has not touched the settings since
    os.utime(home / "config.yaml", (NOW - 3600, NOW - 3600))
    keep(
        home,
        record("1", NOW - 60, account="a", provider="claude", code="KP-AUTH-006"),
        healths={"a": sick(State.NEEDS_LOGIN, "KP-AUTH-006", reason="revoked")},
    )
    (finding,) = found(home)
    assert (finding.about, finding.result, finding.code) == ("account", "fail", "KP-AUTH-006")
    assert finding.detail == (
        "Mine at Claude: The provider refused the account's credential: revoked."
        " Last met 60 s ago by Cline, request r-1."
    )
    assert finding.remedy == ("korproxy account add claude --replace a",)
    assert (finding.request_id, finding.tool, finding.subject) == ("r-1", "cline", "a")


def test_a_request_for_which_nobody_was_even_asked_belongs_to_the_account(home: Path) -> None:
    os.utime(home / "config.yaml", (NOW - 3600, NOW - 3600))
    keep(
        home,
        record("1", NOW - 60, account="", code="KP-AUTH-003"),
        record("2", NOW - 50, account="", code="KP-AUTH-007", requested_model="n"),
        healths={"a": sick(State.NEEDS_LOGIN, "KP-AUTH-003")},
    )
    one, other = found(home)
    assert (one.name, one.request_id) == ("account a", "r-1")
    assert (other.about, other.request_id) == ("request", "r-2")


def test_an_account_that_rests_is_a_warning_until_somebody_suffers(home: Path) -> None:
    resting = {"a": sick(State.RATE_LIMITED, "KP-RATE-402", until=NOW + 7200)}
    keep(home, healths=resting)
    (finding,) = found(home)
    assert (finding.result, finding.code) == ("warn", "KP-RATE-402")
    assert "The account's quota is used up. It is asked again in 2 h." in finding.detail
    assert "korproxy account test a" in finding.remedy
    keep(home, record("1", NOW - 5, account="a", provider="claude", code="KP-RATE-402"))
    (finding,) = found(home)
    assert (finding.result, finding.request_id) == ("fail", "r-1")


def test_an_account_without_its_secret(home: Path) -> None:
    config = {"version": 1, "accounts": [{"id": "a", "provider": "claude", "secret": "vault:none"}]}
    (home / "config.yaml").write_text(json.dumps(config))
    (finding,) = found(home)
    assert (finding.name, finding.result) == ("account a", "fail")
    assert any("korproxy account add claude --replace a" in it for it in finding.remedy)


def test_nobody_is_connected_yet(home: Path) -> None:
    (home / "config.yaml").write_text("version: 1\n")
    (finding,) = found(home)
    assert (finding.about, finding.result, finding.code) == ("account", "fail", "KP-CONF-204")
    assert finding.remedy[0].startswith("korproxy account add ")
    off = {
        "version": 1,
        "accounts": [{"id": "a", "provider": "claude", "secret": "env:A", "disabled": True}],
    }
    (home / "config.yaml").write_text(json.dumps(off))
    assert [it.name for it in found(home)] == ["accounts"]
    local = {
        "x": {
            "dialect": "openai-chat",
            "base_url": "http://localhost:1/v1",
            "local": True,
            "auth": "none",
        }
    }
    (home / "config.yaml").write_text(json.dumps({"version": 1, "providers": local}))
    assert found(home) == ()


# --- requests


@pytest.mark.parametrize(
    ("tool", "named"), [("curl", "The program curl"), ("", "A tool"), ("codex-cli", "Codex CLI")]
)
def test_a_program_that_is_no_tool_keeps_its_own_spelling(
    home: Path, tool: str, named: str
) -> None:
    keep(home, record("1", NOW - 10, tool=tool, code="KP-REQ-712"))
    (finding,) = found(home)
    assert finding.detail.startswith(f"{named} asked for m 10 s ago")


def test_failures_of_one_kind_are_one_finding(home: Path) -> None:
    keep(home, *(record(str(n), NOW - n, code="KP-REQ-712") for n in (30, 20, 10)))
    (finding,) = found(home)
    assert finding.detail.startswith("Cline asked for m 10 s ago, 3 times: ")
    assert "The request cannot be expressed for the chosen provider" in finding.detail
    assert finding.request_id == "r-10"
    assert finding.remedy[-1] == "korproxy explain r-10"


BARE: dict[str, Any] = {"requested_model": "", "operation": "other"}


def test_a_key_that_is_refused_is_wrong_until_the_tool_is_served(home: Path) -> None:
    """Also where it was served before: the key may have been taken out since."""
    fault = {**BARE, "code": "KP-AUTH-001", "status": 401}
    keep(
        home,
        record("1", NOW - 40, outcome="ok", status=200),
        record("2", NOW - 30, **fault),
        record("3", NOW - 20, **fault),
    )
    (finding,) = found(home)
    assert (finding.name, finding.result, finding.tool) == ("tool", "fail", "cline")
    assert finding.detail == (
        "Cline was refused 20 s ago, 2 times: KorProxy does not accept this local key. Request r-3."
    )
    assert any("korproxy key add" in it for it in finding.remedy)
    keep(home, record("4", NOW - 10, outcome="ok", status=200))
    assert found(home) == ()


def test_a_wrong_path_is_worth_knowing_of_a_tool_that_was_never_served(home: Path) -> None:
    fault = {**BARE, "code": "KP-REQ-707", "status": 404}
    keep(home, record("1", NOW - 30, **fault))
    (finding,) = found(home)
    assert (finding.result, finding.code) == ("warn", "KP-REQ-707")
    assert "base URL" in finding.remedy[0]
    keep(home, record("0", NOW - 40, outcome="ok", status=200))
    assert found(home) == ()


def test_what_was_served_since_is_no_longer_wrong(home: Path) -> None:
    keep(
        home,
        record("1", NOW - 30, code="KP-REQ-712"),
        record("2", NOW - 20, outcome="ok", status=200),
        record("3", NOW - 10, tool="continue", code="KP-REQ-712"),
    )
    assert [it.tool for it in found(home)] == ["continue"]


def test_an_account_that_has_served_anybody_since_is_well(home: Path) -> None:
    """And one that has failed since its last success is not."""
    down = {"account": "a", "provider": "claude", "code": "KP-NET-301"}
    keep(
        home,
        record("1", NOW - 30, **down),
        record("2", NOW - 20, outcome="ok", requested_model="other", account="a", tool="x"),
    )
    assert found(home) == ()
    keep(home, record("3", NOW - 10, requested_model="third", **down))
    (finding,) = found(home)
    assert finding.name == "account a"
    assert finding.detail.startswith(
        "a at claude: The provider's address refuses connections. Cline asked"
    )
    assert "Check the internet connection, the base_url and any firewall." in finding.remedy


def test_a_failure_that_another_account_made_good_is_not_the_tools_trouble(home: Path) -> None:
    keep(
        home,
        record("1", NOW - 30, account="a", provider="claude", code="KP-NET-301"),
        record("2", NOW - 20, outcome="ok", account="b", provider="qwen"),
    )
    assert found(home) == ()


def test_what_is_old_or_has_no_model_or_was_left_is_not_said(home: Path) -> None:
    keep(
        home,
        record("1", NOW - RECENT_S - 1, code="KP-REQ-712"),
        record("2", NOW - 10, requested_model="", code="KP-REQ-702"),
        record("3", NOW - 10, outcome="client_gone"),
    )
    assert found(home) == ()


def test_a_model_that_nobody_serves_names_those_near_it(home: Path, said: dict[str, str]) -> None:
    title = catalogue.CATALOGUE["KP-REQ-711"].title
    remedy = catalogue.CATALOGUE["KP-REQ-711"].remedy[0]
    said["sonet"] = f"{title}: “sonet”; close: sonnet. {remedy} [KP-REQ-711]"
    keep(home, record("1", NOW - 10, requested_model="sonet", code="KP-REQ-711", tool=""))
    (finding,) = found(home)
    assert finding.detail == (
        f"A tool asked for sonet 10 s ago: {title}: “sonet”; close: sonnet. Request r-1."
    )
    assert finding.remedy[0] == "Name another model in a tool's settings."
    assert "aliases: {sonet: MODEL}" in finding.remedy[1]
    said["sonet"] = ""
    (mended,) = found(home)
    assert (mended.result, "It would be served now." in mended.detail) == ("warn", True)
    del said["sonet"]  # nobody can be asked
    (plain,) = found(home)
    assert (plain.result, plain.remedy[0]) == ("fail", remedy)


def test_what_korproxys_own_tests_met_tells_of_accounts_alone(home: Path) -> None:
    """Which of a tool's needs were refused is what the doctor has said; a key that is no good is wrong whoever met it."""
    keep(
        home,
        record("1", NOW - 20, tool="korproxy", account="a", code="KP-REQ-712"),
        record("2", NOW - 10, tool="korproxy", account="a", provider="claude", code="KP-PROV-105"),
    )
    (only,) = found(home)
    assert (only.code, only.request_id) == ("KP-PROV-105", "r-2")
    assert "KorProxy itself asked for m" in only.detail


def test_an_error_of_the_providers_own_has_its_status(home: Path) -> None:
    keep(home, record("1", NOW - 10, account="a", provider="claude", status=418))
    (finding,) = found(home)
    assert "asked of account a (claude): the provider answered 418." in finding.detail


def test_the_worst_comes_first(home: Path) -> None:
    keep(
        home,
        record("1", NOW - 10, code="KP-REQ-712"),
        healths={"a": sick(State.ERRORING, "KP-PROV-101", until=NOW + 60)},
    )
    assert [it.result for it in found(home)] == ["fail", "warn"]
