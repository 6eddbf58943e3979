"""One simulator for all tests, forgetting everything in between."""

from collections.abc import Iterator

import pytest

from launcher.simulator import SimulatorThread

NOW = 1_795_000_000


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(clock=lambda: float(NOW)) as simulator:
        yield simulator


@pytest.fixture
def sim(running_simulator: SimulatorThread) -> SimulatorThread:
    """A simulator with nothing scripted, at a fixed time."""
    running_simulator.reset()
    return running_simulator
