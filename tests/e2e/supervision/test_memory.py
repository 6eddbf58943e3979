"""What requests leave behind in a gateway that a launcher keeps."""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from support.asking import DIALECTS, ask, question
from support.kept import SimulatedLauncher

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="POSIX sockets")]

CLIENTS = 8
WARM, ASKED = 160, 400
# Uncollected, each request left 42 kilobytes: mitmproxy's layers are cycles.
MOST_KB = 15.0


def test_requests_leave_nothing_behind(tmp_path: Path) -> None:
    count = itertools.count()
    with SimulatedLauncher(tmp_path) as running:
        model = running.sim.urls()["compatible", "chat"]["model"]
        gateway = psutil.Process(running.launched.status["pid"])

        def one(number: int) -> int:
            dialect = DIALECTS[number % len(DIALECTS)]
            asked = question(
                dialect, model, f"[[sim text=Aye]] {next(count)}", stream=number % 8 < 4
            )
            return ask(running.url, asked).status

        def serve(requests: int) -> float:
            with ThreadPoolExecutor(CLIENTS) as pool:
                assert set(pool.map(one, range(requests))) == {200}
            return gateway.memory_info().rss / 1024

        before = serve(WARM)
        after = serve(ASKED)
    assert (after - before) / ASKED < MOST_KB
