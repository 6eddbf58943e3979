"""What is left of every account, as its provider told it last."""

import dataclasses

from korproxy_addons.accounts.quota import QuotaBook
from korproxy_addons.providers.quota import FIVE_HOURS_S, WEEK_S, Window, Windows

NOW = 1_800_000_000.0
FIVE = Window("5h", 0.5, reset_at=NOW + 3600, length_s=FIVE_HOURS_S, seen_at=NOW)
WEEK = Window("weekly", 0.2, reset_at=NOW + 90_000, length_s=WEEK_S, seen_at=NOW)
FABLE = dataclasses.replace(WEEK, used_share=0.9, model_glob="claude-fable-*")
MINUTE = Window("tokens-minute", 0.99, length_s=60.0, seen_at=NOW)


def changed(window: Window, **words: object) -> Window:
    return dataclasses.replace(window, **words)  # type: ignore[arg-type]


def test_the_last_word_counts_whatever_order_it_comes_in() -> None:
    book = QuotaBook()
    book.observe("a", [WEEK, FIVE])
    assert book.windows("a") == (FIVE, WEEK)
    newer = changed(FIVE, used_share=0.6, seen_at=NOW + 1)
    book.observe("a", [newer])
    book.observe("a", [FIVE])
    assert book.windows("a") == (newer, WEEK)
    assert book.windows("b") == ()


def test_only_what_is_worth_a_write_is_told() -> None:
    told: list[tuple[str, Windows]] = []
    book = QuotaBook(lambda account, windows: told.append((account, windows)))
    book.observe("a", [FIVE, WEEK])
    book.observe("a", [changed(FIVE, seen_at=NOW + 1), changed(WEEK, reset_at=NOW + 90_001)])
    more = changed(FIVE, used_share=0.502, seen_at=NOW + 2)
    book.observe("a", [more])
    moved = changed(more, reset_at=NOW + 7200, seen_at=NOW + 3)
    book.observe("a", [moved])
    assert told == [("a", (FIVE, WEEK)), ("a", (more,)), ("a", (moved,))]


def test_what_was_kept_does_not_replace_what_is_known() -> None:
    told: list[str] = []
    book = QuotaBook(lambda account, _: told.append(account))
    book.observe("a", [FIVE])
    book.restore({"a": [changed(FIVE, used_share=0.1), WEEK], "b": [WEEK]})
    assert book.windows("a") == (FIVE, WEEK)
    assert book.windows("b") == (WEEK,)
    assert told == ["a"], "what comes from the disk is not written again"


def test_the_tightest_window_is_the_one_that_stops_first() -> None:
    book = QuotaBook()
    book.observe("a", [FIVE, WEEK, FABLE, MINUTE, Window("credits", None, seen_at=NOW)])
    assert book.tightest("a", "claude-opus-5", NOW) == FIVE
    assert book.tightest("a", "claude-fable-5", NOW) == FABLE
    later = book.tightest("a", "claude-opus-5", NOW + 4000)
    assert later is not None
    assert later.name == "weekly", "the five hours have begun anew"
    assert book.tightest("b", "m", NOW) is None


def test_accounts_that_left_are_forgotten() -> None:
    book = QuotaBook()
    book.observe("a", [FIVE])
    book.observe("b", [FIVE])
    book.keep(["b"])
    assert (book.windows("a"), book.windows("b")) == ((), (FIVE,))


def test_a_provider_cannot_fill_the_memory() -> None:
    book = QuotaBook()
    for number in range(1000):
        book.observe("a", [Window(f"w{number}", 0.1, seen_at=NOW)])
    assert len(book.windows("a")) == 32
    book.observe("a", [Window("w0", 0.2, seen_at=NOW)])
    assert any(it.used_share == 0.2 for it in book.windows("a")), "what is known is still updated"
