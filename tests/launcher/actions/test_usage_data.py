"""The ledger taken along as rows, or forgotten."""

import csv
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.ledger_clearing import Forgotten
from korproxy_addons.licensing.entitlement import LIMITS, Entitlement, Plan
from launcher.actions import usage_data
from launcher.actions.exchanges import recent
from launcher.actions.steps import Step
from launcher.actions.usage import report
from launcher.actions.usage_data import clear_usage, export_to, rows_of, usage_size
from support.ledgers import NOON, failed, ledger, record

DAY_S = 86_400.0
OLD = record(1, started_at=NOON - 3 * DAY_S, tool="codex-cli")
NEW = record(2, started_at=NOON - 60)


def at_noon() -> float:
    return NOON


def rows(home: Path, what: str = "requests", *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
    return list(rows_of(home, what, *args, clock=at_noon, **kwargs))


# --- taken along


def test_requests_come_whole_the_oldest_first(tmp_path: Path) -> None:
    home = ledger(tmp_path, NEW, OLD)
    first, second = rows(home)
    assert (first["id"], second["id"]) == ("kp0001", "kp0002")
    assert second["at"] == "2026-11-18T11:59:00.000+00:00"
    assert second["attempts"][0]["account"] == "mine"
    assert second["cost_usd"] == 0.5


@pytest.mark.parametrize(("what", "at"), [("hours", "hour_at"), ("days", "day_at")])
def test_sums_come_by_hour_and_by_day(tmp_path: Path, what: str, at: str) -> None:
    home = ledger(tmp_path, NEW, OLD, record(3, started_at=NOON - 30))
    first, second = rows(home, what)
    assert (first["requests"], second["requests"], second["tool"]) == (1, 2, "claude-code")
    assert second[at] <= NOON - 60


def test_they_are_narrowed_by_days_and_names(tmp_path: Path) -> None:
    home = ledger(tmp_path, NEW, OLD)
    assert [it["id"] for it in rows(home, "requests", 2)] == ["kp0002"]
    assert [it["id"] for it in rows(home, "requests", None, {"tool": "CODEX*"})] == ["kp0001"]
    assert [it["requests"] for it in rows(home, "days", 1)] == [1]


def test_rows_are_counted_for_who_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_data, "ROWS_A_STEP", 2)
    home = ledger(tmp_path, NEW, OLD, record(3, started_at=NOON - 30))
    told: list[Step] = []
    assert len(rows(home, on_step=told.append)) == 3
    assert told == [Step(done, 3, "requests") for done in (0, 2, 3)]
    told.clear()
    rows(home, "requests", None, {"tool": "codex*"}, on_step=told.append)
    assert told[-1] == Step(1, 1, "requests")
    told.clear()
    assert rows(tmp_path / "none", on_step=told.append) == []
    assert told == [Step(0, 0, "requests")]


def test_what_the_plan_does_not_keep_is_not_given(tmp_path: Path) -> None:
    home = ledger(tmp_path, NEW, record(9, started_at=NOON - 20 * DAY_S))
    assert len(rows(home)) == 1
    pro = Entitlement(Plan.PRO, LIMITS[Plan.PRO])
    assert len(rows(home, entitlement=pro)) == 2


def test_json_is_one_object_and_csv_a_table(tmp_path: Path) -> None:
    home = ledger(tmp_path / "home", NEW, failed(3, "KP-NET-305", started_at=NOON - 30))
    file = tmp_path / "out.json"
    assert export_to(str(file), "requests", iter(rows(home)), as_json=True) == 2
    told = json.loads(file.read_text())["requests"]
    assert [it["code"] for it in told] == ["", "KP-NET-305"]
    table = tmp_path / "out.csv"
    assert export_to(str(table), "requests", iter(rows(home)), as_json=False) == 2
    with table.open(newline="") as lines:
        first, second = csv.DictReader(lines)
    assert (first["id"], second["code"], second["cost_usd"]) == ("kp0002", "KP-NET-305", "")
    assert json.loads(first["attempts"])[0]["account"] == "mine"


def test_an_empty_ledger_gives_an_empty_object_and_a_head(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export_to("-", "days", iter(rows(tmp_path, "days")), as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"days": []}
    assert export_to("-", "days", iter(()), as_json=False) == 0
    assert capsys.readouterr().out.startswith("at,day_at,tool,")


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@x", "\tx"])
def test_a_name_is_no_formula(tmp_path: Path, name: str) -> None:
    """Clients choose the names of models; a spreadsheet must not run them."""
    home = ledger(tmp_path / "home", record(2, started_at=NOON - 60, requested_model=name))
    file = tmp_path / "out.csv"
    export_to(str(file), "requests", iter(rows(home)), as_json=False)
    with file.open(newline="") as lines:
        assert next(csv.DictReader(lines))["requested_model"] == f"'{name}"


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.touch()
    file.chmod(0o644)
    export_to(str(file), "days", iter(()), as_json=False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(KorProxyError) as caught:
        export_to(str(tmp_path / "no" / "file"), "days", iter(()), as_json=True)
    assert caught.value.spec is catalogue.FIELD_INVALID


# --- forgotten


def test_everything_is_forgotten(tmp_path: Path) -> None:
    home = ledger(tmp_path, OLD, NEW, failed(77, "KP-NET-305", started_at=NOON - 60))
    there = usage_size(home, clock=at_noon)
    assert there.requests == 3
    assert clear_usage(home, clock=at_noon) == there
    assert recent(home) == ()
    assert report(home, clock=at_noon).total.requests == 0
    assert usage_size(home, clock=at_noon) == Forgotten(0, 0)


def test_what_is_older_alone_may_be_forgotten(tmp_path: Path) -> None:
    home = ledger(tmp_path, NEW, OLD)
    assert usage_size(home, 2, clock=at_noon).requests == 1
    gone = clear_usage(home, 2, clock=at_noon)
    assert gone.requests == 1
    assert [it.id for it in recent(home)] == ["kp0002"]
    assert report(home, clock=at_noon).total.requests == 1


def test_a_folder_without_a_ledger_has_nothing_to_forget(tmp_path: Path) -> None:
    assert usage_size(tmp_path) == clear_usage(tmp_path) == Forgotten(0, 0)
    assert list(tmp_path.iterdir()) == []
