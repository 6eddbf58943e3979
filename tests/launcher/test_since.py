import contextlib
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.since import EXPECTED, since_at

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC).timestamp()


@pytest.fixture(autouse=True, scope="module")
def greenwich() -> Iterator[None]:
    if sys.platform == "win32":
        pytest.skip("Windows has no way to choose a process's time zone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", "2026-11-22T12:28:30"),
        ("10m", "2026-11-22T12:20"),
        ("10 min", "2026-11-22T12:20"),
        ("2h", "2026-11-22T10:30"),
        ("3d", "2026-11-19T12:30"),
        ("12:30", "2026-11-22T12:30"),
        ("9:05", "2026-11-22T09:05"),
        ("12:29:59", "2026-11-22T12:29:59"),
        ("12:31", "2026-11-21T12:31"),
        ("2026-11-20", "2026-11-20T00:00"),
        (" 2026-11-20T10:00 ", "2026-11-20T10:00"),
        ("2026-11-20 10:00:01", "2026-11-20T10:00:01"),
        ("2026-11-20T10:00+02:00", "2026-11-20T08:00"),
    ],
)
def test_a_text_means_a_moment(text: str, expected: str) -> None:
    found = datetime.fromtimestamp(since_at(text, NOW), UTC)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "soon", "10", "10x", "24:00", "12:60", "2026-13-01", "-5m", "1e3s"]
)
def test_what_means_none_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="10m, 2h") as found:
        since_at(text, NOW)
    assert str(found.value) == EXPECTED


@given(st.text(max_size=12))
def test_any_text_is_a_moment_or_said_to_be_none(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(since_at(text, NOW), float)
