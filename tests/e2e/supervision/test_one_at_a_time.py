"""Where sockets cannot be handed over (Windows; here by a rule): one gateway follows another, and no stream is cut for it."""

import json
import os
import signal
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.asking import ask, question, said
from support.kept import SimulatedLauncher
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="SIGHUP")]


def in_flight(url: str) -> int:
    with urllib.request.urlopen(f"{url}/_korproxy/health") as reply:
        return int(json.load(reply)["in_flight"])


def test_a_restart_lets_a_stream_finish_and_then_opens_the_port_anew(tmp_path: Path) -> None:
    with SimulatedLauncher(tmp_path, rules={"hands_over": False}) as house:
        way = house.sim.urls()["compatible", "chat"]
        words = "one two three four five six seven eight"
        asked = question(
            "openai-chat", f"sim-chat/{way['model']}",
            f'[[sim text="{words}" piece=4]]', stream=True,
        )  # fmt: skip
        house.sim.script("held", after=3, host="compat-chat")
        first = house.launched.status["pid"]
        with ThreadPoolExecutor(1) as pool:
            stream = pool.submit(ask, house.url, asked)
            until(lambda: in_flight(house.url))
            house.launched.process.send_signal(signal.SIGHUP)
            house.launched.wait_for("starting")
            house.sim.release()
            assert said("openai-chat", stream.result(), stream=True) == words
        status = house.launched.wait_for("healthy", lambda it: it["pid"] not in (None, first))
        assert status["port"] == house.port
        assert status["restarts"] == 0
        plain = question("openai-chat", f"sim-chat/{way['model']}", "hello")
        assert ask(house.url, plain).status == 200
