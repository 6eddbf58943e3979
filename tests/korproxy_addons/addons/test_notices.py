"""What the launcher is told without asking, in words for people."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from korproxy_addons.accounts.pool import ALL_MODELS
from korproxy_addons.addons.notices import Notices
from korproxy_addons.addons.state import State
from korproxy_addons.config.limits import LimitAction, Per
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.control.protocol import Network, Notice, Report
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.io.database import open_database
from korproxy_addons.providers.failure import Failure, Scope, Verdict
from korproxy_addons.providers.quota import FIVE_HOURS_S, Window
from korproxy_addons.usage.limits import Counts, Limit, Reached
from support.clock import FakeClock

NOW = 1_800_000_000.0
LIMIT = Limit("mine", (), Counts.REQUESTS, 10.0, Per.HOUR, False, LimitAction.WARN, 0.0, "")


class House:
    """The gateway's state, and a launcher that listens."""

    def __init__(self, home: Path) -> None:
        config = {
            "version": 1,
            "accounts": [
                {"id": "a", "provider": "codex", "label": "codex-plus", "secret": "env:A"}
            ],
        }
        (home / "config.yaml").write_text(json.dumps(config))
        (home / "config.yaml").chmod(0o600)
        self.store = ConfigStore(home)
        self.store.load()
        self.state = State(open_database(home))
        self.clock = FakeClock(NOW)
        self.notices = Notices(self.store, self.state, self.clock)
        self.state.load(None)
        self.notices.load(None)
        self.told: list[Report] = []
        self.notices.tell = self.told.append

    def fail(self, spec: ErrorSpec, verdict: Verdict = Verdict.NEEDS_LOGIN) -> None:
        failure = Failure(spec=spec, scope=Scope.ACCOUNT, verdict=verdict, reset_at=NOW + 3600)
        self.state.fleet.pool.failed("a", "m", failure, self.clock())

    def texts(self) -> list[tuple[str, str, str]]:
        return [(it.code, it.title, it.text) for it in self.told if isinstance(it, Notice)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path)
    yield found
    found.state.closing.done()


@pytest.mark.parametrize(
    ("spec", "verdict", "title", "text"),
    [
        (
            catalogue.TOKEN_EXPIRED, Verdict.NEEDS_LOGIN,
            "Your session has expired", "codex-plus: Reconnect the account.",
        ),
        (
            catalogue.OAUTH_FAILED, Verdict.NEEDS_LOGIN,
            "Authorization was rejected", "codex-plus: Reconnect the account, or use an API key.",
        ),
        (
            catalogue.OVERAGE_HELD, Verdict.COOL,
            "Plan limit reached",
            "codex-plus: it rests, as going on would cost extra. Allow it with a cap, or wait.",
        ),
        (
            catalogue.BILLING_REQUIRED, Verdict.COOL,
            "The provider wants payment",
            "codex-plus: Settle the balance at the provider, or use another account.",
        ),
    ],
)  # fmt: skip
def test_what_an_account_waits_for_is_told_at_once_and_once(
    house: House, spec: ErrorSpec, verdict: Verdict, title: str, text: str
) -> None:
    house.fail(spec, verdict)
    house.fail(spec, verdict)
    assert house.texts() == [(spec.code, title, text)]
    (notice,) = house.told
    assert isinstance(notice, Notice)
    assert notice.account == "codex-plus"


def test_a_limit_that_ends_by_itself_is_not_told(house: House) -> None:
    house.fail(catalogue.RATE_LIMITED, Verdict.COOL)
    assert house.told == []


def test_a_window_that_runs_low_is_told_with_its_reset(house: House) -> None:
    for used in (0.5, 0.83, 0.9, 1.0):
        window = Window("5h", used, reset_at=NOW + 86_400 * 3, length_s=FIVE_HOURS_S, seen_at=NOW)
        house.state.fleet.quota.observe("a", [window])
    (first, second) = house.texts()
    assert first[:2] == ("", "codex-plus runs low")
    assert first[2].startswith("17 % of 5h left. It resets ")
    assert second[1:] == ("codex-plus is used up", second[2])
    assert second[2].startswith("0 % of 5h left.")


def test_a_limit_of_the_user_is_told_once_in_its_period(house: House) -> None:
    reached = Reached(LIMIT, "", 10.0, NOW + 600)
    house.notices.reached(reached, NOW)
    house.notices.reached(reached, NOW + 599)
    house.notices.reached(replace(reached, who="tool codex"), NOW)
    house.notices.reached(replace(reached, resets_at=NOW + 7200), NOW + 601)
    assert len(house.told) == 3
    code, title, text = house.texts()[0]
    assert (code, title) == ("KP-RATE-404", "A limit that you have set is reached")
    assert text.startswith("Rule “mine” allows 10 requests per hour; 10 requests used; resets at ")


def test_a_limit_by_the_minute_is_not_told(house: House) -> None:
    house.notices.reached(Reached(replace(LIMIT, per=Per.MINUTE), "", 10.0, NOW + 30), NOW)
    assert house.told == []


def test_however_many_limits_are_reached_only_so_many_are_remembered(house: House) -> None:
    for number in range(1000):
        house.notices.reached(
            Reached(LIMIT, f"tool {number}", 10.0, NOW + number + 1), NOW + number
        )
    assert len(house.notices._reached) <= 257


def test_the_network_that_is_gone_and_back_is_told_to_launcher_and_person(house: House) -> None:
    house.notices.network(True)
    house.notices.network(False)
    assert [it for it in house.told if isinstance(it, Network)] == [Network(True), Network(False)]
    assert [(code, title) for code, title, _ in house.texts()] == [
        ("KP-NET-310", "No provider can be reached"), ("", "Back online"),
    ]  # fmt: skip


def test_what_was_so_before_the_start_is_no_news(tmp_path: Path) -> None:
    first = House(tmp_path)
    first.fail(catalogue.TOKEN_EXPIRED)
    window = Window("5h", 0.9, reset_at=NOW + 9000, length_s=FIVE_HOURS_S, seen_at=NOW)
    first.state.fleet.quota.observe("a", [window])
    assert len(first.told) == 2
    first.state.closing.done()
    second = House(tmp_path)
    second.fail(catalogue.TOKEN_EXPIRED)
    second.state.fleet.quota.observe("a", [replace(window, used_share=0.92)])
    assert second.told == []
    second.state.closing.done()


def test_an_account_that_left_and_came_back_is_told_of_again(house: House) -> None:
    house.fail(catalogue.TOKEN_EXPIRED)
    (house.store.home / "config.yaml").write_text("version: 1\n")
    house.store.load()
    house.state.fleet.keep([])
    house.notices.apply_config()
    assert house.notices._label("a") == "a"
    assert house.state.fleet.pool.snapshot().get(("a", ALL_MODELS)) is None
    house.fail(catalogue.TOKEN_EXPIRED)
    assert len(house.told) == 2
