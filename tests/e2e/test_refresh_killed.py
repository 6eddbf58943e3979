"""
SIGKILL at every step of a renewal: before the request is sent nothing is lost, after the reply is stored nothing is lost.

Between the two lies one write. Who dies there costs the login, and the next process says so: no loop, no other account touched.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from launcher.simulator import SimulatorThread
from support.refresh_worker import Work, run_workers, start_workers, stored, write_folder

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="its processes are forked and killed"),
]

TOKEN_PATH = "/v1/oauth/token"
OLD = "sk-ant-oat01-sim-1"


@pytest.fixture
def sim() -> Iterator[SimulatorThread]:
    with SimulatorThread() as running:
        yield running


class Case:
    """A login that is due, and a process that dies while it renews it."""

    def __init__(self, home: Path, sim: SimulatorThread) -> None:
        way = sim.urls()["claude", "subscription"]
        self.home, self.sim, self.model = home, sim, way["model"]
        write_folder(home, way, OLD, life_s=-60.0)
        # As the provider has it too: the old token is of no more use.
        sim.simulator.world.logins.expire(OLD, 1.0)

    def killed_at(self, step: str) -> None:
        assert run_workers(Work(str(self.home), self.model, kill_at=step)) == []

    def served(self, requests: int = 3) -> dict[str, Any]:
        """What the next process makes of it."""
        return run_workers(Work(str(self.home), self.model, requests=requests))[0]

    def redemptions(self) -> list[int]:
        return [it.status for it in self.sim.ledger.entries if it.path.endswith(TOKEN_PATH)]


@pytest.mark.parametrize(
    ("step", "killed", "after"),
    [
        ("locked", [], [200]),
        ("before-redeem", [], [200]),
        ("stored", [200], [200]),
    ],
)
def test_nothing_is_lost_before_the_request_or_after_the_store(
    tmp_path: Path, sim: SimulatorThread, step: str, killed: list[int], after: list[int]
) -> None:
    case = Case(tmp_path / "home", sim)
    case.killed_at(step)
    assert case.redemptions() == killed
    assert case.served()["statuses"] == [200] * 3
    assert case.redemptions() == after
    assert stored(case.home) != OLD


def test_the_one_gap_costs_the_login_and_says_why(tmp_path: Path, sim: SimulatorThread) -> None:
    case = Case(tmp_path / "home", sim)
    case.killed_at("redeemed")
    assert case.redemptions() == [200]
    assert stored(case.home) == OLD
    _is_lost(case.served(), case)
    # Nobody asks again, not even another process.
    _is_lost(case.served(), case)


def test_a_reply_that_nobody_took_is_the_same_gap(tmp_path: Path, sim: SimulatorThread) -> None:
    """The provider has rotated, and the process dies before the reply has come."""
    case = Case(tmp_path / "home", sim)
    sim.script("slow-first-byte", seconds=30, operation="refresh")
    process = start_workers(Work(str(case.home), case.model))
    sim.wait(lambda entries: any(it.path.endswith(TOKEN_PATH) for it in entries), 60.0)
    _kill_tree(process.pid)
    process.communicate(timeout=30)
    _is_lost(case.served(), case)


def _is_lost(report: dict[str, Any], case: Case) -> None:
    assert 200 not in report["statuses"]
    assert set(report["codes"]) == {"KP-AUTH-003"}
    state, code, reason = report["health"]["plan:*"]
    assert (state, code) == ("needs_login", "KP-AUTH-003")
    assert "interrupted" in reason
    assert "interrupted" in report["bodies"][0]
    assert case.redemptions() == [200, 400], "asked once more, and never again"


def _kill_tree(pid: int) -> None:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = children.read_text().split() if children.exists() else []
    for child in (*map(int, found), pid):
        os.kill(child, signal.SIGKILL)
