"""What the supervisor decides is done to real processes; the gateway itself is a toy here (the real one: tests/e2e)."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.control.protocol import Notice
from launcher.supervisor import child as child_module
from launcher.supervisor import keeper as keeper_module
from launcher.supervisor.keeper import Keeper
from launcher.supervisor.listeners import Where
from launcher.supervisor.rules import Rules
from launcher.supervisor.signals import Wish, Woke
from launcher.supervisor.states import Reason, State, Status
from support.needs import ROOT
from support.ports import free_port

QUICK = Rules(first_backoff_s=0.01, health_every_s=0.05, recheck_s=0.02, ready_s=20.0)
TOY = ROOT / "tests" / "support" / "toy_gateway.py"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets are inherited on POSIX")


class House:
    """A keeper of toys."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, rules: Rules = QUICK) -> None:
        self.home = home
        self.how = ["fine"]
        self.port = 0
        self.rules = rules
        self.states: list[State] = []
        self.lines: list[str] = []
        self.notices: list[Notice] = []
        monkeypatch.setattr(child_module, "gateway_command", self._command)

    def run(self, act: Callable[[Keeper], Awaitable[None]]) -> None:
        async def serve() -> None:
            keeper = Keeper(
                self.home,
                lambda: (Where(("127.0.0.1",), self.port), 1.0),
                self.rules,
                on_status=lambda status: self.states.append(status.state),
                on_notice=self.notices.append,
                on_line=self.lines.append,
            )
            try:
                async with asyncio.timeout(60):
                    await act(keeper)
            finally:
                await keeper.close()
            assert keeper.status.state in (State.STOPPED, State.FAILED)

        asyncio.run(serve())

    def _command(self, **_named: object) -> list[str]:
        how = self.how.pop(0) if len(self.how) > 1 else self.how[0]
        return [sys.executable, str(TOY), how]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(tmp_path, monkeypatch)


def is_healthy(status: Status) -> bool:
    return status.state is State.HEALTHY


def has_failed(status: Status) -> bool:
    return status.state is State.FAILED


def test_it_starts_answers_questions_and_stops(house: House) -> None:
    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        status = await keeper.until(is_healthy)
        assert status.port
        assert await keeper.ask("stats", {"a": 1}) == {"about": {"a": 1}}
        with pytest.raises(LookupError, match="no idea"):
            await keeper.ask("riddle")

    house.run(act)
    assert house.states[0] is State.STARTING
    assert house.states[-1] is State.STOPPED
    assert "told drain" in house.lines


def test_what_is_not_there_answers_nothing(house: House) -> None:
    async def act(keeper: Keeper) -> None:
        with pytest.raises(LookupError, match="not running"):
            await keeper.ask("stats")
        keeper.reload()

    house.run(act)


def test_a_crash_at_once_is_tried_again_three_times_and_shown(house: House) -> None:
    house.how = ["crash"]

    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        status = await keeper.until(has_failed)
        assert status.reason is Reason.CRASH_LOOP
        assert status.restarts == 3
        assert status.last_lines == ("it is made to crash",)
        house.how = ["fine"]
        keeper.wish(Wish.START_PLAIN)
        await keeper.until(is_healthy)

    house.run(act)


def test_a_broken_config_is_not_tried_again(house: House) -> None:
    house.how = ["config"]

    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        status = await keeper.until(has_failed)
        assert status.reason is Reason.CONFIG_ERROR
        assert status.restarts == 0
        assert house.lines == ["it is made to config"]

    house.run(act)


def test_one_that_is_deaf_is_replaced(house: House) -> None:
    house.how = ["fine", "deaf", "fine"]
    house.rules = Rules(
        grace_s=0.0, first_backoff_s=0.01, health_every_s=0.05, recheck_s=0.02, misses=1
    )

    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        first = await keeper.until(is_healthy)
        keeper.wish(Wish.RESTART)
        deaf = await keeper.until(lambda it: it.pid not in (None, first.pid))
        third = await keeper.until(
            lambda it: is_healthy(it) and it.pid not in (first.pid, deaf.pid)
        )
        assert third.restarts == 1
        # the one that was asked for, and the one that took the deaf one's place, are told how many there were
        assert house.lines.count("told restarted") == 2

    house.run(act)
    assert State.UNREACHABLE in house.states


