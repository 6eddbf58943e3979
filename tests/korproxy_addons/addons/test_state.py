from pathlib import Path

from korproxy_addons.accounts.health import State as HealthState
from korproxy_addons.accounts.stickiness import Home
from korproxy_addons.addons.state import State
from korproxy_addons.errors import catalogue
from korproxy_addons.io.database import Database, open_database
from korproxy_addons.providers.failure import Failure, Scope, Verdict

# Later than any clock this runs under.
LATER = 9e9
LIMITED = Failure(
    spec=catalogue.QUOTA_EXHAUSTED, scope=Scope.ACCOUNT, verdict=Verdict.COOL, retry_after_s=1e9
)


def test_what_was_known_of_accounts_is_known_after_a_restart(tmp_path: Path) -> None:
    first = State(open_database(tmp_path))
    first.load(None)
    first.fleet.pool.failed("a", "m", LIMITED, LATER)
    first.fleet.stickiness.served(b"conversation", Home("b", "m", 700, LATER))
    first.closing.done()

    second = State(open_database(tmp_path))
    second.load(None)
    assert second.fleet.pool.snapshot()["a", "*"].state is HealthState.RATE_LIMITED
    assert not second.fleet.pool.usable("a", "m", LATER)
    assert second.fleet.stickiness.home(b"conversation", LATER) == Home("b", "m", 700, LATER)
    second.closing.done()


def test_a_database_that_cannot_be_opened_keeps_nobody_from_starting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    state = State(Database(tmp_path / "file" / "state.db"))
    state.load(None)
    state.fleet.pool.failed("a", "m", LIMITED, LATER)
    assert not state.fleet.pool.usable("a", "m", LATER)
    state.closing.done()


def test_guesses_are_spread_by_chance(tmp_path: Path) -> None:
    state = State(open_database(tmp_path))
    assert len({state.fleet.chance() for _ in range(10)}) > 1
