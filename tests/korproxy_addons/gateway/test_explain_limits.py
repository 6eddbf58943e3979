"""A route is explained within the user's own limits: as the gateway itself would decide, and nothing is counted by asking."""

from typing import Any

import pytest
from msgspec import structs

from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.explain_query import Query, answer
from korproxy_addons.gateway.explaining import Explanation
from korproxy_addons.gateway.limiting import Limiter
from korproxy_addons.gateway.models import offers_of
from korproxy_addons.gateway.planning import facts_of
from korproxy_addons.routing.market import Market
from korproxy_addons.routing.router import Router
from support.asking import question
from support.clock import FakeClock
from support.explaining import NOW, known
from support.legs import exchange_for

WHOLE = {"id": "default", "accounts": ["a", "b"]}
SPARE = {"id": "spare", "accounts": ["c"]}


class Rig:
    """A limiter and questions about one configuration; each rule is reached after one request of account `a`."""

    def __init__(self, *rules: dict[str, Any]) -> None:
        self.clock = FakeClock(NOW)
        full = [{"name": f"r{n}", "per": "hour", "requests": 1, **it} for n, it in enumerate(rules)]
        self.known = known(
            groups=[WHOLE, SPARE], profiles=[], quota_rules=full, runaway={"repeats": 0}
        )
        self.limiter = Limiter(clock=self.clock)
        self.limiter.configure(self.known.config)
        self.known = structs.replace(self.known, limits=self.limiter.reached)

    def admit(self, account: str = "a") -> tuple[list[str], str]:
        """One request as the gateway takes it: whom it may ask, or why nobody."""
        exchange = exchange_for(self.known.config, question("openai-chat", "m"))
        exchange.profile = "default"
        router = Router(self.known.config, "/h/u")
        market = Market(offers_of(self.known.accounts.values(), {}))
        try:
            plan = None
            while plan is None:
                planned = router.plan(
                    facts_of(exchange, NOW), "default", market, reroute=exchange.reroute
                )
                plan = self.limiter.admit(exchange, planned)
        except KorProxyError as error:
            return [], error.message()
        exchange.group = plan.steps[0].group
        self.limiter.asked(exchange, account)
        return [it.account_id for it in plan.candidates], ""

    def explain(self, **words: Any) -> Explanation:
        return answer(Query(model="m", **words), self.known)


def test_without_a_limit_that_is_reached_nothing_is_said_of_any() -> None:
    found = Rig({}).explain()
    assert (found.chosen, found.why, found.notes[1:], found.error) == ("a", ("fill-first",), (), "")


REFUSES: dict[str, Any] = {}
ACCOUNT = {"account": "*"}
SENDS = {"action": "reroute", "to": "spare"}


@pytest.mark.parametrize(
    ("rule", "chosen", "why", "note"),
    [
        (REFUSES, "", ("limit:r0",), "it refuses requests"),
        (ACCOUNT, "b", ("rerouted:r0",), "for account a"),
        ({"group": "default"}, "", ("limit:r0",), "for group default"),
        (SENDS, "c", ("rerouted:r0",), "it sends requests elsewhere"),
        ({"group": "default", **SENDS}, "c", ("rerouted:r0",), "for group default"),
        ({"action": "warn"}, "a", ("limit:r0", "fill-first"), "it only warns"),
        ({"action": "slow"}, "a", ("slowed:r0", "fill-first"), "it makes requests wait"),
        ({**ACCOUNT, "action": "warn"}, "a", ("fill-first",), ""),
    ],
)
def test_what_a_limit_makes_of_a_route_is_what_the_gateway_makes_of_it(
    rule: dict[str, Any], chosen: str, why: tuple[str, ...], note: str
) -> None:
    rig = Rig(rule)
    rig.admit()
    found = rig.explain()
    assert (found.chosen, found.why) == (chosen, why)
    assert any(it.startswith("Your own limit: rule “r0”") for it in found.notes) == bool(note)
    assert any(note in it for it in found.notes)
    # Asking has counted nothing.
    assert rig.explain() == found
    accounts, error = rig.admit()
    assert (accounts[:1], error) == ([chosen] if chosen else [], found.error)


def test_of_another_time_nothing_is_known() -> None:
    rig = Rig(REFUSES)
    rig.admit()
    assert rig.explain(at="2027-01-15T08:10:00+00:00").chosen == "a"


def test_where_nobody_knows_what_is_used_that_is_said() -> None:
    rig = Rig(REFUSES)
    found = answer(Query(model="m"), structs.replace(rig.known, limits=None))
    assert found.notes[-1] == "How much of your own limits is used, only the running gateway knows."
