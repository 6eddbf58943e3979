"""
Many processes, many clients, one login whose refresh token works once: the simulated provider's ledger judges.

A provider that sees a refresh token twice takes the whole login away, as the simulated one does: one mistake and nobody is
served any more.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from launcher.simulator import SimulatorThread
from support.refresh_worker import Work, run_workers, stored, write_folder

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="its processes are forked"),
]

TOKEN_PATH = "/v1/oauth/token"
PROCESSES, REQUESTS = 20, 10


@pytest.fixture
def sim() -> Iterator[SimulatorThread]:
    with SimulatorThread() as running:
        yield running


def redemptions(sim: SimulatorThread) -> list[int]:
    """The statuses of all token requests so far."""
    return [it.status for it in sim.ledger.entries if it.path.endswith(TOKEN_PATH)]


def folder(tmp_path: Path, sim: SimulatorThread, *, name: str = "1", life_s: float) -> Work:
    way = sim.urls()["claude", "subscription"]
    home = tmp_path / "home"
    write_folder(home, way, f"sk-ant-oat01-sim-{name}", life_s=life_s)
    return Work(str(home), way["model"])


def test_twenty_processes_and_two_hundred_requests_redeem_once_per_rotation(
    tmp_path: Path, sim: SimulatorThread
) -> None:
    """Three rotations: an expired token, one that the provider ends before its time, and one more."""
    one = folder(tmp_path, sim, life_s=-60.0)
    work = Work(one.home, one.model, PROCESSES, REQUESTS)
    home = Path(one.home)
    for rotation in range(1, 4):
        reports = run_workers(work)
        assert len(reports) == PROCESSES
        failed: list[Any] = [it for it in reports if it["statuses"] != [200] * REQUESTS]
        assert failed == []
        assert redemptions(sim) == [200] * rotation
        # The provider ends the new token at once; whoever uses it is told 401.
        sim.simulator.world.logins.expire(stored(home), 1.0)
    asked = [it for it in sim.ledger.entries if it.path.endswith("/v1/messages")]
    assert sum(it.status == 200 for it in asked) == 3 * PROCESSES * REQUESTS


def test_a_token_that_is_merely_due_keeps_nobody_waiting(
    tmp_path: Path, sim: SimulatorThread
) -> None:
    """The provider's token endpoint is down; the token has minutes left, so every request is served with it."""
    one = folder(tmp_path, sim, life_s=120.0)
    sim.script("503", count=None, operation="refresh")
    reports = run_workers(Work(one.home, one.model, 4, REQUESTS))
    assert [it["statuses"] for it in reports] == [[200] * REQUESTS] * 4
    assert redemptions(sim).count(200) == 0
