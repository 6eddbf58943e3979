"""Windows and what was drawn survive the process."""

from pathlib import Path

from korproxy_addons.accounts.spending import Drawn
from korproxy_addons.io.database import Reader, open_database
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.quota_state import QuotaState, load_drawn, load_windows
from korproxy_addons.providers.quota import WEEK_S, Window

NOW = 1_800_000_000.0
FULL = Window("weekly", 0.5, 50.0, 100.0, "requests", NOW + 60, WEEK_S, NOW, "claude-fable-*")
BARE = Window("credits", None, seen_at=NOW)


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    database.open()
    state = QuotaState(database.write)
    state.save_windows("a", (FULL, BARE))
    state.save_windows("b", (BARE,))
    state.save_drawn(Drawn("a", "2027-01", 1.25, 2, NOW))
    state.save_drawn(Drawn("a", "2027-01", 1.5, 3, NOW + 1))
    database.flush()
    assert sorted(load_windows(database)["a"], key=lambda it: it.name) == [BARE, FULL]
    assert load_windows(database)["b"] == [BARE]
    assert load_drawn(database) == [Drawn("a", "2027-01", 1.5, 3, NOW + 1)]
    database.close()
    reader = Reader(tmp_path / FILE_NAME)
    assert set(load_windows(reader)) == {"a", "b"}
    reader.close()


def test_the_same_window_is_kept_once(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    database.open()
    state = QuotaState(database.write)
    for share in (0.1, 0.2, 0.3):
        state.save_windows("a", (Window("5h", share, seen_at=NOW),))
    database.flush()
    assert [it.used_share for it in load_windows(database)["a"]] == [0.3]
    database.close()


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    reader = Reader(tmp_path / FILE_NAME)
    assert (load_windows(reader), load_drawn(reader)) == ({}, [])
    reader.close()
