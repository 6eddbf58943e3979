"""The loop of our own process."""

import asyncio
import subprocess
import sys

from mitmproxy.utils import asyncio_utils

from korproxy_addons.gateway.event_loop import new_event_loop
from support.needs import ROOT


async def _tasks() -> list[str]:
    """Run one task under the factory that mitmproxy installs."""
    seen: list[str] = []

    async def work() -> None:
        seen.append("begun")

    with asyncio_utils.set_eager_task_factory():
        task = asyncio.get_running_loop().create_task(work())
        seen.append("created")
        await task
    return seen


def test_tasks_begin_at_once_under_mitmproxys_factory() -> None:
    """uvloop and Python may disagree on the factory's arguments; mitmproxy's tasks start eagerly all the same."""
    assert asyncio.run(_tasks(), loop_factory=new_event_loop) == ["begun", "created"]


def test_without_uvloop_it_is_asyncios_own_loop() -> None:
    """On Windows there is no uvloop."""
    code = (
        "import sys; sys.modules['uvloop'] = None\n"
        "from korproxy_addons.gateway.event_loop import new_event_loop\n"
        "loop = new_event_loop(); print(type(loop).__module__); loop.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.startswith("asyncio")


def test_what_is_loaded_is_left_out_of_collections() -> None:
    """Everything there is at the start is frozen. In a process of its own: the tests' own has frozen what it has loaded."""
    code = (
        "import gc\nfrom korproxy_addons.gateway.event_loop import settle\n"
        "before = gc.get_freeze_count(); settle(); print(gc.get_freeze_count() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert int(done.stdout) > 1000
