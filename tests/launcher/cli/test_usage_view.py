"""The usage report as text."""

import re
import time
from pathlib import Path

import pytest

from korproxy_addons.usage.availability import Moment
from support import ledgers
from support.command import printed
from support.ledgers import failed, ledger, record

type Output = pytest.CaptureFixture[str]


def filled(home: Path, *plans: object) -> Path:
    """A folder in which enough was asked to show every part of a report."""
    now = time.time()
    told = dict(zip(("mine", "other"), plans, strict=False))
    found = ledger(
        home,
        record(1, started_at=now - 60, reasoning_tokens=9),
        record(2, started_at=now - 60, tool="codex-cli", outcome="client_gone"),
        failed(3, "KP-NET-305", started_at=now - 60, tool=""),
        failed(4, "overloaded_error", started_at=now - 60, tool=""),
        usage={"plans": told},
    )
    ledgers.watched(
        found,
        now,
        Moment(now - 86_400, "healthy"),
        Moment(now - 3600, "starting", "restart", "exit"),
        Moment(now - 3597, "healthy"),
    )
    return found


@pytest.mark.parametrize("columns", [80, 120])
def test_every_part_of_a_report_fits_the_terminal(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    said = printed(filled(tmp_path, "claude-max-5x", "odd plan"), capsys, "usage")
    assert max(map(len, said.splitlines())) <= columns
    for part in (
        "7 days to ",
        "1 succeeded, 2 failed, 1 left by the client; 4 attempts",
        "latency     p50 5.",
        "tokens/s    p50 ",
        "KP-NET-305",
        "The connection to the provider broke",
        "the provider's own word",
        "Claude Max 5x  My Claude",
        "price not known",
        "The last 7 days",
        "target 99 %: not reached",
        "of its hours; 1 crash; target 99.5 %: not reached",
    ):
        assert part in said
    assert re.search(r"requests  [·█]{7} +4", said)
    assert ("p99" in said.split("\n\n")[1]) is (columns == 120)


def test_tables_are_told_by_what_is_asked_for(tmp_path: Path, capsys: Output) -> None:
    said = printed(filled(tmp_path), capsys, "usage", "--by", "account", "--by", "key")
    tables = [part.split()[0] for part in said.split("\n\n")]
    assert "account" in tables
    assert "My Claude" in said
    assert "key" not in tables, "nobody used one"
    assert "model" not in tables


def test_a_report_of_nothing_says_so(tmp_path: Path, capsys: Output) -> None:
    said = printed(tmp_path / "none", capsys, "usage")
    assert "Nothing was asked in this time." in said
    assert said.count("nothing seen yet; target") == 3


def test_it_says_where_less_is_kept_than_was_asked_for(tmp_path: Path, capsys: Output) -> None:
    said = printed(ledger(tmp_path), capsys, "usage", "--days", "30")
    assert "Usage is kept for 7 days" in said
    assert said.startswith("7 days to")
    assert "kept for" not in printed(ledger(tmp_path), capsys, "usage", "--days", "1")


def test_long_tables_are_cut_and_say_so(tmp_path: Path, capsys: Output) -> None:
    now = time.time()
    home = ledger(
        tmp_path, *(record(it, started_at=now - 60, tool=f"tool-{it}") for it in range(15))
    )
    assert "and 3 more; --json has all" in printed(home, capsys, "usage", "--by", "tool")


def test_what_has_no_price_or_was_not_told_is_said(tmp_path: Path, capsys: Output) -> None:
    from msgspec import structs

    tried = structs.replace(ledgers.ATTEMPT, cost_usd=None, incomplete=True)
    home = ledger(
        tmp_path, record(1, started_at=time.time() - 60, attempts=(tried,), cost_usd=None)
    )
    said = printed(home, capsys, "usage")
    assert "for 1 attempts; usage.prices can give one" in said
    assert "1 attempts may have used more than their provider told" in said


@pytest.mark.parametrize("columns", [80, 120])
def test_long_names_leave_the_numbers_their_room(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    home = ledger(
        tmp_path,
        record(
            1,
            started_at=time.time(),
            project=f"/home/{'long/' * 30}my-project",
            tool="x" * 150,
            cost_usd=1234.5,
        ),
    )
    said = printed(home, capsys, "usage", "--by", "project", "--by", "tool")
    tables = [part.splitlines() for part in said.split("\n\n")[1:3]]
    assert [lines[0].split()[-1] for lines in tables] == ["tok/s", "tok/s"]
    project, tool = (lines[1] for lines in tables)
    for line in (project, tool):
        assert line.count("…") == 1
        assert "100 %" in line
        assert len(line) <= columns
    assert "my-project" in project
