"""The simulator on a thread of its own."""

import socket

import pytest

from launcher.simulator import SimulatorThread
from support.simulator_client import send


def test_it_listens_while_it_is_entered() -> None:
    with SimulatorThread() as one, SimulatorThread() as two:
        assert one.base_url != two.base_url
        assert send("GET", f"{two.base_url}/_sim/health").status == 200
    with pytest.raises(ConnectionRefusedError):
        send("GET", f"{one.base_url}/_sim/health")


def test_a_taken_port_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        simulator = SimulatorThread(taken.getsockname()[1])
        with pytest.raises(OSError, match="address already in use"):
            simulator.__enter__()


def test_scripting_and_waiting_from_outside() -> None:
    with SimulatorThread() as sim:
        sim.script("500")
        assert sim.scenario("clock-skew").skew_s == 600
        sim.reset()
        send("GET", f"{sim.base_url}/claude/v1/models")
        assert sim.wait(lambda entries: len(entries) == 1) == sim.ledger.entries