def test_a_taken_port_is_named_with_its_holder(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        house.port = taken.getsockname()[1]

        async def act(keeper: Keeper) -> None:
            keeper.wish(Wish.START)
            status = await keeper.until(has_failed)
            assert status.reason is Reason.PORT_BUSY
            assert f"port {house.port} is taken by " in status.detail
            assert "(process " in status.detail
            assert " is free" in status.detail

        house.run(act)


def test_a_port_that_is_let_go_while_its_holder_is_looked_for_is_taken(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that an earlier launcher left behind may end at any moment: then nobody is there to be named."""
    with socket.create_server(("127.0.0.1", 0)) as ending:
        house.port = ending.getsockname()[1]
        looks = []

        def nobody_any_more(port: int) -> None:
            looks.append(port)
            ending.close()

        monkeypatch.setattr(keeper_module, "port_holder", nobody_any_more)

        async def act(keeper: Keeper) -> None:
            keeper.wish(Wish.START)
            assert (await keeper.until(is_up_or_down)).port == house.port

        house.run(act)
    assert looks == [house.port]


def is_up_or_down(status: Status) -> bool:
    return is_healthy(status) or has_failed(status)


def test_a_port_that_somebody_unknown_keeps_is_taken(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system names other people's processes to root only."""
    monkeypatch.setattr(keeper_module, "port_holder", lambda _port: None)
    monkeypatch.setattr(keeper_module, "NOBODY_LOOK_S", 0.001)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        house.port = taken.getsockname()[1]

        async def act(keeper: Keeper) -> None:
            keeper.wish(Wish.START)
            status = await keeper.until(has_failed)
            assert status.detail.startswith(f"port {house.port} is taken by another program; port ")

        house.run(act)


class LeftBehind:
    """A gateway of another launcher that is at the port and answers nobody, until it is told to go."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        house.port = self.listener.getsockname()[1]
        self.gone = asyncio.Event()
        self.limits: list[tuple[float, float]] = []
        monkeypatch.setattr(keeper_module, "until_gone", self.until_gone)

    async def until_gone(
        self,
        home: Path,
        *,
        finish_s: float,
        kill_s: float,
        wanted: Callable[[], bool],
        on_found: Callable[[], None],
    ) -> None:
        self.limits.append((finish_s, kill_s))
        on_found()
        while wanted() and not self.gone.is_set():  # noqa: ASYNC110 - `wanted` gives no sign
            await asyncio.sleep(0)
        self.listener.close()


def test_one_that_was_left_behind_makes_room(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """How it is found and waited for: test_left_over."""
    left = LeftBehind(house, monkeypatch)

    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        waiting = await keeper.until(lambda it: bool(it.detail))
        assert (waiting.state, waiting.detail) == (State.STARTING, keeper_module.LEFT_OVER)
        left.gone.set()
        status = await keeper.until(is_healthy)
        assert (status.port, status.restarts, status.detail) == (house.port, 0, "")

    house.run(act)
    assert left.limits == [(2.0, house.rules.kill_s)]  # a drain may take one second here


def waits_or_failed(status: Status) -> bool:
    return status.detail == keeper_module.ONE_BEFORE or has_failed(status)


def test_one_that_was_stopped_finishes_before_the_next_begins(house: House) -> None:
    """While it finishes, the port is its own: it says there that it ends."""
    house.how = ["busy", "fine"]
    house.port = free_port()

    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        before = await keeper.until(is_healthy)
        keeper.wish(Wish.STOP)
        keeper.wish(Wish.START)
        waiting = await keeper.until(waits_or_failed)
        assert (waiting.state, waiting.detail) == (State.STARTING, keeper_module.ONE_BEFORE)
        assert before.pid is not None
        os.kill(before.pid, signal.SIGTERM)
        after = await keeper.until(lambda it: it.pid not in (None, before.pid) and is_healthy(it))
        assert (after.port, after.restarts, after.detail) == (house.port, 0, "")

    house.run(act)


def test_who_waits_for_the_one_before_may_be_sent_away_too(house: House) -> None:
    house.how = ["busy", "fine", "fine"]
    house.port = free_port()

    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        before = await keeper.until(is_healthy)
        keeper.wish(Wish.STOP)
        keeper.wish(Wish.START)
        await keeper.until(waits_or_failed)
        assert keeper.status.detail == keeper_module.ONE_BEFORE
        keeper.wish(Wish.STOP)
        assert before.pid is not None
        os.kill(before.pid, signal.SIGTERM)
        await keeper.until(lambda it: it.state is State.STOPPED)

    house.run(act)
    assert house.how == ["fine", "fine"], "nobody was started in vain"


def test_what_nobody_foresaw_at_a_start_is_a_refusal(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One that is neither started nor refused would be waited for without end, by a stop as well."""

    async def broken(_home: Path, **_words: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(keeper_module, "until_gone", broken)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        house.port = taken.getsockname()[1]

        async def act(keeper: Keeper) -> None:
            keeper.wish(Wish.START)
            status = await keeper.until(has_failed)
            assert "cannot be started: ZeroDivisionError" in status.detail
            keeper.wish(Wish.START)

        house.run(act)
    assert {it.message for it in caplog.records} == {"gateway not started"}


def test_a_stop_waits_for_no_one_that_was_left_behind(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = LeftBehind(house, monkeypatch)

    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        await keeper.until(lambda it: bool(it.detail))
        keeper.wish(Wish.STOP)
        await keeper.until(lambda it: it.state is State.STOPPED)
        assert keeper._listeners.descriptors == (), "nobody would answer"

    house.run(act)
    assert house.lines == [], "no gateway was started"
    assert not left.gone.is_set()


def test_a_program_that_cannot_be_started_is_an_error_in_words(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "gateway_command", lambda **_: ["/nowhere/at/all"])

    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        status = await keeper.until(has_failed)
        assert "cannot be started: No such file" in status.detail
        assert status.reason is Reason.CANNOT_START

    house.run(act)


def test_problems_of_the_config_reach_the_person(house: House) -> None:
    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        await keeper.until(is_healthy)
        seen = asyncio.Event()
        keeper._on_notice = lambda _notice: seen.set()
        keeper.reload()
        await seen.wait()
        assert keeper.config_problems == ("line 3: port",)

    house.run(act)


def test_a_listener_that_fails_is_in_nobodys_way(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """As a terminal that is gone, to which each line is written."""

    class Deaf(list[Any]):
        def append(self, _news: Any) -> None:
            raise BrokenPipeError

    house.states, house.lines, house.notices = Deaf(), Deaf(), Deaf()

    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        first = await keeper.until(is_healthy)
        keeper.reload()
        keeper.wish(Wish.RESTART)
        await keeper.until(lambda it: is_healthy(it) and it.pid != first.pid)

    house.run(act)
    assert {it.message for it in caplog.records} == {"listener failed"}


def test_a_wake_is_passed_on(house: House) -> None:
    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        await keeper.until(is_healthy)
        keeper._tell(Woke())
        assert await keeper.ask("stats") == {"about": {}}

    house.run(act)
    assert "told wake" in house.lines


def test_a_stop_in_the_middle_of_a_start_leaves_nobody(house: House) -> None:
    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        keeper.wish(Wish.STOP)
        await asyncio.sleep(0)

    house.run(act)


def test_a_network_that_is_gone_stands_beside_the_state(house: House) -> None:
    """Nothing is restarted for it; another gateway has to find out for itself. (The toy tells it when it is paused.)"""

    async def act(keeper: Keeper) -> None:
        keeper.wish(Wish.START)
        first = await keeper.until(lambda status: status.state is State.HEALTHY)
        assert not first.offline
        keeper.wish(Wish.PAUSE)
        assert (await keeper.until(lambda status: status.offline)).pid == first.pid
        keeper.wish(Wish.RESUME)
        await keeper.until(lambda status: not status.offline)
        keeper.wish(Wish.PAUSE)
        await keeper.until(lambda status: status.offline)
        keeper.wish(Wish.STOP)
        await keeper.until(lambda status: status.state is State.STOPPED)
        assert not keeper.status.offline

    house.run(act)


def test_another_network_is_told_to_the_gateway_and_is_no_sleep(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "WATCH_S", 0.01)
    where = ["192.0.2.7"]
    monkeypatch.setattr(keeper_module, "own_addresses", lambda: (where[0], ""))

    async def act(keeper: Keeper) -> None:
        woken = asyncio.Event()
        keeper._on_line = lambda line: woken.set() if line == "told wake" else None
        keeper.wish(Wish.START)
        await keeper.until(lambda status: status.state is State.HEALTHY)
        assert not woken.is_set()
        where[0] = "198.51.100.9"
        await woken.wait()
        assert keeper._supervisor._deaf_until == 0.0

    house.run(act)
