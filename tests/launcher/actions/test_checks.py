"""The value that self-test, bundle and doctor share."""

import pytest

from launcher.actions.checks import MARKS, ORDER, Check, Result, worst


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ((), "skip"),
        (("skip", "skip"), "skip"),
        (("ok", "skip"), "ok"),
        (("ok", "warn", "skip"), "warn"),
        (("warn", "fail", "ok"), "fail"),
    ],
)
def test_the_worst_result_speaks_for_all(results: tuple[Result, ...], expected: Result) -> None:
    """One failure makes a failure of the whole; what was not looked at changes nothing."""
    assert expected == worst(Check(name="x", result=it) for it in results)


def test_every_result_has_its_own_mark() -> None:
    """Results can be told apart without colour."""
    assert set(ORDER) == set(MARKS)
    assert len(ORDER) == len(set(MARKS.values()))
