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
