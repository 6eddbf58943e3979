"""`korproxy requests`: a list that is narrowed, and one request in full."""

import json
import re
from pathlib import Path

import pytest

from launcher.cli import run
from launcher.cli.requests import ID_CELLS, result
from support.command import called, failed, printed
from support.ledgers import NOON, ledger, record
from support.ledgers import failed as failed_one

type Output = pytest.CaptureFixture[str]

LONG = "kp01a202239587b30151a87382377b"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three requests, looked at in a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    return ledger(
        tmp_path,
        record(1, request_id=LONG, tool="codex-cli", requested_model="gpt-6.1-sol"),
        failed_one(2, "KP-NET-305"),
        record(3, outcome="client_gone", cost_usd=None),
    )


def test_the_newest_come_first_one_a_line(home: Path, capsys: Output) -> None:
    head, *lines = printed(home, capsys, "requests").splitlines()
    assert head.split() == ["when", "id", "tool", "model", "took", "result"]
    assert [line.split()[2] for line in lines[:3]] == ["kp0003", "kp0002", LONG[:ID_CELLS]]
    assert "client left" in lines[0]
    assert lines[1].rstrip().endswith("KP-NET-305")
    assert "gpt-6.1-sol" in lines[2]
    assert all(len(line) <= 80 for line in (head, *lines))


def test_a_long_name_takes_no_room_from_times_and_codes(
    tmp_path: Path, home: Path, capsys: Output
) -> None:
    name = "claude@an-account-with-a-name/claude-sonnet-5-5-that-is-long"
    ledger(tmp_path, record(4, requested_model=name, tool="visual-studio-code-of-somebody"))
    lines = printed(home, capsys, "requests").splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "claude@an" in lines[1]
    assert lines[3].rstrip().endswith("KP-NET-305")
    assert all(re.match(r"[0-9-]{5} [0-9:]{5}  kp|[0-9:]{8}  kp", it) for it in lines[1:5])


def test_a_wide_terminal_shows_account_tokens_and_cost(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    head, *lines = printed(home, capsys, "requests").splitlines()
    assert "account" in head
    assert lines[2].split()[-4:] == ["1.0k", "200", "0.50", "ok"]


def test_what_is_shown_of_an_id_finds_the_request(home: Path, capsys: Output) -> None:
    assert called(home, capsys, "requests", "show", LONG[:ID_CELLS])["request"]["id"] == "kp0001"


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["--failed"], ["kp0003", "kp0002"]),
        (["--outcome", "error"], ["kp0002"]),
        (["--code", "KP-NET-*"], ["kp0002"]),
        (["--code", "305"], ["kp0002"]),
        (["--code", "net-305"], ["kp0002"]),
        (["--code", "auth-305"], []),
        (["--tool", "codex*"], ["kp0001"]),
        (["--search", "gpt-6"], ["kp0001"]),
        (["--status", "429"], ["kp0002"]),
        (["--slower", "60"], []),
        (["--slower", "4.9"], ["kp0003", "kp0002", "kp0001"]),
        (["--until", "2026-11-18T12:01:00+00:00"], ["kp0001"]),
        (["--since", "2026-11-18T12:02:00+00:00"], ["kp0003"]),
        (["-n", "1"], ["kp0003"]),
        (["--account", "mine", "--provider", "claude", "--profile", "default"], ["kp0003", "kp0002", "kp0001"]),
        (["--project", "x"], []),
        (["--key", "x"], []),
        (["--retried"], []),
        (["--model", "claude-*", "--tool", "claude-code"], ["kp0003", "kp0002"]),
    ],
    ids=lambda it: "-".join(it).strip("-")[:40] if it else "none",
)  # fmt: skip
def test_the_list_is_narrowed(home: Path, capsys: Output, words: list[str], ids: list[str]) -> None:
    assert [it["id"] for it in called(home, capsys, "requests", *words)["requests"]] == ids


def test_scripts_get_every_field_and_the_time(home: Path, capsys: Output) -> None:
    newest = called(home, capsys, "requests", "-n", "1")["requests"][0]
    assert newest["started_at"] == NOON + 120
    assert newest["at"].startswith("2026-11-1")
    assert newest["attempts"][0]["provider"] == "claude"


def test_an_empty_list_says_why(tmp_path: Path, home: Path, capsys: Output) -> None:
    assert printed(home, capsys, "requests", "--key", "x") == "No request is like that.\n"
    empty = tmp_path / "empty"
    assert printed(empty, capsys, "requests") == "Nothing was asked yet.\n"
    assert not empty.exists()


@pytest.mark.parametrize(
    "words", [["--outcome", "great"], ["--since", "soon"], ["--until", "soon"], ["-n", "0"]]
)
def test_a_wrong_call_is_said(home: Path, capsys: Output, words: list[str]) -> None:
    code, said = failed(home, capsys, "requests", *words)
    assert code == 2
    assert words[0] in said


def test_one_in_full_for_scripts(home: Path, capsys: Output) -> None:
    found = called(home, capsys, "requests", "show", "kp0002")
    assert found["error"]["code"] == "KP-NET-305"
    assert found["error"]["remedy"]
    assert found["accounts"]["mine"] == "My Claude"
    assert called(home, capsys, "requests", "show")["request"]["id"] == "kp0003"
    assert called(home, capsys, "requests", "show")["error"] is None


def test_an_unknown_one_is_said_with_what_to_do(home: Path, capsys: Output) -> None:
    code, said = failed(home, capsys, "requests", "show", "kp9999")
    assert (code, said.split()[0]) == (1, "KP-CONF-226")
    assert run(["requests", "show", "kp9999", "--home", str(home), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["remedy"]


def test_results_are_told_with_their_tries() -> None:
    attempts = record().attempts * 2
    assert result(record()) == ("ok", "green")
    assert result(record(attempts=attempts)) == ("ok ×2", "yellow")
    assert result(record(outcome="client_gone", attempts=attempts)) == ("client left ×2", "yellow")
    assert result(failed_one(1, "", status=500)) == ("status 500", "red")
    assert result(failed_one(1, "", status=None)) == ("status ?", "red")
