"""
Carries out what the supervisor decides: one event loop, real processes, real sockets, a real clock.

Must run in a loop whose thread lives as long as the launcher: on Linux a gateway ends with the thread that started it.
"""

import asyncio
import contextlib
import itertools
import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from korproxy_addons.control.protocol import (
    Answer,
    Ask,
    ConfigRead,
    Drain,
    Draining,
    Network,
    Notice,
    Ready,
    Reload,
    Report,
    Restarted,
    Wake,
)
from launcher.supervisor.child import GatewayChild
from launcher.supervisor.left_over import until_gone
from launcher.supervisor.listeners import Listeners, PortTakenError, Where
from launcher.supervisor.machine import Supervisor
from launcher.supervisor.network import NetworkWatch, own_addresses
from launcher.supervisor.port_holder import Run, port_holder, save_run
from launcher.supervisor.probe import TIMEOUT_S, ask_health
from launcher.supervisor.rules import Rules
from launcher.supervisor.signals import (
    Asked,
    AskHealth,
    BecameReady,
    CloseListeners,
    Exited,
    InFlight,
    Kill,
    Missed,
    Send,
    Spawn,
    Spawned,
    SpawnRefused,
    Terminate,
    Tick,
    Told,
    Waits,
    Wish,
    Wished,
    Woke,
)
from launcher.supervisor.states import Status
from launcher.supervisor.wake import WakeWatch

log = logging.getLogger("korproxy.launcher")

LEFT_OVER = "the gateway that an earlier launcher left behind finishes first"
ONE_BEFORE = "the one before finishes first"
ANSWER_S = 5.0
WATCH_S = 1.0
# A port that nobody is known to hold may be a port whose holder is ending.
NOBODY_LOOKS = 20
NOBODY_LOOK_S = 0.05


