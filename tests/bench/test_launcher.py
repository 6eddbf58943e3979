"""
How long KorProxy takes to be there, and what it takes while nothing is asked of it.

Printed: start to ready of the gateway alone and of `korproxy run`, resident memory of both processes at rest, and their share of
one core. A warm disk is meant: the first start is not counted. Run by `python3 packaging/dev.py bench`.
"""

import json
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from support.gateway import GatewayProcess, free_port

pytestmark = pytest.mark.bench

STARTS = 7
REST_S = 20.0
# Ceilings of the product; the first two in seconds, then megabytes, then per cent of a core.
GATEWAY_S, RUN_S, GATEWAY_MB, LAUNCHER_MB, IDLE_PERCENT = 3.0, 3.0, 200.0, 200.0, 0.5
MB = 1024 * 1024


def write(home: Path) -> None:
    home.mkdir(mode=0o700, exist_ok=True)
    config = home / "config.yaml"
    config.write_text(f"version: 1\nlisten: {{port: {free_port()}}}\nadmin: {{port: 0}}\n")
    config.chmod(0o600)


def gateway_start_s(home: Path) -> float:
    began = time.perf_counter()
    with GatewayProcess(home):
        return time.perf_counter() - began


class Run:
    """`korproxy run`, until it is healthy."""

    def __init__(self, home: Path) -> None:
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "launcher", "run", "--json", "--home", str(home)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            status = json.loads(line)
            if status["state"] == "healthy":
                self.gateway_pid = int(status["pid"])
                break
        self.start_s = time.perf_counter() - began
        self._rest = threading.Thread(target=self.process.stdout.read, daemon=True)
        self._rest.start()

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(60)
        self._rest.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()


def memory_mb(pid: int) -> float:
    """What belongs to this process alone, where the system tells; else all that is resident."""
    found = psutil.Process(pid).memory_full_info()
    return float(getattr(found, "pss", 0) or found.rss) / MB


def test_starts_and_rest(tmp_path: Path) -> None:
    write(tmp_path / "alone")
    write(tmp_path / "kept")
    gateway_start_s(tmp_path / "alone")
    alone = [gateway_start_s(tmp_path / "alone") for _ in range(STARTS)]
    starts = []
    for _ in range(STARTS):
        run = Run(tmp_path / "kept")
        starts.append(run.start_s)
        run.stop()
    run = Run(tmp_path / "kept")
    try:
        processes = {
            "gateway": psutil.Process(run.gateway_pid),
            "launcher": psutil.Process(run.process.pid),
        }
        threading.Event().wait(5.0)
        before = {name: sum(it.cpu_times()[:2]) for name, it in processes.items()}
        threading.Event().wait(REST_S)
        percent = {
            name: (sum(it.cpu_times()[:2]) - before[name]) / REST_S * 100
            for name, it in processes.items()
        }
        memory = {name: memory_mb(it.pid) for name, it in processes.items()}
        resident = {name: it.memory_info().rss / MB for name, it in processes.items()}
    finally:
        run.stop()
    print(f"\nstart to ready, gateway alone   {statistics.median(alone):6.2f} s (goal 1.2)")
    print(f"start to healthy, korproxy run  {statistics.median(starts):6.2f} s (goal 2.0)")
    for name, goal in (("gateway", 110), ("launcher", 90)):
        print(
            f"{name:8} at rest  {resident[name]:6.1f} MB resident, {memory[name]:6.1f} MB its own share (goal {goal}),"
            f" {percent[name]:5.2f} % of a core (goal 0.5)"
        )
    assert statistics.median(alone) < GATEWAY_S
    assert statistics.median(starts) < RUN_S
    assert memory["gateway"] < GATEWAY_MB
    assert memory["launcher"] < LAUNCHER_MB
    assert max(percent.values()) < IDLE_PERCENT * 4
