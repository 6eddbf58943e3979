"""Percentiles of counts in buckets, beside those of the values themselves."""

from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.usage.spread import MEASURES, TOKENS_PER_S, TOTAL_MS, Measure, percentiles

WIDTH = 2 ** (1 / 4) * 1.001


def counted(measure: Measure, values: list[float]) -> list[int]:
    counts = [0] * len(measure.columns)
    for value in values:
        counts[bisect_right(measure.bounds, value)] += 1
    return counts


def test_buckets_and_columns_belong_together() -> None:
    for measure in MEASURES:
        assert len(measure.columns) == len(measure.bounds) + 1
        assert list(measure.bounds) == sorted(set(measure.bounds))
    assert (TOTAL_MS.bounds[0], TOTAL_MS.bounds[-1]) == (1.0, 2.0**21)
    names = [column for measure in MEASURES for column in measure.columns]
    assert len(names) == len(set(names))


def test_no_values_have_no_percentiles() -> None:
    assert percentiles(TOTAL_MS, counted(TOTAL_MS, [])) is None


def test_evenly_spread_values_are_told_closely() -> None:
    found = percentiles(TOTAL_MS, counted(TOTAL_MS, [float(it) for it in range(1, 10_001)]))
    assert found is not None
    assert found.count == 10_000
    assert found.p50 == pytest.approx(5000, rel=0.03)
    assert found.p90 == pytest.approx(9000, rel=0.03)
    # Where values end within a bucket, they do not lie evenly in it.
    assert found.p99 == pytest.approx(9900, rel=0.1)


@given(st.lists(st.floats(1, 2**20), min_size=1, max_size=200))
def test_a_percentile_is_never_further_off_than_its_bucket(values: list[float]) -> None:
    found = percentiles(TOTAL_MS, counted(TOTAL_MS, values))
    assert found is not None
    ordered = sorted(values)
    for told, share in ((found.p50, 0.5), (found.p90, 0.9), (found.p99, 0.99)):
        rank = share * len(ordered)
        exact = ordered[int(-(-rank // 1)) - 1]
        assert exact / WIDTH - 0.1 <= told <= exact * WIDTH + 0.1
    assert found.p50 <= found.p90 <= found.p99


def test_what_is_beyond_the_buckets_is_told_as_their_ends() -> None:
    low = percentiles(TOKENS_PER_S, counted(TOKENS_PER_S, [0.01]))
    high = percentiles(TOKENS_PER_S, counted(TOKENS_PER_S, [1e9]))
    assert low is not None
    assert high is not None
    assert (low.p50, high.p50) == (1.0, 8192.0)
