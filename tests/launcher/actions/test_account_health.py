"""What people are told of accounts that the gateway leaves alone."""

from pathlib import Path

from korproxy_addons.accounts.health import Health, State
from korproxy_addons.io.account_state import AccountState
from korproxy_addons.io.database import open_database
from launcher.actions.account_health import Trouble, troubles

NOW = 1_800_000_000.0


def kept(home: Path, healths: dict[tuple[str, str], Health]) -> None:
    database = open_database(home)
    database.open()
    state = AccountState(database)
    for (account_id, models), health in healths.items():
        state.save_health(account_id, models, health)
    assert database.flush()
    database.close()


def test_without_a_gateway_ever_there_is_nothing(tmp_path: Path) -> None:
    assert troubles(tmp_path, NOW) == {}
    assert list(tmp_path.iterdir()) == [], "looking made a file"


def test_what_keeps_accounts_from_being_asked(tmp_path: Path) -> None:
    kept(tmp_path, {
        ("lost", "*"): Health(State.NEEDS_LOGIN, None, code="KP-AUTH-003", reason="revoked",
                              failed_at=NOW - 60),
        ("full", "*"): Health(State.RATE_LIMITED, NOW + 60, code="KP-RATE-402", failed_at=NOW),
        ("rested", "*"): Health(State.RATE_LIMITED, NOW - 1, code="KP-RATE-402", failed_at=NOW - 9),
        ("one-model", "opus-*"): Health(State.ERRORING, NOW + 60, failed_at=NOW),
    })  # fmt: skip
    assert troubles(tmp_path, NOW) == {
        "lost": Trouble("needs-login", NOW - 60, "KP-AUTH-003: revoked", None),
        "full": Trouble("rate-limited", NOW, "KP-RATE-402", NOW + 60),
    }


def test_it_is_told_with_its_time_and_reason() -> None:
    lost = Trouble("needs-login", NOW, "KP-AUTH-003: revoked", None)
    assert lost.waits_for_owner()
    assert lost.told() == (
        "Its provider refused it at 2027-01-15T08:00:00+00:00: KP-AUTH-003: revoked."
    )
    full = Trouble("rate-limited", NOW, "KP-RATE-402", NOW + 60)
    assert not full.waits_for_owner()
    assert full.told() == (
        "It rests since 2027-01-15T08:00:00+00:00, until 2027-01-15T08:01:00+00:00: KP-RATE-402."
    )
