from collections.abc import Iterator
from pathlib import Path

import pytest

from korproxy_addons.accounts.health import Health, State
from korproxy_addons.accounts.stickiness import Home
from korproxy_addons.io.account_state import AccountState
from korproxy_addons.io.database import Database, open_database

NOW = 9e9
HEALTHS = {
    ("a", "*"): Health(State.RATE_LIMITED, NOW + 60, 0, 2, "KP-RATE-402", "said so", False, NOW),
    ("a", "opus-*"): Health(State.ERRORING, NOW + 1800, 3, 3, "KP-PROV-104", "", True, NOW),
    ("b", "*"): Health(State.NEEDS_LOGIN, None, 0, 0, "KP-AUTH-004", "key “x” revoked", False, NOW),
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    database.open()
    yield database
    database.close()


def test_healths_come_back_as_they_were(database: Database) -> None:
    state = AccountState(database)
    for (account, models), health in HEALTHS.items():
        state.save_health(account, models, Health(State.RATE_LIMITED, NOW))
        state.save_health(account, models, health)
    assert database.flush()
    assert state.load_healths() == HEALTHS


def test_what_is_over_is_not_kept(database: Database) -> None:
    state = AccountState(database)
    for (account, models), health in HEALTHS.items():
        state.save_health(account, models, health)
    state.save_health("a", "*", None)
    assert database.flush()
    assert set(state.load_healths()) == {("a", "opus-*"), ("b", "*")}


def test_a_state_that_a_newer_version_wrote_is_left_out(database: Database) -> None:
    state = AccountState(database)
    state.save_health("b", "*", HEALTHS["b", "*"])
    database.write(
        "INSERT INTO account_health VALUES ('c', '*', 'meditating', 0, 0, 0, '', '', 0, 0)", [()]
    )
    assert database.flush()
    assert set(state.load_healths()) == {("b", "*")}


def test_homes_come_back_with_the_longest_unused_first(database: Database) -> None:
    state = AccountState(database)
    state.save_home(b"\x00x", Home("a", "m", 12_000, NOW + 2))
    state.save_home(b"y", Home("b", "n", 0, NOW + 1))
    state.save_home(b"\x00x", Home("b", "m", 0, NOW + 3))
    assert database.flush()
    assert state.load_homes() == [
        (b"y", Home("b", "n", 0, NOW + 1)),
        (b"\x00x", Home("b", "m", 0, NOW + 3)),
    ]
