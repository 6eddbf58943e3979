"""Numbers as people read them."""

import pytest

from launcher.cli.numbers import amount, percent, span, sparkline, usd, whole


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"), (950, "950"), (999, "999"), (1000, "1.0k"), (9_040, "9.0k"), (99_960, "100k"),
        (999_400, "999k"), (999_500, "1.0M"), (1_250_000, "1.2M"), (3_400_000_000, "3.4G"),
    ],
)  # fmt: skip
def test_amounts_are_short(number: float, text: str) -> None:
    assert amount(number) == text


def test_a_whole_number_has_all_its_digits() -> None:
    assert whole(1_234_567) == "1,234,567"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "–"), (0.84, "0.8 ms"), (9.99, "10.0 ms"), (312.4, "312 ms"), (999.4, "999 ms"),
        (999.6, "1.0 s"), (4120, "4.1 s"), (99_949, "99.9 s"), (99_960, "1m 40s"),
        (3_599_000, "59m 59s"), (5_400_000, "1h 30m"),
    ],
)  # fmt: skip
def test_spans_have_the_unit_that_suits_them(milliseconds: float | None, text: str) -> None:
    assert span(milliseconds) == text


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (None, "–"),
        (0.0, "0.00"),
        (0.00001, "<0.0001"),
        (0.0123, "0.0123"),
        (0.1, "0.10"),
        (1234.5, "1,234.50"),
    ],
)
def test_dollars_have_the_digits_that_say_something(dollars: float | None, text: str) -> None:
    assert usd(dollars) == text


@pytest.mark.parametrize(
    ("share", "text"), [(None, "–"), (100.0, "100 %"), (99.31, "99.31 %"), (98.9, "98.90 %")]
)
def test_percentages(share: float | None, text: str) -> None:
    assert percent(share) == text


def test_a_sparkline_is_as_high_as_its_values() -> None:
    assert sparkline([0, 1, 4, 8]) == "·▂▅█"
    assert sparkline([0, 0.0001, 8]) == "·▁█", "something is never shown as nothing"
    assert sparkline([0, 0]) == "··"
    assert sparkline([]) == ""
