"""What is kept is read without being changed; a file of another version is no error."""

import sqlite3
from pathlib import Path

from korproxy_addons.accounts.health import Health, State
from korproxy_addons.accounts.stickiness import Home, conversation_key
from korproxy_addons.io.account_state import AccountState
from korproxy_addons.io.database import open_database
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.kept_state import KeptState
from korproxy_addons.io.quota_state import QuotaState
from korproxy_addons.providers.quota import Window

NOW = 1_800_000_000.0


def test_health_homes_and_windows_are_known_again(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    database.open()
    kept = AccountState(database)
    kept.save_health("a", "*", Health(State.RATE_LIMITED, NOW + 60, code="KP-RATE-401"))
    kept.save_health("c", "*", Health(State.NEEDS_LOGIN, None))
    key = conversation_key("talk", "m")
    kept.save_home(key, Home("b", "m", 5, NOW))
    window = Window("5h", 0.5, None, None, "percent", NOW + 60, 18_000.0, NOW)
    QuotaState(database.write).save_windows("a", (window,))
    database.close()
    with KeptState(tmp_path) as state:
        fleet = state.fleet()
        assert state.rows("SELECT account FROM account_health", ()) == [("a",), ("c",)]
    assert fleet.pool.worst("a", "m", NOW).state is State.RATE_LIMITED
    home = fleet.stickiness.home(key, NOW)
    assert home is not None
    assert home.account_id == "b"
    assert fleet.pool.worst("c", "m", NOW).state is State.NEEDS_LOGIN, (
        "it gets no chance by being looked at"
    )
    assert [it.used_share for it in fleet.quota.windows("a")] == [0.5]


def test_without_a_file_nothing_is_known_and_none_is_made(tmp_path: Path) -> None:
    with KeptState(tmp_path) as state:
        assert state.fleet().pool.snapshot() == {}
        assert list(state.rows("SELECT 1 FROM exchanges", ())) == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_our_tables_is_no_error(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("CREATE TABLE other (x)")
    connection.commit()
    connection.close()
    with KeptState(tmp_path) as state:
        assert state.fleet().pool.snapshot() == {}
        assert list(state.rows("SELECT 1 FROM exchanges", ())) == []


def test_a_file_that_is_none_is_no_error(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database" * 100)
    with KeptState(tmp_path) as state:
        assert state.fleet().pool.snapshot() == {}
        assert list(state.rows("SELECT 1 FROM exchanges", ())) == []
