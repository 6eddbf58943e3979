"""`korproxy quota`: bars for people, numbers for scripts."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from korproxy_addons.io.database import open_database
from korproxy_addons.io.quota_state import QuotaState
from korproxy_addons.providers.quota import FIVE_HOURS_S, Window
from launcher.actions.quota import AccountQuota, OverageView, WindowView
from launcher.cli import run
from launcher.cli.quota import BAR_CELLS, _print_overage, bar, colour, wait

FAR = 4_000_000_000.0


def folder(home: Path, *windows: Window, **extra: Any) -> list[str]:
    accounts = [
        {"id": "mine", "provider": "claude", "secret": "env:A", "label": "Mine", **extra},
        {"id": "other", "provider": "qwen", "secret": "env:B"},
    ]
    home.chmod(0o700)
    (home / "config.yaml").write_text(json.dumps({"version": 1, "accounts": accounts}))
    (home / "config.yaml").chmod(0o600)
    database = open_database(home)
    database.open()
    QuotaState(database.write).save_windows("mine", windows)
    database.flush()
    database.close()
    return ["quota", "--home", str(home)]


WINDOWS = (
    Window("5h", 0.25, reset_at=FAR, length_s=FIVE_HOURS_S, seen_at=1.0),
    Window("weekly", 0.5, 50.0, 100.0, "requests", seen_at=1.0, model_glob="claude-fable-*"),
    Window("credits", None, None, 12.0, "credits left", seen_at=1.0),
)


def test_for_people_each_window_is_a_bar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert run(folder(tmp_path, *WINDOWS)) == 0
    shown = capsys.readouterr().out
    lines = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
    assert bar(0.25) in lines["5h"]
    assert "25 % used" in lines["5h"]
    assert "resets in" in lines["5h"]
    assert "claude-fable-*" in lines["weekly"]
    assert "50 % used (50 of 100 requests)" in lines["weekly"]
    assert "12 credits left" in lines["credits"]
    assert "░" not in lines["credits"]
    assert "Mine  claude · api-key" in shown
    assert "this provider does not tell what is left" in shown


def test_for_scripts_the_same_as_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*folder(tmp_path, *WINDOWS), "mine", "--json"]) == 0
    (account,) = json.loads(capsys.readouterr().out)["accounts"]
    assert (account["id"], len(account["windows"])) == ("mine", 3)
    assert account["windows"][0]["used_percent"] == 25.0
    assert account["overage"]["allowed"] is False


def test_what_is_allowed_beyond_the_plan_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder(tmp_path, overage={"allow": True, "cap_usd": 7.5})) == 0
    assert "beyond the plan: allowed, 0.00 of 7.50 USD drawn this month" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("usd", "requests", "said"),
    [
        (0.0042, 1, "beyond the plan: 0.0042 USD by 1 request, then stopped"),
        (1.5, 3, "beyond the plan: 1.50 USD by 3 requests, then stopped"),
    ],
)
def test_what_was_drawn_before_the_guard_held_is_not_rounded_away(
    usd: float, requests: int, said: str
) -> None:
    drawn = OverageView(allowed=False, cap_usd=None, drawn_usd=usd, requests=requests)
    quota = AccountQuota(
        id="a", label="a", provider="claude", access="subscription", tells=True, windows=(),
        overage=drawn,
    )  # fmt: skip
    console = Console(width=80, file=StringIO(), highlight=False)
    _print_overage(console, quota)
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue().strip() == said


def test_an_unknown_account_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*folder(tmp_path), "nobody"]) == 1
    assert "KP-CONF-210" in capsys.readouterr().err


def test_without_accounts_it_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["quota", "--home", str(tmp_path / "new")]) == 0
    assert "korproxy account add" in capsys.readouterr().out


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.99, 1.0, 1.7, -1.0])
def test_a_bar_has_its_length_whatever_it_shows(share: float) -> None:
    drawn = bar(share)
    assert len(drawn) == BAR_CELLS
    assert drawn.count("█") == int(min(max(share, 0.0), 1.0) * BAR_CELLS + 1 / 16)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "<1m"), (59, "<1m"), (60, "1m"), (7500, "2h 5m"), (86_400 * 3 + 3600 * 4, "3d 4h")],
)
def test_spans_for_people(seconds: int, text: str) -> None:
    assert wait(seconds) == text


@pytest.mark.parametrize(
    ("left", "runs_out", "expected"),
    [
        (None, None, "default"),
        (4.0, None, "red"),
        (15.0, None, "yellow"),
        (80.0, "2027", "yellow"),
        (80.0, None, "green"),
    ],
)
def test_colours_warn(left: float | None, runs_out: str | None, expected: str) -> None:
    view = WindowView(
        name="5h", models="*", used_percent=None, remaining_percent=left, used=None,
        remaining=None, limit=None, unit="", reset_at=None, reset_in_s=None, pace=None,
        runs_out_at=runs_out, seen_at="",
    )  # fmt: skip
    assert colour(view) == expected
