"""Sums of a span, from days and the hours at its ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.io.usage_sums import DAY_S, HOUR_S, load_sums, pieces, success_of
from korproxy_addons.usage.report import failures_of, lines_by, total_of
from support.ledgers import NOON, failed, ledger, record

RECORDS = (
    *(record(it, started_at=NOON + it * 5 * HOUR_S, account="other") for it in range(20)),
    failed(90, "KP-NET-305", started_at=NOON + 26 * HOUR_S),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerFile]:
    """Four days, an answer every five hours."""
    with LedgerFile(ledger(tmp_path_factory.mktemp("home"), *RECORDS) / FILE_NAME) as found:
        yield found


@given(st.integers(0, 10**9), st.integers(0, 200 * HOUR_S))
def test_pieces_cover_the_hours_of_a_span_once(since: int, length_s: int) -> None:
    until = since + length_s
    covered = since // HOUR_S * HOUR_S
    for span, _, begin, end in pieces(since, until):
        assert begin == covered
        assert end >= begin
        unit = DAY_S if span == "daily" else HOUR_S
        assert (begin % unit, end % unit) == (0, 0)
        covered = end
    assert covered == max(since // HOUR_S, -(-until // HOUR_S)) * HOUR_S


def test_a_month_is_read_by_days() -> None:
    spans = [it[0] for it in pieces(NOON, NOON + 30 * DAY_S)]
    assert spans == ["hourly", "daily", "hourly"]


@pytest.mark.parametrize(("since", "until"), [(0, 100), (5, 10), (13, 14), (0, 24), (11, 60)])
def test_the_sums_of_a_span_are_those_of_its_rows(file: LedgerFile, since: int, until: int) -> None:
    """Whether they come from days, hours, or both."""
    begin, end = NOON + since * HOUR_S, NOON + until * HOUR_S
    rows = [it for it in RECORDS if begin <= it.started_at < end]
    sums = load_sums(file, begin, end)
    total = total_of(sums)
    assert total.requests == len(rows)
    assert total.output_tokens == sum(it.output_tokens for it in rows)
    assert total.cost_usd == pytest.approx(sum(it.cost_usd or 0 for it in rows))
    answers = sum(it.outcome == "ok" for it in rows)
    assert (total.latency_ms.count if total.latency_ms else 0) == answers
    assert sum(it.requests for it in failures_of(sums)) == len(rows) - answers
    assert sum(hour[1] for hour in sums.hours) == len(rows)
    assert success_of(file, begin, end) == (answers, len(rows) - answers)


def test_korproxys_own_tests_say_nothing_of_how_well_it_serves(tmp_path: Path) -> None:
    own = failed(2, "KP-REQ-707", tool="korproxy")
    with LedgerFile(ledger(tmp_path, record(1), own, failed(3, "KP-NET-305")) / FILE_NAME) as file:
        assert success_of(file, NOON, NOON + DAY_S) == (1, 1)
        assert total_of(load_sums(file, NOON, NOON + DAY_S)).requests == 3


def test_combinations_that_come_from_several_pieces_are_one(file: LedgerFile) -> None:
    sums = load_sums(file, NOON, NOON + 100 * HOUR_S)
    keys = [keys for keys, _ in sums.sums]
    assert len(keys) == len(set(keys))
    assert len(lines_by(sums, "provider")) == 1


def test_sums_are_narrowed(file: LedgerFile) -> None:
    sums = load_sums(file, NOON, NOON + 100 * HOUR_S, {"account": "OTH*", "tool": "claude-code"})
    # Tokens count for the account whose attempt used them, requests for the one that was asked last: both by the attempt.
    assert total_of(sums).requests == 0
    sums = load_sums(file, NOON, NOON + 100 * HOUR_S, {"account": "MI*", "tool": "claude-code"})
    assert total_of(sums).requests == len(RECORDS)
    assert load_sums(file, NOON, NOON + DAY_S, {"tool": "cline"}).hours == []


def test_only_answers_to_prompts_have_a_time(tmp_path: Path) -> None:
    home = ledger(tmp_path, record(1), record(2, operation="count_tokens", total_ms=1.0))
    with LedgerFile(home / FILE_NAME) as file:
        total = total_of(load_sums(file, NOON, NOON + DAY_S))
    assert total.requests == 2
    assert total.latency_ms is not None
    assert total.latency_ms.count == 1


def test_a_folder_without_a_ledger_has_no_sums(tmp_path: Path) -> None:
    with LedgerFile(tmp_path / FILE_NAME) as file:
        assert total_of(load_sums(file, NOON, NOON + DAY_S)).requests == 0
        assert success_of(file, NOON, NOON + DAY_S) == (0, 0)
