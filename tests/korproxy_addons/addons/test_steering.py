"""The launcher's commands on a toy pipe; the real one, between processes, is in tests/e2e/supervision."""

import asyncio
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from korproxy_addons.addons import steering as module
from korproxy_addons.addons.control import Control
from korproxy_addons.addons.notices import Notices
from korproxy_addons.addons.steering import Steering
from korproxy_addons.control.protocol import (
    Answer,
    Ask,
    Command,
    ConfigRead,
    Drain,
    Draining,
    Notice,
    Pause,
    Ready,
    Reload,
    Report,
    Restarted,
    Resume,
    Retire,
    Stop,
    Wake,
)
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.control_pipe import ControlPipe
from korproxy_addons.usage.metrics import Metrics


class ToyPipe:
    def __init__(self) -> None:
        self.told: list[Report] = []
        self.closed = False
        self.command: Callable[[Command], None] = lambda _command: None
        self.end: Callable[[], None] = lambda: None

    def start(self, on_command: Callable[[Command], None], on_end: Callable[[], None]) -> None:
        self.command, self.end = on_command, on_end

    def tell(self, report: Report) -> None:
        self.told.append(report)

    def close(self) -> None:
        self.closed = True


class ToyControl:
    instance = "run-1"
    in_flight = 2

    def __init__(self) -> None:
        self.did: list[str] = []
        self.paused = False
        self.draining = False
        self.go = asyncio.Event()
        self.metrics = Metrics()
        self.on_problems: Callable[[tuple[str, ...]], None] = lambda _problems: None

    async def drain(self) -> None:
        self.did.append("drain")
        await self.go.wait()

    async def retire(self) -> None:
        self.did.append("retire")
        await self.go.wait()

    def reload(self) -> None:
        self.did.append("reload")
        self.on_problems(("line 3",))


async def answer(about: dict[str, Any]) -> Any:
    if about.get("fail") == "known":
        raise KorProxyError(catalogue.ACCOUNT_UNKNOWN, "nobody")
    if about.get("fail"):
        raise RuntimeError("a secret detail")
    return {"got": about}


class House:
    def __init__(self) -> None:
        self.pipe = ToyPipe()
        self.control = ToyControl()
        self.woken: list[str] = []
        self.steering = Steering(
            cast("ControlPipe", self.pipe),
            cast("Control", self.control),
            {"echo": answer},
            (lambda: self.woken.append("woke"),),
        )
        self.steering.running()

    async def command(self, command: Command) -> None:
        """As it comes: in a thread of the pipe's."""
        thread = threading.Thread(target=self.pipe.command, args=(command,))
        thread.start()
        thread.join()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    stopped: list[str] = []
    monkeypatch.setattr(module, "listening_on", lambda: [("127.0.0.1", 1337), ("::1", 1337)])
    monkeypatch.setattr(module, "shut_down", lambda: stopped.append("stop"))
    return stopped


def start(work: Callable[[House], Any], monkeypatch: pytest.MonkeyPatch) -> House:
    async def run() -> House:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(
            module, "start_task", lambda coroutine, name: loop.create_task(coroutine, name=name)
        )
        house = House()
        await work(house)
        house.control.go.set()
        for _ in range(10):
            await asyncio.sleep(0)
        house.steering.done()
        return house

    return asyncio.run(run())


def test_it_says_where_it_listens_and_closes_the_pipe(
    stops: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(house: House) -> None:
        (ready,) = house.pipe.told
        assert isinstance(ready, Ready)
        assert (ready.port, ready.hosts, ready.instance) == (1337, ("127.0.0.1", "::1"), "run-1")

    assert start(work, monkeypatch).pipe.closed
    assert stops == []


def test_each_command_does_its_own(stops: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(house: House) -> None:
        states = []
        for command in (Pause(), Resume()):
            await house.command(command)
            states.append(house.control.paused)
        assert states == [True, False]
        await house.command(Reload())
        assert ConfigRead(("line 3",)) in house.pipe.told
        await house.command(Wake())
        assert house.woken == ["woke"]
        await house.command(Restarted({"crashed": 2}))
        counted = b'korproxy_supervisor_restarts_total{reason="crashed"} 2.0'
        assert counted in house.control.metrics.exposition()
        await house.command(Stop())
        assert stops == ["stop"]

    start(work, monkeypatch)


def test_an_end_begins_once_and_tells_what_is_left(
    stops: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(house: House) -> None:
        await house.command(Retire())
        await house.command(Retire())
        assert house.control.did == ["retire"]
        assert Draining(2) in house.pipe.told
        assert not house.control.draining
        await house.command(Drain())
        assert house.control.did == ["retire"]
        assert house.control.draining, "what is new is refused from now on"

    start(work, monkeypatch)


def test_without_its_launcher_it_drains(stops: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(house: House) -> None:
        house.pipe.end()
        for _ in range(5):
            await asyncio.sleep(0)
        assert house.control.did == ["drain"]

    start(work, monkeypatch)


def test_questions_are_answered_one_way_or_another(
    stops: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of an unexpected failure goes out but that there was one."""

    async def work(house: House) -> None:
        await house.command(Ask(1, "echo", {"a": 1}))
        await house.command(Ask(2, "riddle"))
        await house.command(Ask(3, "echo", {"fail": "known"}))
        await house.command(Ask(4, "echo", {"fail": "other"}))
        answers = {it.id: it for it in house.pipe.told if isinstance(it, Answer)}
        assert answers[1].value == {"got": {"a": 1}}
        assert answers[2].error == "unknown question: riddle"
        assert catalogue.ACCOUNT_UNKNOWN.code in answers[3].error
        assert answers[4].error == "KorProxy failed inside; the log has it"

    start(work, monkeypatch)


def test_what_a_person_is_to_be_told_goes_by_the_pipe(stops: list[str]) -> None:
    async def run() -> None:
        notices = SimpleNamespace(tell=lambda _report: None)
        pipe, control = ToyPipe(), ToyControl()
        steering = Steering(
            cast("ControlPipe", pipe), cast("Control", control), {}, (), cast("Notices", notices)
        )
        steering.running()
        notices.tell(Notice("", "", "something"))
        assert pipe.told[1:] == [Notice("", "", "something")]

    asyncio.run(run())


class JustClosed:
    """A loop that is closed between two looks at it."""

    def is_closed(self) -> bool:
        return False

    def call_soon_threadsafe(self, *_: object) -> None:
        raise RuntimeError("Event loop is closed")


def test_what_comes_while_the_loop_is_closed_is_no_mistake(
    stops: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The launcher's end and the gateway's own may coincide; its reading thread then has nobody to tell."""

    async def work(house: House) -> None:
        monkeypatch.setattr(house.steering, "_loop", JustClosed())
        house.pipe.end()
        house.pipe.command(Drain())

    assert start(work, monkeypatch).control.did == []
