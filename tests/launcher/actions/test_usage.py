"""Usage reports, from what a gateway and a launcher left behind."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.licensing.entitlement import LIMITS, Entitlement, Plan
from korproxy_addons.usage.availability import Moment
from korproxy_addons.usage.plans import DAYS_PER_MONTH
from launcher.actions.usage import begin_of_day, report, watched
from support import ledgers
from support.ledgers import NOON, failed, ledger, record

DAY_S = 86_400.0
PRO = Entitlement(Plan.PRO, LIMITS[Plan.PRO])

needs_tzset = pytest.mark.skipif(sys.platform == "win32", reason="the zone is the process's own")


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Moves this process to another zone."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


def at_noon() -> float:
    return NOON


def test_a_report_has_sums_lines_causes_and_a_course(tmp_path: Path) -> None:
    home = ledger(
        tmp_path,
        record(1, started_at=NOON - 2 * DAY_S),
        record(2, started_at=NOON - DAY_S, tool="codex-cli"),
        failed(3, "KP-NET-305", started_at=NOON - 60),
        failed(4, "overloaded_error", started_at=NOON - 30),
        record(5, started_at=NOON - 8 * DAY_S),
    )
    found = report(home, clock=at_noon)
    assert (found.days, found.asked_days, found.plan) == (7, 7, "free")
    assert (found.total.requests, found.total.failed, found.total.cost_usd) == (4, 2, 1.0)
    assert found.total.latency_ms is not None
    assert found.total.latency_ms.p50 == pytest.approx(5000, rel=0.2)
    assert [(it.name, it.requests) for it in found.by["tool"]] == [
        ("claude-code", 3), ("codex-cli", 1),
    ]  # fmt: skip
    assert set(found.by) == {
        "provider", "account", "model", "profile", "project", "tool", "key", "group", "operation",
    }  # fmt: skip
    first, second = found.causes
    spec = catalogue.CATALOGUE["KP-NET-305"]
    assert (first.code, first.title, first.remedy) == (spec.code, spec.title, spec.remedy[0])
    assert (second.code, second.title, second.requests) == ("overloaded_error", "", 1)
    assert len(found.course) == 7
    assert sum(it.requests for it in found.course) == 4
    assert found.labels == {"mine": "My Claude", "other": "other"}


def test_it_goes_back_as_far_as_is_kept(tmp_path: Path) -> None:
    home = ledger(tmp_path, record(1, started_at=NOON - 20 * DAY_S), usage={"keep_days": 40})
    free = report(home, 30, clock=at_noon)
    assert (free.days, free.asked_days, free.kept_days, free.total.requests) == (7, 30, 7, 0)
    paid = report(home, 30, entitlement=PRO, clock=at_noon)
    assert (paid.days, paid.kept_days, paid.plan, paid.total.requests) == (30, 40, "pro", 1)
    assert report(home, 90, entitlement=PRO, clock=at_noon).days == 40


def test_a_short_one_is_told_by_the_hour(tmp_path: Path) -> None:
    home = ledger(tmp_path, record(1, started_at=NOON - 60))
    course = report(home, 1, clock=at_noon).course
    assert sum(it.requests for it in course) == 1
    assert all("T" in it.at for it in course)


@needs_tzset
@pytest.mark.parametrize(
    ("name", "days"), [("UTC0", [0, 1, 2]), ("Tokyo-9", [1, 2, 0]), ("Adak+10", [0, 2, 1])]
)
def test_days_are_those_of_this_place(
    tmp_path: Path, zone: Callable[[str], None], name: str, days: list[int]
) -> None:
    """Requests at 11:30 UTC, an hour after 00:00 UTC of that day, and half an hour before 12:00 UTC of the day before."""
    home = ledger(
        tmp_path,
        record(1, started_at=NOON - 1800),
        record(2, started_at=NOON - 11 * 3600),
        record(3, started_at=NOON - DAY_S - 1800),
    )
    zone(name)
    # The same moment for all: afternoon in UTC, the next day in Tokyo, morning in Adak.
    course = report(home, clock=lambda: NOON + 4 * 3600).course
    assert [it.requests for it in course[-3:]] == days


@needs_tzset
def test_a_day_begins_at_midnight_here(zone: Callable[[str], None]) -> None:
    from datetime import date

    zone("UTC0")
    assert begin_of_day(date(2026, 11, 18)) == NOON - DAY_S / 2
    zone("Tokyo-9")
    assert begin_of_day(date(2026, 11, 18)) == NOON - DAY_S / 2 - 9 * 3600


def test_plans_are_told_beside_what_was_got_for_them(tmp_path: Path) -> None:
    plans = {"mine": "claude-max-5x", "other": {"plan": "Mine alone", "usd_per_month": 7}}
    home = ledger(tmp_path, record(1, started_at=NOON - 60), usage={"plans": plans})
    mine, other = report(home, clock=at_noon).values
    assert (mine.account, mine.plan, mine.cost_usd) == ("mine", "Claude Max 5x", 0.5)
    assert mine.price_usd == pytest.approx(100 * 6.5 / DAYS_PER_MONTH, rel=0.1)
    assert (other.plan, other.cost_usd) == ("Mine alone", 0.0)


def test_it_is_narrowed_but_how_dependable_it_was_is_not(tmp_path: Path) -> None:
    home = ledger(
        tmp_path,
        record(1, started_at=NOON - 60),
        *(record(it, started_at=NOON - 60, tool="cline") for it in range(2, 99)),
        failed(99, "KP-NET-305", started_at=NOON - 60, tool="cline"),
        failed(100, "KP-NET-305", started_at=NOON - 60, tool="cline"),
    )
    found = report(home, only={"tool": "claude-*"}, clock=at_noon)
    assert (found.total.requests, found.total.failed, found.causes) == (1, 0, ())
    assert (found.dependability.requests, found.dependability.success_percent) == (100, 98.0)
    assert found.dependability.targets["success_percent"] == 99.0


def test_shares_come_from_the_launchers_timeline(tmp_path: Path) -> None:
    home = ledger(tmp_path)
    begin = NOON - 7 * DAY_S
    ledgers.watched(
        home,
        NOON - 3600,
        Moment(begin - DAY_S, "healthy"),
        Moment(begin + 90 * 3600 - 0.5, "starting", "restart", "it ended with exit code -9"),
        Moment(begin + 90 * 3600 + 360, "healthy"),
    )
    found = report(home, clock=at_noon).dependability
    assert found.crashes == 1
    assert found.watched_s == 167 * 3600
    assert found.uptime_percent == 99.94
    assert found.crash_free_percent == 99.4
    assert watched(home, NOON, days=1).crashes == 0


def test_a_folder_without_anything_has_a_report(tmp_path: Path) -> None:
    found = report(tmp_path / "none", clock=at_noon)
    assert (found.total.requests, found.total.success_percent, found.values) == (0, None, ())
    dependability = found.dependability
    assert (dependability.uptime_percent, dependability.crash_free_percent) == (None, None)
    assert list(tmp_path.iterdir()) == []


def test_a_share_is_never_rounded_up_to_its_target(tmp_path: Path) -> None:
    home = ledger(
        tmp_path,
        *(record(it, started_at=NOON - 60) for it in range(1, 990)),
        *(failed(it, "KP-NET-305", started_at=NOON - 60) for it in range(990, 1001)),
    )
    assert report(home, clock=at_noon).dependability.success_percent == 98.9
    assert report(home, clock=at_noon).total.success_percent == 98.9


def test_a_damaged_ledger_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database " * 500)
    with pytest.raises(KorProxyError) as caught:
        report(tmp_path, clock=at_noon)
    assert caught.value.spec is catalogue.STATE_DAMAGED
