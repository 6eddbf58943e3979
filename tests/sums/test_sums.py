"""
The sums in their short form; the long one is `python3 packaging/dev.py sums`.

What the comparison itself can see is shown on evidence that was tampered with.
"""

import copy
from collections.abc import Callable
from itertools import product

import pytest

from chaos.house import HOSTS
from launcher.actions.metrics import families
from sums.tally import KINDS, excuse, summary, tally
from sums.traffic import NOBODYS, Asked, Evidence, Kill, Traffic, model_of
from support.asking import DIALECTS

pytestmark = pytest.mark.e2e

REQUESTS = 500
CLIENTS = 12
EVENTS = ("stop", "kill", "replace", "reload", "kill")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """One run for all tests of this file."""
    return Traffic(tmp_path_factory.mktemp("sums") / "home", REQUESTS, CLIENTS, EVENTS).run()


def test_the_ledger_is_the_simulators_own_to_the_token(evidence: Evidence) -> None:
    """Nothing lost but what a kill took with it, nothing counted twice; hours, days and the report are the rows' sum."""
    counted = tally(evidence)
    print(f"\n{summary(evidence, counted)}")  # noqa: T201
    assert counted.findings == []
    for kind in KINDS:
        # The kills of so short a run take a good part of it with them; what they may take is in the findings.
        assert counted.kept[kind] > 0.5 * counted.told[kind]


def test_it_was_a_mixed_run(evidence: Evidence) -> None:
    """Every pair of dialects, streamed and whole, failovers, clients that left, spoiled replies, and two kills."""
    assert len(evidence.asked) == REQUESTS
    met = {
        (row["client_dialect"], row["upstream_dialect"], bool(row["streamed"]))
        for row in evidence.rows
        if row["outcome"] == "ok"
    }
    assert met >= set(product(DIALECTS, (dialect for dialect, _ in HOSTS.values()), (False, True)))
    first, second = (len(it.kept) for it in evidence.kills)
    assert REQUESTS // 4 < first < second
    outcomes = {row["outcome"] for row in evidence.rows}
    assert outcomes == {"ok", "error", "client_gone"}
    assert any(len({it["account"] for it in row["attempts"]}) > 1 for row in evidence.rows)
    assert any(len({it["dialect"] for it in row["attempts"]}) > 1 for row in evidence.rows)
    assert any(row["cached_tokens"] for row in evidence.rows)
    assert any(row["reasoning_tokens"] for row in evidence.rows)
    assert any(it.model == NOBODYS for it in evidence.asked)
    assert any(it.broken for it in evidence.asked)


def test_the_last_gateway_tells_of_the_ones_before_it(evidence: Evidence) -> None:
    """Two were killed and one was replaced since the launcher began; its gateways are told so, the last one too."""
    found = {it.name: it for it in families(evidence.restarts)}
    counts = {it.labels["reason"]: it.value for it in found["korproxy_supervisor_restarts"].samples}
    assert counts == {"crashed": 2, "hung": 0, "refused": 0, "asked": 1}
    assert found["korproxy_requests"].samples


def _whole(evidence: Evidence) -> Asked:
    """A request that all went well with, and no kill was near."""
    rows = {row["request_id"]: row for row in evidence.rows}
    return next(
        it
        for it in evidence.asked
        if it.status == 200
        and not excuse(evidence, it)
        and it.leaves_after is None
        and it.id in rows
        and rows[it.id]["outcome"] == "ok"
        and len(rows[it.id]["attempts"]) == 1
    )


def _row(evidence: Evidence) -> dict[str, object]:
    name = _whole(evidence).id
    return next(it for it in evidence.rows if it["request_id"] == name)


def _lose_a_row(evidence: Evidence) -> None:
    evidence.rows.remove(_row(evidence))


def _keep_a_row_twice(evidence: Evidence) -> None:
    evidence.rows.append(dict(_row(evidence)))


def _keep_a_row_of_nobody(evidence: Evidence) -> None:
    evidence.rows.append({**_row(evidence), "request_id": "somebody-else"})


def _lose_a_token(evidence: Evidence) -> None:
    row = _row(evidence)
    row["output_tokens"] -= 1  # type: ignore[operator]
    row["attempts"][0]["output_tokens"] -= 1  # type: ignore[index]


def _add_a_cached_token(evidence: Evidence) -> None:
    row = _row(evidence)
    row["cached_tokens"] += 1  # type: ignore[operator]
    row["attempts"][0]["cached_tokens"] = row["cached_tokens"]  # type: ignore[index]


def _book_it_elsewhere(evidence: Evidence) -> None:
    _row(evidence)["attempts"][0]["account"] = "gemini-9"  # type: ignore[index]


def _forget_an_attempt(evidence: Evidence) -> None:
    _row(evidence)["attempts"] = []


def _add_an_hour_twice(evidence: Evidence) -> None:
    evidence.sums["usage_hourly"]["requests"] += 1


def _let_one_that_left_pay_more(evidence: Evidence) -> None:
    gone = {it.id for it in evidence.asked if it.leaves_after is not None}
    row = next(it for it in evidence.rows if it["request_id"] in gone and it["attempts"])
    row["input_tokens"] += 10_000
    row["attempts"][0]["input_tokens"] = row["input_tokens"]


def _tell_what_nobody_kept(evidence: Evidence) -> None:
    """An entry of a request that nobody made."""
    entry = copy.deepcopy(next(it for it in evidence.entries if it.told))
    entry.body = "request-999999."
    evidence.entries.append(entry)


@pytest.mark.parametrize(
    "tamper",
    [
        _lose_a_row,
        _keep_a_row_twice,
        _keep_a_row_of_nobody,
        _lose_a_token,
        _add_a_cached_token,
        _book_it_elsewhere,
        _forget_an_attempt,
        _add_an_hour_twice,
        _let_one_that_left_pay_more,
        _tell_what_nobody_kept,
    ],
)
def test_the_comparison_sees(evidence: Evidence, tamper: Callable[[Evidence], None]) -> None:
    """Each difference, had there been one."""
    changed = copy.deepcopy(evidence)
    tamper(changed)
    assert tally(changed).findings


@pytest.mark.parametrize(
    ("later_s", "was_kept", "excused"),
    [(0.5, False, True), (0.5, True, False), (-0.5, False, False)],
)
def test_a_kill_excuses_what_was_not_known_to_be_kept(
    evidence: Evidence, later_s: float, was_kept: bool, excused: bool
) -> None:
    """Neither what the ledger had before it, nor what was sent when it was over."""
    changed = copy.deepcopy(evidence)
    asked = _whole(changed)
    changed.rows.remove(_row(changed))
    changed.kills = [Kill(asked.sent_at + later_s, frozenset({asked.id} if was_kept else ()))]
    found = tally(changed)
    assert any("does not know it" in it and asked.id in it for it in found.findings) is not excused


def test_models_are_of_one_provider_each() -> None:
    assert len({model_of(name) for name in HOSTS}) == len(HOSTS)
