"""Usage reports, read from the ledger and the launcher's timeline: no gateway need run, and none that does is asked."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

from korproxy_addons.config.schema import Config
from korproxy_addons.errors.catalogue import CATALOGUE
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.io.tables import timeline
from korproxy_addons.io.usage_sums import load_sums, success_of
from korproxy_addons.licensing.entitlement import FREE, Entitlement, kept_days
from korproxy_addons.usage.availability import Availability, Moment, availability
from korproxy_addons.usage.plans import OwnPlan, PlanValue, plan_values
from korproxy_addons.usage.report import (
    DIMENSIONS,
    Day,
    Line,
    Sums,
    costs_by_account,
    dates,
    days_of,
    failures_of,
    lines_by,
    total_of,
)
from launcher.actions.readable_config import readable_config

WEEK_DAYS = 7
SUCCESS_TARGET, UPTIME_TARGET, CRASH_FREE_TARGET = 99.0, 99.0, 99.5
_DAY_S = 86_400.0
# So few days are told by the hour.
_BY_HOUR_DAYS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """
    Why requests failed.

    Attributes:
        code: Its code, an upstream's word for it, or `status 500`.
        title: What the code means; "" where it is not ours.
        remedy: What to do first; "" likewise.
        requests: Requests that ended with it.
        attempts: Attempts that did; another account may have answered then.
    """

    code: str
    title: str
    remedy: str
    requests: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependability:
    """
    How dependable the last seven days were.

    Attributes:
        success_percent: Requests that succeeded, of those that somebody waited for.
        uptime_percent: Time in which the gateway answered, of the time it was meant to.
        crash_free_percent: Hours without a crash, of the hours it was meant to serve in.
        requests: So many requests.
        watched_s: For so long the gateway was meant to serve, and a launcher watched.
        crashes: So many crashes.
        targets: What each share should reach.
    """

    success_percent: float | None
    uptime_percent: float | None
    crash_free_percent: float | None
    requests: int
    watched_s: float
    crashes: int
    targets: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """
    What was used, and how it went.

    Attributes:
        since, until: ISO 8601, local time.
        days: Days reported on, today included.
        asked_days: Days asked for.
        kept_days: Days that are kept, by the configuration and KorProxy's plan.
        plan: KorProxy's plan.
        only: What the report is narrowed to.
        total: Everything together.
        course: By day; by hour for two days or less.
        by: Lines by dimension.
        causes: Failures by cause, the most frequent first.
        values: What the use of accounts was worth beside their plans' prices.
        dependability: Of the last seven days, whatever the report is narrowed to.
        labels: Names for people of the accounts, by id.
    """

    since: str
    until: str
    days: int
    asked_days: int
    kept_days: int
    plan: str
    only: Mapping[str, str]
    total: Line
    course: tuple[Day, ...]
    by: Mapping[str, tuple[Line, ...]]
    causes: tuple[Cause, ...]
    values: tuple[PlanValue, ...]
    dependability: Dependability
    labels: Mapping[str, str]


def report(
    home: Path,
    days: int = WEEK_DAYS,
    only: Mapping[str, str] | None = None,
    *,
    entitlement: Entitlement = FREE,
    clock: Callable[[], float] = time.time,
) -> UsageReport:
    """
    The report of the last days.

    Args:
        home: The KorProxy folder.
        days: How many, today included; no more than are kept.
        only: Dimension to what it must be, whatever the case, with `*` for anything.
        entitlement: KorProxy's plan.
        clock: Unix seconds.
    Raises:
        KeyError: There is no such dimension.
        KorProxyError: STATE_DAMAGED or STATE_UNAVAILABLE, the ledger cannot be read.
    """
    config = readable_config(home)
    kept = kept_days(config.usage.keep_days, entitlement)
    shown = max(1, min(days, kept))
    now = clock()
    today = _local(now).date()
    since = begin_of_day(today - timedelta(days=shown - 1))
    with LedgerFile(home / FILE_NAME) as file, file.at_one_moment():
        sums = load_sums(file, since, now, only)
        succeeded, failed = success_of(file, now - WEEK_DAYS * _DAY_S, now)
    return UsageReport(
        since=_local(since).isoformat(timespec="seconds"),
        until=_local(now).isoformat(timespec="seconds"),
        days=shown,
        asked_days=days,
        kept_days=kept,
        plan=str(entitlement.plan),
        only=dict(only or {}),
        total=total_of(sums),
        course=_course(sums, today, shown, now),
        by={dimension: lines_by(sums, dimension) for dimension in DIMENSIONS},
        causes=_causes(sums),
        values=_values(config, sums, since, now),
        dependability=_dependability(succeeded, failed, watched(home, now)),
        labels={it.id: it.shown_as for it in config.accounts},
    )


def watched(home: Path, now: float, days: int = WEEK_DAYS) -> Availability:
    """
    How dependable the gateway was in the last days, as its launcher saw it.

    Raises:
        KorProxyError: STATE_DAMAGED or STATE_UNAVAILABLE, the timeline cannot be read.
    """
    since = now - days * _DAY_S
    with LedgerFile(home / timeline.FILE_NAME) as file, file.at_one_moment():
        moments = [Moment(*row) for row in file.rows(timeline.MOMENTS, (since,))]
        seen = file.rows(timeline.SEEN_AT)
    return availability(moments, float(seen[0][0]) if seen else None, since, now)


def begin_of_day(day: date) -> float:
    """Unix seconds at which a day begins here."""
    return datetime.combine(day, time_of_day()).astimezone().timestamp()


def _course(sums: Sums, today: date, days: int, now: float) -> tuple[Day, ...]:
    first = today - timedelta(days=days - 1)
    if days > _BY_HOUR_DAYS:
        return days_of(sums, dates(first, today), lambda at: _local(at).date().isoformat())
    begin = int(begin_of_day(first) // 3600) * 3600
    hours = range(begin, int(now) + 1, 3600)
    return days_of(sums, [_hour(at) for at in hours], _hour)


def _hour(at: float) -> str:
    return _local(at).strftime("%Y-%m-%dT%H:00")


def _causes(sums: Sums) -> tuple[Cause, ...]:
    found = []
    for it in failures_of(sums):
        spec = CATALOGUE.get(it.code)
        found.append(
            Cause(
                code=it.code,
                title=spec.title if spec is not None else "",
                remedy=spec.remedy[0] if spec is not None and spec.remedy else "",
                requests=it.requests,
                attempts=it.attempts,
            )
        )
    return tuple(found)


def _values(config: Config, sums: Sums, since: float, until: float) -> tuple[PlanValue, ...]:
    own = {
        account: OwnPlan(plan=it.plan or "", usd_per_month=it.usd_per_month)
        for account, it in config.usage.plans.items()
    }
    return plan_values(own, costs_by_account(sums), since, until)


def _dependability(succeeded: int, failed: int, seen: Availability) -> Dependability:
    requests = succeeded + failed
    return Dependability(
        success_percent=_percent(succeeded / requests if requests else None),
        uptime_percent=_percent(seen.uptime_share),
        crash_free_percent=_percent(seen.crash_free_share),
        requests=requests,
        watched_s=round(seen.wanted_s),
        crashes=seen.crashes,
        targets={
            "success_percent": SUCCESS_TARGET,
            "uptime_percent": UPTIME_TARGET,
            "crash_free_percent": CRASH_FREE_TARGET,
        },
    )


def _percent(share: float | None) -> float | None:
    """Cut, not rounded up: 98.999 % is less than 99 %."""
    return None if share is None else int(share * 10_000 + 1e-6) / 100


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone()
