"""`korproxy usage`: report, plans, export and clear."""

import csv
import io
import json
import sys
import time
from pathlib import Path

import pytest

from launcher.actions.exchanges import recent
from launcher.cli import run
from support.command import called, failed, printed
from support.ledgers import failed as failed_one
from support.ledgers import ledger, record

type Output = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder in which something was asked a minute ago, and once three days ago."""
    now = time.time()
    return ledger(
        tmp_path,
        record(1, started_at=now - 3 * 86_400, tool="codex-cli"),
        record(2, started_at=now - 60),
        failed_one(3, "KP-NET-305", started_at=now - 60),
    )


def test_scripts_get_the_whole_report(home: Path, capsys: Output) -> None:
    found = called(home, capsys, "usage")
    assert (found["days"], found["total"]["requests"]) == (7, 3)
    assert found["total"]["latency_ms"]["count"] == 2
    assert found["causes"][0]["code"] == "KP-NET-305"
    assert found["by"]["tool"][0]["name"] == "claude-code"
    assert found["dependability"]["targets"]["crash_free_percent"] == 99.5


def test_it_is_narrowed_by_days_and_names(home: Path, capsys: Output) -> None:
    found = called(home, capsys, "usage", "--days", "3", "--only", "tool=claude-*")
    assert (found["days"], found["total"]["requests"], found["only"]) == (
        3,
        2,
        {"tool": "claude-*"},
    )
    assert called(home, capsys, "usage", "--only", "tool=codex-cli")["total"]["requests"] == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--by", "colour"], ["--only", "colour=red"], ["--only", "tool"], ["--days", "0"], ["--days", "91"],
        ["export", "people"], ["export", "--csv", "--json"], ["clear", "--older-than", "0"],
    ],
    ids="-".join,
)  # fmt: skip
def test_a_wrong_call_is_said(home: Path, capsys: Output, words: list[str]) -> None:
    assert failed(home, capsys, "usage", *words)[0] == 2


def test_plans_whose_price_is_known_are_listed(capsys: Output) -> None:
    assert run(["usage", "plans", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {it["id"]: it["usd_per_month"] for it in told["plans"]}["claude-max-5x"] == 100
    assert told["checked"] >= "2026-11-22"
    assert run(["usage", "plans"]) == 0
    assert "Claude Max 5x" in capsys.readouterr().out


def test_it_is_taken_along_as_csv_and_json(home: Path, tmp_path: Path, capsys: Output) -> None:
    assert run(["usage", "export", "--home", str(home)]) == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [it["id"] for it in lines] == ["kp0001", "kp0002", "kp0003"]
    assert [it["id"] for it in called(home, capsys, "usage", "export")["requests"]] == [
        "kp0001", "kp0002", "kp0003",
    ]  # fmt: skip
    days = called(home, capsys, "usage", "export", "days", "--days", "2", "--only", "account=mine")
    assert sum(it["requests"] for it in days["days"]) == 2
    file = tmp_path / "out.csv"
    assert run(["usage", "export", "hours", "-o", str(file), "--home", str(home)]) == 0
    assert "hours were written to" in capsys.readouterr().err
    assert file.read_text().startswith("at,hour_at,tool")


def test_nothing_is_forgotten_without_a_yes(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    code, said = failed(home, capsys, "usage", "clear")
    assert code == 2
    assert "3 requests and their sums" in said
    assert "--yes" in said
    assert len(recent(home)) == 3


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 3)])
def test_a_person_is_asked_first(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    stdin = io.StringIO(answer)
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run(["usage", "clear", "--home", str(home)]) == int(left > 0)
    assert "Your own limits count by them" in capsys.readouterr().err
    assert len(recent(home)) == left


def test_with_a_yes_it_is_forgotten(home: Path, capsys: Output) -> None:
    assert called(home, capsys, "usage", "clear", "--older-than", "2", "--yes")["requests"] == 1
    assert "2 requests and" in printed(home, capsys, "usage", "clear", "--yes")
    assert recent(home) == ()
    assert printed(home, capsys, "usage", "clear") == "0 requests and 0 sums were forgotten.\n"
