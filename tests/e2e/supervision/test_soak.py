"""
Mixed traffic while everything that may happen in a day happens: restarts, reloads, a killed gateway, providers that fail.

Twenty seconds of it here; half an hour by `python3 packaging/dev.py soak`. The first third of that has restarts and kills; the
rest is the life of one gateway, so that what it keeps of each request would show.
"""

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.asking import DIALECTS, ask, question
from support.kept import SimulatedLauncher

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="POSIX signals")]

LENGTH_S = float(os.environ.get("KORPROXY_SOAK_S", "20"))
PER_SECOND = 20
CLIENTS = 8
FAULTS = ("500", "503", "529", "429", "reset-before-head", "error-in-200")
# A minute of traffic may still warm caches; what grows after it does not stop by itself.
GROWTH_MB_PER_HOUR = 30.0
LONG_S = 600.0
# Three crashes that are closer together stop the restarts, as they should.
CRASHES_APART_S = 75.0
# How a client sees that its gateway was killed: before it had sent everything, before the reply, in the middle of it.
CUT = ("BrokenPipeError", "ConnectionResetError", "RemoteDisconnected", "IncompleteRead")
MB = 1024 * 1024


class Traffic:
    """Clients that ask all the time, each question with an account to fall back to."""

    def __init__(self, running: SimulatedLauncher, models: list[str]) -> None:
        self._running = running
        self._models = models
        self._done = threading.Event()
        self._chance = random.Random(1337)
        self.outcomes: Counter[str] = Counter()
        self.bad: list[Any] = []
        self._lock = threading.Lock()

    def run(self) -> None:
        """Until told to stop."""
        pause = CLIENTS / PER_SECOND
        while not self._done.is_set():
            began = time.monotonic()
            with self._lock:
                dialect = self._chance.choice(DIALECTS)
                model = self._chance.choice(self._models)
                stream = self._chance.random() < 0.5
            asked = question(dialect, model, "[[sim text=Aye]]", stream=stream)
            try:
                reply = ask(self._running.url, asked)
                outcome = str(reply.status)
                if reply.status != 200:
                    self.bad.append(
                        (outcome, reply.headers.get("x-korproxy-why"), reply.body[:300])
                    )
            except (OSError, HTTPException) as error:
                outcome = type(error).__name__
                self.bad.append((outcome, str(error), b""))
            with self._lock:
                self.outcomes[outcome] += 1
            self._done.wait(max(0.0, pause - (time.monotonic() - began)))

    def close(self) -> None:
        """Let each client finish its question."""
        self._done.set()


def test_a_day_in_short(tmp_path: Path) -> None:
    """
    No question is lost that had somebody to answer it, and memory does not grow.

    A gateway that is killed takes with it what it serves at that moment, which no one could give back: no more than that may fail.
    """
    with SimulatedLauncher(tmp_path) as running:
        way = running.sim.urls()["compatible", "chat"]
        traffic = Traffic(running, [way["model"]])
        kills = 0
        restless_until = time.monotonic() + LENGTH_S / (3 if LENGTH_S >= LONG_S else 1)
        sizes: list[Size] = []
        with ThreadPoolExecutor(CLIENTS) as pool, contextlib.closing(traffic):
            clients = [pool.submit(traffic.run) for _ in range(CLIENTS)]
            ends_at = time.monotonic() + LENGTH_S
            kill_at = 0.0
            turn = 0
            while (now := time.monotonic()) < ends_at:
                restless = now < restless_until
                events = [restart, reload, fault, fault, kill] if restless else [reload, fault]
                event = events[turn % len(events)]
                if event is kill and now < kill_at:
                    event = restart
                if event is kill:
                    kill_at = now + CRASHES_APART_S
                    kills += 1
                event(running)
                turn += 1
                threading.Event().wait(min(3.0, LENGTH_S / 8))
                if not restless:
                    sizes.append(size_of(running))
            traffic.close()
            for it in clients:
                it.result()
    asked = sum(traffic.outcomes.values())
    assert asked > LENGTH_S * PER_SECOND / 4
    assert asked - traffic.outcomes["200"] <= kills * CLIENTS, (traffic.outcomes, traffic.bad[:5])
    for outcome, _, _ in traffic.bad:
        assert outcome in CUT, traffic.bad[:5]
    if LENGTH_S >= LONG_S:
        slopes = {
            "launcher": slope_mb_per_hour([(it.at_s, it.launcher_mb) for it in sizes]),
            "gateway": slope_mb_per_hour([(it.at_s, it.gateway_mb) for it in sizes]),
        }
        print(f"\n{asked} questions: {dict(traffic.outcomes)}, {kills} kills")  # noqa: T201 - a long run tells
        print(f"megabytes: {sizes[0]} to {sizes[-1]}; more per hour: {slopes}")  # noqa: T201 - a long run tells
        assert max(slopes.values()) < GROWTH_MB_PER_HOUR


def restart(running: SimulatedLauncher) -> None:
    before = running.launched.status["pid"]
    running.launched.process.send_signal(signal.SIGHUP)
    running.launched.wait_for("healthy", lambda it: it["pid"] not in (None, before))


def kill(running: SimulatedLauncher) -> None:
    before = running.launched.status["pid"]
    os.kill(before, signal.SIGKILL)
    running.launched.wait_for("healthy", lambda it: it["pid"] not in (None, before))


def reload(running: SimulatedLauncher) -> None:
    path = running.home / "config.yaml"
    aside = running.home / "aside"
    aside.write_text(path.read_text() + "\n# another day\n")
    aside.chmod(0o600)
    aside.replace(path)


def fault(running: SimulatedLauncher) -> None:
    """One account of the four that serve this model fails a few times."""
    name = FAULTS[int(time.monotonic()) % len(FAULTS)]
    running.sim.script(name, host="compat-chat", count=3)


@dataclass(frozen=True)
class Size:
    """What both processes hold at a moment."""

    at_s: float
    launcher_mb: float
    gateway_mb: float


def size_of(running: SimulatedLauncher) -> Size:
    launcher, gateway = running.launched.process.pid, running.launched.status["pid"]
    return Size(time.monotonic(), resident_mb(launcher), resident_mb(gateway))


def resident_mb(pid: int) -> float:
    return psutil.Process(pid).memory_info().rss / MB


def slope_mb_per_hour(sizes: list[tuple[float, float]]) -> float:
    """Of a straight line through the later half."""
    later = sizes[len(sizes) // 2 :]
    mean_t = sum(t for t, _ in later) / len(later)
    mean_y = sum(y for _, y in later) / len(later)
    spread = sum((t - mean_t) ** 2 for t, _ in later)
    return 3600 * sum((t - mean_t) * (y - mean_y) for t, y in later) / spread
