"""The launcher's hand on a running gateway: commands of the control pipe become calls, what happens becomes reports."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from korproxy_addons import __version__
from korproxy_addons.addons.control import Control
from korproxy_addons.addons.notices import Notices
from korproxy_addons.control.protocol import (
    Answer,
    Ask,
    Command,
    ConfigRead,
    Drain,
    Draining,
    Pause,
    Ready,
    Reload,
    Restarted,
    Resume,
    Retire,
    Stop,
    Wake,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.front import listening_on, shut_down, start_task
from korproxy_addons.io.control_pipe import ControlPipe

log = logging.getLogger("korproxy.steering")

# How often a launcher is told how much is still to be finished.
TELL_INTERVAL_S = 0.5

type Question = Callable[[dict[str, Any]], Coroutine[Any, Any, Any]]
"""Answers one kind of `Ask`; whatever it returns must be expressible in JSON."""


class Steering:
    """
    Obeys the launcher.

    Args:
        pipe: The pipe; read from once the gateway runs.
        control: Keeps the gateway's lifecycle.
        questions: What may be asked, by name.
        on_wake: Called when the machine woke up or its network changed.
        notices: Hears what a person is to be told.
    """

    def __init__(
        self,
        pipe: ControlPipe,
        control: Control,
        questions: Mapping[str, Question],
        on_wake: tuple[Callable[[], None], ...] = (),
        notices: Notices | None = None,
    ) -> None:
        self._pipe = pipe
        self._control = control
        self._questions = questions
        self._on_wake = on_wake
        self._notices = notices
        self._ending: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def running(self) -> None:
        self._loop = asyncio.get_running_loop()
        addresses = listening_on()
        self._control.on_problems = lambda problems: self._pipe.tell(ConfigRead(problems))
        if self._notices is not None:
            self._notices.tell = self._pipe.tell
        self._pipe.tell(
            Ready(
                port=addresses[0][1],
                hosts=tuple(address[0] for address in addresses),
                pid=os.getpid(),
                version=__version__,
                instance=self._control.instance,
            )
        )
        self._pipe.start(
            lambda command: self._in_loop(self._obey, command),
            # Without its launcher nobody would ever end this process.
            lambda: self._in_loop(self._end, self._control.drain),
        )

    def done(self) -> None:
        self._pipe.close()

    def _in_loop(self, call: Callable[..., None], argument: Any) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed, perhaps just now: all is over
            self._loop.call_soon_threadsafe(call, argument)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _obey(self, command: Command) -> None:
        match command:
            case Drain():
                self._end(self._control.drain)
            case Retire():
                self._end(self._control.retire)
            case Stop():
                shut_down()
            case Reload():
                self._control.reload()
            case Pause():
                self._control.paused = True
            case Resume():
                self._control.paused = False
            case Wake():
                for tell in self._on_wake:
                    tell()
            case Restarted():
                self._control.metrics.restarted(command.counts)
            case Ask():
                self._keep(start_task(self._answer(command), f"answer {command.what}"))

    def _end(self, how: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin to end, once; a drain that follows a hand-over refuses what is new from then on."""
        if self._ending is None:
            self._ending = start_task(how(), "end")
            self._keep(start_task(self._tell_in_flight(), "tell what is in flight"))
        elif how == self._control.drain:
            self._control.draining = True

    async def _tell_in_flight(self) -> None:
        assert self._ending is not None
        while not self._ending.done():
            self._pipe.tell(Draining(self._control.in_flight))
            await asyncio.wait([self._ending], timeout=TELL_INTERVAL_S)

    async def _answer(self, ask: Ask) -> None:
        question = self._questions.get(ask.what)
        if question is None:
            self._pipe.tell(Answer(ask.id, error=f"unknown question: {ask.what}"))
            return
        try:
            self._pipe.tell(Answer(ask.id, await question(ask.about)))
        except KorProxyError as error:
            self._pipe.tell(Answer(ask.id, error=f"{error.spec.code} {error.message()}"))
        except Exception:
            log.exception("question failed", extra={"fields": {"what": ask.what}})
            self._pipe.tell(Answer(ask.id, error="KorProxy failed inside; the log has it"))
