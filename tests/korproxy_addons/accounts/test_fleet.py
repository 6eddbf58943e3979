from dataclasses import replace

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.failure import Failure, Scope, Verdict
from korproxy_addons.providers.quota import Window

NOW = 1_800_000_000.0


def test_accounts_that_left_the_config_are_forgotten_everywhere() -> None:
    fleet = Fleet()
    refused = Failure(
        spec=catalogue.ACCOUNT_REJECTED, scope=Scope.ACCOUNT, verdict=Verdict.NEEDS_LOGIN
    )
    for account in "ab":
        fleet.pool.failed(account, "m", refused, NOW)
        fleet.quota.observe(account, (Window("5h", 0.5, seen_at=NOW),))
    fleet.keep(["b"])
    assert set(fleet.pool.snapshot()) == {("b", "*")}
    assert fleet.quota.windows("a") == ()
    assert fleet.quota.windows("b") != ()


def test_guesses_are_spread_by_the_fleets_chance() -> None:
    broken = Failure(spec=catalogue.UPSTREAM_ERROR)
    fleet = Fleet(chance=lambda: 0.5)
    fleet.pool.failed("a", "m", broken, NOW, breakdown=True)
    assert fleet.pool.snapshot()["a", "m"].until == NOW + 1.5


def test_what_was_nobody_s_fault_is_forgiven() -> None:
    """After the machine was offline no account rests for it; what has another reason stays."""
    pool = Fleet().pool
    for at in range(3):
        pool.failed("a", "m", Failure(spec=catalogue.DNS_FAILED), NOW + at, breakdown=True)
    limited = Failure(
        spec=catalogue.RATE_LIMITED, scope=Scope.ACCOUNT, verdict=Verdict.COOL, retry_after_s=600.0
    )
    lost = replace(limited, spec=catalogue.DNS_FAILED, verdict=Verdict.NEEDS_LOGIN)
    pool.failed("b", "m", limited, NOW)
    pool.failed("c", "m", lost, NOW)
    assert not pool.usable("a", "m", NOW + 60)
    pool.forgive({catalogue.DNS_FAILED.code})
    assert [pool.usable(it, "m", NOW + 60) for it in "abc"] == [True, False, False]
