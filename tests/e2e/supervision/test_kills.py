"""Real processes, really killed: the gateway comes back, and nobody is left over."""

import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from support.asking import Response, ask, question, said
from support.kept import SimulatedLauncher, gone
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="POSIX signals")]

BACK_S = 2.0
WORDS = " ".join(f"word{number}" for number in range(30))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[SimulatedLauncher]:
    with SimulatedLauncher(tmp_path) as found:
        yield found


def model(running: SimulatedLauncher) -> str:
    way = running.sim.urls()["compatible", "chat"]
    return f"sim-chat/{way['model']}"


def stream(running: SimulatedLauncher, number: int) -> Response:
    prompt = f'[[sim text="{WORDS}" piece=12]] {number}'
    return ask(running.url, question("openai-chat", model(running), prompt, stream=True))


class Streams:
    """Streams that stand still in the middle until they are let go."""

    def __init__(self, running: SimulatedLauncher, futures: list[Future[Response]]) -> None:
        self._running = running
        self._futures = futures

    def finish(self) -> None:
        """Let them go on: each is whole in the end."""
        self._running.sim.release()
        for it in self._futures:
            assert said("openai-chat", it.result(), stream=True) == WORDS


@contextmanager
def streams(running: SimulatedLauncher, count: int) -> Iterator[Streams]:
    """So many, all of them under way."""
    running.sim.script("held", after=3, count=count, host="compat-chat")
    with ThreadPoolExecutor(count) as pool:
        found = [pool.submit(stream, running, number) for number in range(count)]
        try:
            until(lambda: health(running)["in_flight"] == count)
            yield Streams(running, found)
        finally:
            running.sim.release()


def health(running: SimulatedLauncher) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
    try:
        connection.request("GET", "/_korproxy/health")
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        return found
    finally:
        connection.close()


def test_a_killed_gateway_is_back_in_two_seconds_and_nobody_is_refused(
    running: SimulatedLauncher,
) -> None:
    """A request that comes while none serves waits in the kernel's queue."""
    before, launcher = running.launched.status["pid"], running.launched.process.pid
    stood_s = in_line_s(launcher)
    os.kill(before, signal.SIGKILL)
    began = time.monotonic()
    reply = ask(running.url, question("openai-chat", model(running), "[[sim text=Aye]]"))
    took = time.monotonic() - began
    assert said("openai-chat", reply, stream=False) == "Aye"
    after = running.launched.wait_for("healthy", lambda it: it["pid"] not in (None, before))
    assert after["restarts"] == 1
    stood_s = in_line_s(launcher) - stood_s + in_line_s(after["pid"])
    assert took - stood_s < BACK_S * slowness()


def in_line_s(pid: int) -> float:
    """How long a process has stood in line for a processor so far, with others before it; 0 where nobody counts that."""
    found = 0
    for it in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # a thread that ended meanwhile
            found += int(it.read_text().split()[1])
    return found / 1e9


def slowness() -> float:
    """How much slower than a quiet machine this one is now: a shared one may be several times."""
    began = time.perf_counter()
    sum(range(2_000_000))
    return max(1.0, (time.perf_counter() - began) / 0.03)


def test_a_killed_launcher_takes_its_idle_gateway_with_it(running: SimulatedLauncher) -> None:
    gateway = running.launched.status["pid"]
    stood_s = [in_line_s(gateway)]
    running.launched.process.kill()
    began = time.monotonic()

    def ended() -> bool:
        stood_s.append(in_line_s(gateway))
        return gone(gateway)

    until(ended)
    took = time.monotonic() - began
    assert took - (max(stood_s) - stood_s[0]) < 1.0 * slowness()
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", running.port)) != 0


def test_streams_outlive_a_killed_launcher_and_the_gateway_does_not_outlive_them(
    running: SimulatedLauncher,
) -> None:
    gateway = running.launched.status["pid"]
    with streams(running, 3) as under_way:
        running.launched.process.kill()
        until(lambda: health(running)["draining"])
        assert health(running)["in_flight"] == 3
        under_way.finish()
    until(lambda: gone(gateway))


def test_one_death_that_is_told_several_times_is_no_second_wish(
    running: SimulatedLauncher,
) -> None:
    """Linux sends a child the signal again whenever another thread of its dead parent is gone."""
    gateway = running.launched.status["pid"]
    with streams(running, 3) as under_way:
        running.launched.process.kill()
        running.launched.process.wait()
        for _ in range(5):
            os.kill(gateway, signal.SIGTERM)
            assert health(running)["in_flight"] == 3
        under_way.finish()
    until(lambda: gone(gateway))


def test_a_gateway_that_hangs_is_found_and_replaced(tmp_path: Path) -> None:
    rules = {"health_every_s": 0.2, "recheck_s": 0.1}
    with SimulatedLauncher(tmp_path, rules=rules) as running:
        stuck = running.launched.status["pid"]
        os.kill(stuck, signal.SIGSTOP)
        running.launched.wait_for("healthy", lambda it: it["pid"] not in (None, stuck))
        states = [it["state"] for it in running.launched.statuses]
        assert states.index("degraded") < states.index("unreachable")
        until(lambda: gone(stuck))
        assert ask(running.url, question("openai-chat", model(running))).status == 200


def test_a_stop_lets_fifty_streams_finish(tmp_path: Path) -> None:
    with SimulatedLauncher(tmp_path) as running, streams(running, 50) as under_way:
        gateway = running.launched.status["pid"]
        running.launched.process.terminate()
        running.launched.wait_for("healthy", lambda it: "finishing" in it["detail"])
        assert refused(running.port)
        under_way.finish()
        assert running.launched.process.wait(30) == 0
        assert gone(gateway)
        assert running.launched.status["state"] == "stopped"


def refused(port: int) -> bool:
    """A new question is refused: by the system, or by the gateway that ends."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/v1/models")
        return connection.getresponse().status == 503
    except OSError:
        return True
    finally:
        connection.close()


def wait_for_another(running: SimulatedLauncher, before: int) -> None:
    running.launched.wait_for("healthy", lambda it: it["pid"] not in (None, before))


def test_a_restart_refuses_nobody_and_cuts_nothing(tmp_path: Path) -> None:
    """Questions come all the time, each on a connection of its own, while one gateway follows another."""
    with SimulatedLauncher(tmp_path) as running:
        done = threading.Event()
        statuses: list[int] = []

        def keep_asking() -> None:
            while not done.is_set():
                # no two the same: a client that repeats itself without end is stopped (runaway.repeats)
                asked = question("openai-chat", model(running), f"hello {len(statuses)}")
                statuses.append(ask(running.url, asked).status)

        with ThreadPoolExecutor(3) as pool:
            askers = [pool.submit(keep_asking) for _ in range(3)]
            for _ in range(3):
                before = running.launched.status["pid"]
                running.launched.process.send_signal(signal.SIGHUP)
                wait_for_another(running, before)
            done.set()
            for it in askers:
                it.result()
        assert len(statuses) > 20
        assert set(statuses) == {200}
