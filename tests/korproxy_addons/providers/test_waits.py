"""Times to wait, as providers write them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.providers.waits import (
    duration_in_text_s,
    duration_s,
    instant_s,
    next_pacific_midnight,
    retry_after_s,
)

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("34.07s", 34.07),
        ("900ms", 0.9),
        ("6m0s", 360.0),
        ("9h22m20s", 33_740.0),
        ("33740.91s", 33_740.91),
        ("1s", 1.0),
        ("2h", 7200.0),
        ("1d2h", 93_600.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value", ["", "s", "5", "-5s", "5x", "1s later", None, 7, "9" * 70 + "s", "999999999d"]
)
def test_what_is_no_duration(value: object) -> None:
    assert duration_s(value) is None


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_any_go_duration(hours: int, minutes: int, seconds: int) -> None:
    assert duration_s(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


@given(st.text(max_size=40))
def test_any_text_gives_a_duration_or_none(text: str) -> None:
    for value in (duration_s(text), duration_in_text_s(text), instant_s(text)):
        assert value is None or value >= 0 or isinstance(value, float)
    assert (retry_after_s({"retry-after": text}, NOW) or 0) >= 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Rate limit reached. Please try again in 11.5s.", 11.5),
        ("You exceeded your current quota… Please retry in 34.07s.", 34.07),
        ("Individual quota reached. … Resets in 9h22m20s.", 33_740.0),
        ("Please try again in 6m0s.", 360.0),
        ("Please retry after 20 seconds.", 20.0),
        ("try again in 250ms", 0.25),
        ("try again in a moment", None),
        ("it took 5s", None),
    ],
)
def test_durations_in_sentences(text: str, seconds: float | None) -> None:
    assert duration_in_text_s(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after-ms": "1500", "retry-after": "30"}, 1.5),
        ({"retry-after": "Wed, 18 Nov 2026 23:07:10 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "99999999999"}, 400 * 86_400),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    if "GMT" in headers.get("retry-after", ""):
        at = datetime(2026, 11, 18, 23, 7, 10, tzinfo=ZoneInfo("UTC")).timestamp()
        assert retry_after_s(headers, at - 42) == 42.0
        assert (
            retry_after_s(headers, at + 42) == 0.0
        )  # a clock that is ahead: at once, never before
    else:
        assert retry_after_s(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1_795_010_000, 1_795_010_000.0),
        ("1795010001", 1_795_010_001.0),
        ("2026-11-21T21:03:14Z", 1_795_294_994.0),
        ("2026-11-21T21:03:14.123456+00:00", 1_795_294_994.123456),
        ("2026-11-21T21:03:14", 1_795_294_994.0),
        (True, None),
        (float("nan"), None),
        (-1, None),
        (1e12, None),
        ("tomorrow", None),
        (None, None),
        ([], None),
    ],
)
def test_instants(value: object, seconds: float | None) -> None:
    assert instant_s(value) == (None if seconds is None else pytest.approx(seconds))


@given(st.integers(1_700_000_000, 2_200_000_000))
def test_pacific_midnight_is_that_of_the_time_zone_database(now: int) -> None:
    at = next_pacific_midnight(float(now))
    local = datetime.fromtimestamp(at, ZoneInfo("America/Los_Angeles"))
    assert (local.hour, local.minute, local.second) == (0, 0, 0)
    assert 0 < at - now <= 25 * 3600