class Keeper:
    """
    Keeps the gateway of one KorProxy folder.

    Args:
        home: The KorProxy folder.
        where: Reads from the config, at each start, where to listen and how long a drain may take.
        rules: The supervisor's numbers; `drain_s` is taken from the config at each start.
        on_status: Told each new status.
        on_notice: Told what a person should know.
        on_line: Told each line that a gateway writes to stderr.
    """

    def __init__(
        self,
        home: Path,
        where: Callable[[], tuple[Where, float]],
        rules: Rules = Rules(),  # noqa: B008 - frozen
        *,
        on_status: Callable[[Status], None] = lambda _status: None,
        on_notice: Callable[[Notice], None] = lambda _notice: None,
        on_line: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.home = home
        self.config_problems: tuple[str, ...] = ()
        self._where = where
        self._supervisor = Supervisor(rules, random.random)
        self._on_status = _listener(on_status)
        self._on_notice = _listener(on_notice)
        self._on_line = _listener(on_line)
        self._listeners = Listeners()
        self._children: dict[int, GatewayChild] = {}
        self._offline: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._questions: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._shown = self._supervisor.status
        self._changed = asyncio.Condition()
        self._wake = WakeWatch(time.time, time.monotonic)
        self._network = NetworkWatch(own_addresses)
        self._keep(self._watch_machine(), "wake watch")

    @property
    def status(self) -> Status:
        """How it stands."""
        status = self._supervisor.status
        # The supervisor knows a clock that only goes forward; people know another one.
        began = time.time() - (self._loop.time() - status.since) if status.since else 0.0
        current = self._current()
        offline = any(self._children.get(it) is current for it in self._offline)
        return replace(status, since=began, offline=offline and current is not None)

    def wish(self, wish: Wish) -> None:
        """A person asked for something."""
        self._tell(Wished(wish))

    def reload(self) -> None:
        """Have the gateway look at its config now."""
        current = self._current()
        if current is not None:
            current.send(Reload())

    async def ask(self, what: str, about: dict[str, Any] | None = None) -> Any:
        """
        Ask the running gateway something.

        Raises:
            LookupError: none runs, or it has no answer; the text says why.
        """
        current = self._current()
        if current is None:
            raise LookupError("the gateway is not running")
        number = next(self._numbers)
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._questions[number] = answer
        try:
            current.send(Ask(number, what, about or {}))
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except TimeoutError:
            raise LookupError("the gateway did not answer") from None
        finally:
            del self._questions[number]

    async def inspect(self, seconds: float) -> str:
        """
        Have mitmweb show what passes, for so long; no request is lost on the way there and back.

        Returns:
            The address of its page, with the token that opens it.
        Raises:
            LookupError: it cannot be; the text says why.
        """
        await self._replaced()
        self._supervisor.rules = replace(self._supervisor.rules, inspect_s=seconds)
        self.wish(Wish.INSPECT)
        await self._replaced()
        status = self._supervisor.status
        if not status.inspecting:
            raise LookupError(status.refused or status.detail or "the gateway is not running")
        found: dict[str, str] = await self.ask("inspect")
        return found["url"]

    async def _replaced(self) -> None:
        """Wait until no successor is on its way."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._supervisor.replacing)

    async def until(self, seen: Callable[[Status], bool]) -> Status:
        """Wait until the status is as wanted; it is returned."""
        async with self._changed:
            await self._changed.wait_for(lambda: seen(self.status))
        return self.status

    async def close(self) -> None:
        """Stop the gateway as a person would, and wait until every process is gone."""
        self.wish(Wish.STOP)
        async with self._changed:
            await self._changed.wait_for(lambda: self._supervisor.idle)
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listeners.close()

    # ------------------------------------------------------------------------------------------ the circle

    def _tell(self, told: Told) -> None:
        for asked in self._supervisor.handle(told, self._loop.time()):
            self._carry_out(asked)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_at = self._supervisor.due_at()
        if due_at is not None:
            self._timer = self._loop.call_at(due_at, self._tell, Tick())
        status = self._supervisor.status
        if status != self._shown:
            self._shown = status
            self._on_status(self.status)
        if self._loop.is_running():
            self._keep(self._notify(), "status")

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _carry_out(self, asked: Asked) -> None:
        match asked:
            case Spawn():
                self._keep(self._spawn(asked), f"spawn {asked.child}")
            case Send():
                if asked.child in self._children:
                    self._children[asked.child].send(asked.command)
            case Terminate():
                if asked.child in self._children:
                    self._children[asked.child].terminate()
            case Kill():
                if asked.child in self._children:
                    self._children[asked.child].kill()
            case AskHealth():
                self._keep(self._ask_health(), "health")
            case CloseListeners():
                self._listeners.close()

    async def _spawn(self, asked: Spawn) -> None:
        number = asked.child
        if not self._supervisor.wants(number):
            self._tell(SpawnRefused(number, False, "it is wanted no more"))
            return
        try:
            where, drain_s = self._where()
            self._supervisor.rules = replace(self._supervisor.rules, drain_s=drain_s)
            await self._listen(number, where)
            if not self._supervisor.wants(number):
                self._tell(SpawnRefused(number, False, "it is wanted no more"))
                return
            if not self._supervisor.rules.hands_over:
                # That the port is free is known now; the gateway opens it itself.
                self._listeners.close()
            child = await GatewayChild.start(
                self.home,
                self._listeners.descriptors,
                asked.start_with,
                on_report=lambda report: self._reported(number, report),
                on_line=self._on_line,
                on_exit=lambda code, lines: self._exited(number, code, lines),
            )
        except PortTakenError as error:
            self._tell(SpawnRefused(number, True, str(error)))
        except OSError as error:
            detail = error.strerror or type(error).__name__
            self._tell(SpawnRefused(number, False, f"it cannot be started: {detail}"))
        except Exception as error:
            # Whatever it is: one that is neither started nor refused would be waited for without end.
            log.exception("gateway not started")
            detail = type(error).__name__
            self._tell(SpawnRefused(number, False, f"it cannot be started: {detail}"))
        else:
            self._children[number] = child
            self._tell(Spawned(number, child.pid))
            if not self._supervisor.wants(number):
                child.send(Drain())

    async def _listen(self, number: int, where: Where) -> None:
        """
        Have the listeners, once a gateway that is ending has made room, ours or an earlier launcher's, if it is wanted still.

        Raises:
            PortTakenError: a program that is none of these holds the port; its `holder` says which.
            OSError: the system refuses.
        """
        with contextlib.suppress(PortTakenError):
            self._listeners.open(where)
            return
        if self._supervisor.departing and where.port == self._supervisor.status.port:
            # It was stopped, or hung: while it finishes it still listens, to say that it does.
            self._tell(Waits(number, ONE_BEFORE))
            await self._place_is_free(number)
        rules = self._supervisor.rules
        await until_gone(
            self.home,
            finish_s=rules.drain_s + 1.0,
            kill_s=rules.kill_s,
            wanted=lambda: self._supervisor.wants(number),
            on_found=lambda: self._tell(Waits(number, LEFT_OVER)),
        )
        for looks_left in reversed(range(NOBODY_LOOKS)):
            if not self._supervisor.wants(number):
                return
            # Who held the port may have gone at any moment since: only a new try tells.
            try:
                self._listeners.open(where)
            except PortTakenError as error:
                error.holder = await asyncio.to_thread(port_holder, error.port)
                if error.holder or error.kept or not looks_left:
                    raise
                await asyncio.sleep(NOBODY_LOOK_S)
            else:
                return

    async def _place_is_free(self, number: int) -> None:
        """Wait until all are gone that were sent away; or until this one is wanted no more."""
        keeper = self._supervisor
        async with self._changed:
            await self._changed.wait_for(lambda: not (keeper.departing and keeper.wants(number)))

    def _reported(self, number: int, report: Report) -> None:
        match report:
            case Ready():
                save_run(self.home, Run(report.pid, report.port, report.instance))
                self._tell(BecameReady(number, report))
                if self._supervisor.restarted and number in self._children:
                    self._children[number].send(Restarted(dict(self._supervisor.restarted)))
            case Draining():
                self._tell(InFlight(number, report.in_flight))
            case ConfigRead():
                self.config_problems = report.problems
                for problem in report.problems:
                    title = "The settings cannot be used; the last good ones stay in force"
                    self._on_notice(Notice("KP-CONF-201", "", problem, title=title))
                self._on_status(self.status)
            case Notice():
                self._on_notice(report)
            case Network():
                (self._offline.add if report.offline else self._offline.discard)(number)
                self._on_status(self.status)
                self._keep(self._notify(), "status")
            case Answer():
                waiting = self._questions.get(report.id)
                if waiting is not None and not waiting.done():
                    if report.error:
                        waiting.set_exception(LookupError(report.error))
                    else:
                        waiting.set_result(report.value)

    def _exited(self, number: int, code: int, lines: tuple[str, ...]) -> None:
        self._children.pop(number, None)
        self._offline.discard(number)
        self._tell(Exited(number, code, lines))

    async def _ask_health(self) -> None:
        port = self._supervisor.status.port or self._listeners.port
        if port is None:
            self._tell(Missed("it does not listen"))
            return
        where, _ = self._where()
        host = next((it for it in where.hosts if it != "::1"), where.hosts[0])
        self._tell(await ask_health(host, port, TIMEOUT_S))

    async def _watch_machine(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            if self._wake.woke():
                self._tell(Woke())
            current = self._current()
            if self._network.changed() and current is not None:
                # On loopback nothing has changed: no reason to go easy on health, as after a sleep.
                current.send(Wake())

    def _current(self) -> GatewayChild | None:
        pid = self._supervisor.status.pid
        return next((it for it in self._children.values() if it.pid == pid), None)

    def _keep(self, work: Any, name: str) -> None:
        task = self._loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        with contextlib.suppress(asyncio.CancelledError):
            error = task.exception()
            if error is not None:
                log.error("launcher task failed", exc_info=error)


def _listener[News](tell: Callable[[News], None]) -> Callable[[News], None]:
    """`tell`, whose failure is its own: who is told something must not come in the way of who does something."""

    def told(news: News) -> None:
        try:
            tell(news)
        except Exception:
            log.exception("listener failed")

    return told
