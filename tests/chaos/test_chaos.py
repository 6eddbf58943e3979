"""
The chaos run in its short form; the long one is `python tests/chaos/run.py`.

What the checks themselves can see is shown on reports that were tampered with.
"""

import copy
from collections.abc import Callable

import pytest

from chaos.checks import findings, summary
from chaos.storm import Report, Storm
from chaos.weather import ALL, FINAL_NAMES

pytestmark = pytest.mark.e2e

REQUESTS = 700
CLIENTS = 16


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """One storm for all tests of this file."""
    return Storm(tmp_path_factory.mktemp("storm") / "home", REQUESTS, CLIENTS).run()


def test_every_promise_is_kept(report: Report) -> None:
    """
    Of each request: it does not hang, is not sent again after its first byte, fails only if nobody could serve it.

    Of all: the ledger is the simulator's, to the token, and the kill cost nothing that was in it.
    """
    print(f"\n{summary(report)}")  # noqa: T201
    assert findings(report) == []


def test_it_was_a_storm(report: Report) -> None:
    """A fifth of the replies were spoiled, in every way there is, and the gateway was killed among requests."""
    entries = [it for found in report.entries.values() for it in found]
    spoiled = [it.verdict for it in entries if it.verdict != "answered"]
    assert len(report.asked) == REQUESTS
    assert 0.14 < len(spoiled) / len(entries) < 0.28
    assert {it.name for it in ALL} - set(spoiled) <= {"stall"}, "too rare to be sure of"
    assert report.killed
    assert len(report.kept) >= REQUESTS // 2
    assert report.before_kill is not None
    assert any(it.status == 200 and not it.whole for it in report.asked)
    assert any("failover:" in it.why for it in report.asked)
    final = sum(name in FINAL_NAMES for name in spoiled)
    assert sum(it.whole for it in report.asked) > 0.9 * (REQUESTS - final - len(report.killed))


def _whole(report: Report) -> int:
    """The number of a request that all went well with."""
    return next(
        it.number
        for it in report.asked
        if it.whole and it.number not in report.killed and len(report.entries[it.number]) == 1
    )


def _lose_a_row(report: Report) -> None:
    number = _whole(report)
    del report.rows[number]
    report.kept.add(number)


def _lose_a_token(report: Report) -> None:
    report.rows[_whole(report)]["attempts"][0]["output_tokens"] -= 1


def _lose_an_attempt(report: Report) -> None:
    report.rows[_whole(report)]["attempts"] = []


def _send_again(report: Report) -> None:
    number = _whole(report)
    entries = report.entries[number]
    again = copy.copy(entries[0])
    again.received_at = next(it.ended_at for it in report.asked if it.number == number)
    entries.append(again)


def _hang(report: Report) -> None:
    report.asked[0].ended_at += 1000


def _give_up(report: Report) -> None:
    asked = next(it for it in report.asked if it.number == _whole(report))
    asked.status, asked.whole = 502, False


def _break_off(report: Report) -> None:
    asked = next(it for it in report.asked if it.number == _whole(report))
    asked.whole = False


def _forget(report: Report) -> None:
    report.after_restart = None


@pytest.mark.parametrize(
    "tamper",
    [
        _lose_a_row,
        _lose_a_token,
        _lose_an_attempt,
        _send_again,
        _hang,
        _give_up,
        _break_off,
        _forget,
    ],
)
def test_the_checks_see(report: Report, tamper: Callable[[Report], None]) -> None:
    """Each broken promise, had it been broken."""
    changed = copy.deepcopy(report)
    tamper(changed)
    assert findings(changed)
