"""Kept answers on disk: found again after a restart, within bounds, by their owner alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from korproxy_addons.config.conversations import ConversationSettings
from korproxy_addons.io.conversation_shelf import ConversationShelf, KeptAnswer
from korproxy_addons.io.database import Database, open_database

ON_DISK = ConversationSettings(keep="disk")


def kept(
    response_id: str = "resp_1", owner: str = "", at: float = 1000.0, size: int = 2
) -> KeptAnswer:
    return KeptAnswer(owner, response_id, "", b"[]", b"x" * size, at)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An open database."""
    found = open_database(tmp_path)
    found.open()
    yield found
    found.close()


def test_an_answer_outlives_the_process(tmp_path: Path) -> None:
    for turn in range(2):
        database = open_database(tmp_path)
        database.open()
        shelf = ConversationShelf(database)
        if not turn:
            shelf.put(kept(at=2_000_000_000.0), ON_DISK)
            assert database.flush()
        else:
            assert shelf.find("", "resp_1") == kept(at=2_000_000_000.0)
        database.close()


def test_only_its_owner_finds_it(database: Database) -> None:
    shelf = ConversationShelf(database)
    shelf.put(kept(owner="key:a"), ON_DISK)
    assert database.flush()
    assert shelf.find("key:b", "resp_1") is None
    assert shelf.find("key:a", "resp_1") is not None
    shelf.remove("key:b", "resp_1")
    assert database.flush()
    assert shelf.find("key:a", "resp_1") is not None


def test_what_is_removed_or_cleared_is_gone(database: Database) -> None:
    shelf = ConversationShelf(database)
    for name in ("resp_1", "resp_2", "resp_3"):
        shelf.put(kept(name), ON_DISK)
    shelf.remove("", "resp_1")
    assert database.flush()
    assert [shelf.find("", f"resp_{n}") is None for n in (1, 2, 3)] == [True, False, False]
    shelf.clear()
    assert database.flush()
    assert shelf.find("", "resp_2") is None


@pytest.mark.parametrize(
    ("settings", "size", "left"),
    [
        (ConversationSettings(keep="disk", max_answers=3), 2, [14, 15, 16]),
        (ConversationSettings(keep="disk", max_megabytes=1), 600_000, [16]),
        (ConversationSettings(keep="disk", max_hours=1), 2, [16]),
    ],
    ids=["number", "bytes", "age"],
)
def test_the_oldest_go_first(
    database: Database, settings: ConversationSettings, size: int, left: list[int]
) -> None:
    shelf = ConversationShelf(database)
    step_s = 4000.0 if settings.max_hours == 1 else 1.0
    for number in range(17):
        shelf.put(kept(f"resp_{number}", at=number * step_s, size=size), settings)
    assert database.flush()
    assert [n for n in range(17) if shelf.find("", f"resp_{n}")] == left


def test_what_is_used_is_not_old(database: Database) -> None:
    settings = ConversationSettings(keep="disk", max_answers=2)
    shelf = ConversationShelf(database)
    shelf.put(kept("resp_first", at=0.0), settings)
    for number in range(15):
        shelf.put(kept(f"resp_{number}", at=number + 1.0), settings)
    shelf.used("", ["resp_first"], 100.0)
    shelf.put(kept("resp_last", at=101.0), settings)
    assert database.flush()
    assert shelf.find("", "resp_first") is not None
    assert shelf.find("", "resp_14") is None
