"""What is left, read from what a gateway wrote; no gateway need run."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.accounts.spending import Drawn
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.database import open_database
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.quota_state import QuotaState
from korproxy_addons.providers.quota import FIVE_HOURS_S, Window
from launcher.actions.quota import quotas

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
ACCOUNTS: list[dict[str, Any]] = [
    {"id": "mine", "provider": "claude", "secret": "env:A", "label": "Mine"},
    {
        "id": "free", "provider": "qwen", "secret": "env:B",
        "overage": {"allow": True, "cap_usd": 5.0},
    },
]  # fmt: skip


def folder(home: Path, **windows: tuple[Window, ...]) -> Path:
    home.chmod(0o700)
    (home / "config.yaml").write_text(json.dumps({"version": 1, "accounts": ACCOUNTS}))
    (home / "config.yaml").chmod(0o600)
    if windows:
        database = open_database(home)
        database.open()
        state = QuotaState(database.write)
        for account, known in windows.items():
            state.save_windows(account, known)
        state.save_drawn(Drawn("free", "2027-01", 1.25, 2, NOW))
        state.save_drawn(Drawn("mine", "2026-12", 9.0, 9, NOW))
        database.flush()
        database.close()
    return home


HALF = Window("5h", 0.5, 50.0, 100.0, "requests", NOW + FIVE_HOURS_S * 0.75, FIVE_HOURS_S, NOW)


def test_windows_are_shown_as_they_stand_now(tmp_path: Path) -> None:
    home = folder(tmp_path, mine=(Window("weekly", 0.1, seen_at=NOW), HALF))
    mine, free = quotas(home, clock=lambda: NOW)
    assert (mine.id, mine.label, mine.provider, mine.access) == (
        "mine",
        "Mine",
        "claude",
        "api-key",
    )
    first, second = mine.windows
    assert (first.name, second.name) == ("5h", "weekly")
    assert (first.used_percent, first.remaining_percent) == (50.0, 50.0)
    assert (first.used, first.remaining, first.limit, first.unit) == (50, 50, 100, "requests")
    assert (first.reset_at, first.reset_in_s) == ("2027-01-15T11:45:00+00:00", 13_500)
    assert (first.pace, first.runs_out_at) == (2.0, "2027-01-15T09:15:00+00:00")
    assert first.seen_at == "2027-01-15T08:00:00+00:00"
    assert (mine.tells, free.tells, free.windows) == (True, False, ())


def test_a_window_whose_reset_has_passed_is_empty(tmp_path: Path) -> None:
    home = folder(tmp_path, mine=(HALF,))
    (mine, _) = quotas(home, clock=lambda: NOW + FIVE_HOURS_S)
    assert (mine.windows[0].used_percent, mine.windows[0].used) == (0.0, 0.0)


def test_what_was_drawn_this_month_is_shown(tmp_path: Path) -> None:
    mine, free = quotas(folder(tmp_path, mine=(HALF,)), clock=lambda: NOW)
    assert (free.overage.allowed, free.overage.cap_usd) == (True, 5.0)
    assert (free.overage.drawn_usd, free.overage.requests) == (1.25, 2)
    assert (mine.overage.allowed, mine.overage.requests) == (False, 0), "December is over"


def test_one_account_may_be_asked_for(tmp_path: Path) -> None:
    home = folder(tmp_path)
    assert [it.id for it in quotas(home, "free")] == ["free"]
    with pytest.raises(KorProxyError) as failed:
        quotas(home, "nobody")
    assert failed.value.spec is catalogue.ACCOUNT_UNKNOWN


def test_before_any_gateway_ran_nothing_is_known(tmp_path: Path) -> None:
    assert [it.windows for it in quotas(folder(tmp_path))] == [(), ()]
    assert not (tmp_path / FILE_NAME).exists(), "to look is not to make"


def test_a_file_of_an_older_gateway_is_no_failure(tmp_path: Path) -> None:
    home = folder(tmp_path)
    connection = sqlite3.connect(home / FILE_NAME)
    connection.execute("CREATE TABLE other (x)")
    connection.close()
    (home / FILE_NAME).chmod(0o600)
    assert [it.windows for it in quotas(home)] == [(), ()]
