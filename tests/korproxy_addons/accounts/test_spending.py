"""What was drawn beyond plans: by account and month, up to the cap."""

import pytest

from korproxy_addons.accounts.spending import Drawn, SpendingBook, month_of
from korproxy_addons.config.spending import OverageSettings

NOW = 1_800_000_000.0  # 2027-01-15
CAPPED = OverageSettings(allow=True, cap_usd=5.0)


def test_what_is_drawn_adds_up_within_its_month() -> None:
    told: list[Drawn] = []
    book = SpendingBook(told.append)
    book.add("a", 1.5, NOW)
    book.add("b", 9.0, NOW)
    after = book.add("a", 0.5, NOW + 60)
    assert after == Drawn("a", "2027-01", 2.0, 2, NOW + 60)
    assert book.drawn("a", NOW) == after
    assert [it.account_id for it in told] == ["a", "b", "a"]
    assert book.drawn("a", NOW + 31 * 86_400) == Drawn("a", "2027-02")


@pytest.mark.parametrize(
    ("settings", "drawn", "may"),
    [
        (OverageSettings(), 0.0, False),
        (CAPPED, 0.0, True),
        (CAPPED, 4.99, True),
        (CAPPED, 5.0, False),
    ],
)
def test_more_may_be_drawn_only_where_it_is_allowed_and_below_the_cap(
    settings: OverageSettings, drawn: float, *, may: bool
) -> None:
    book = SpendingBook()
    if drawn:
        book.add("a", drawn, NOW)
    assert book.may_draw("a", settings, NOW) is may


def test_a_new_month_begins_with_nothing_drawn() -> None:
    book = SpendingBook()
    book.add("a", 9.0, NOW)
    assert not book.may_draw("a", CAPPED, NOW)
    assert book.may_draw("a", CAPPED, NOW + 31 * 86_400)


def test_what_was_kept_counts_after_a_restart() -> None:
    book = SpendingBook()
    book.restore([Drawn("a", "2027-01", 5.0, 3, NOW)])
    assert not book.may_draw("a", CAPPED, NOW)
    assert book.add("a", 1.0, NOW).requests == 4


def test_months_are_counted_in_utc() -> None:
    assert month_of(1_798_761_599.0) == "2026-12"
    assert month_of(1_798_761_600.0) == "2027-01"
