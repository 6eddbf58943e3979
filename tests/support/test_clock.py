import pytest

from support.clock import FakeClock


def test_time_passes_only_when_told() -> None:
    clock = FakeClock(10.0)
    assert (clock(), clock()) == (10.0, 10.0)
    clock.advance(2.5)
    assert clock() == 12.5


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="does not go back"):
        FakeClock().advance(-1)
