"""While recording is on: what passes is caught, and written down by a thread, secrets out."""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary

from mitmproxy import http

from korproxy_addons.config.schema import Config
from korproxy_addons.gateway.callers import Callers
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.front import start_task
from korproxy_addons.gateway.hook import closing_hook, request_hook, response_hook
from korproxy_addons.gateway.recorded_flow import flow_file
from korproxy_addons.gateway.replies import Reply
from korproxy_addons.gateway.taken import Taken, taken
from korproxy_addons.gateway.tape import Supply, Tape
from korproxy_addons.io.background import Background
from korproxy_addons.io.private_file import Signature
from korproxy_addons.io.recording_state import RecordingState, RecordingSwitch
from korproxy_addons.io.recordings import Recordings, Room
from korproxy_addons.io.workspace import Caller, Workspace
from korproxy_addons.recording.develop import developed
from korproxy_addons.recording.record import decode_recording, encode_recording
from korproxy_addons.recording.redact import Redactor
from korproxy_addons.routing.tools import tool_of

log = logging.getLogger("korproxy.recorder")

LOOK_EVERY_S = 0.5
END_PATIENCE_S = 5.0
MEGABYTE = 1024 * 1024
MOST_IN_MEMORY_BYTES = 128 * MEGABYTE
"""Of what is on tapes and waits to be written."""


class Recorder:
    """
    Gives each exchange a tape while the switch says so.

    Args:
        home: The KorProxy folder.
        redactor: Knows every secret in use.
        config: The configuration in force at the moment of the call.
        clock: Unix seconds.
        workspace: Finds who calls, where a request does not say; None: nobody is looked for.
    """

    def __init__(
        self,
        home: Path,
        redactor: Redactor,
        config: Callable[[], Config],
        clock: Callable[[], float] = time.time,
        workspace: Workspace | None = None,
    ) -> None:
        self._callers = Callers(workspace, lambda _record: None)
        self._switch = RecordingSwitch(home)
        self._recordings = Recordings(home)
        self._redactor = redactor
        self._config = config
        self._clock = clock
        self._state: RecordingState | None = None
        self._stamp: Signature | None = None
        self._supply = Supply(MOST_IN_MEMORY_BYTES)
        self._writer = Background("recordings", MOST_IN_MEMORY_BYTES)
        self._open: WeakValueDictionary[str, Exchange] = WeakValueDictionary()
        self._watch: asyncio.Task[None] | None = None

    def load(self, _loader: object) -> None:
        # The first request may be one that is to be recorded.
        self._stamp = self._switch.stamp()
        self._state = self._switch.state(self._clock())

    def running(self) -> None:
        self._watch = start_task(self._watch_switch(), "recording watch")

    def done(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        for exchange in list(self._open.values()):
            ended = "" if exchange.tape is None else exchange.tape.outcome
            self._over(exchange, ended or "client_gone")
        if not self._writer.close(END_PATIENCE_S):
            log.warning("recordings left out at the end")

    def state(self) -> RecordingState | None:
        """What is recorded now; None: nothing."""
        state = self._state
        if state is None:
            return None
        return state if state.is_on(self._clock()) else None

    @request_hook
    def requestheaders(self, exchange: Exchange) -> Reply | None:
        if self._state is None:
            return None
        state = self.state()
        if state is None or self._is_another_tool(exchange, state):
            return None
        limit_bytes = exchange.config.recording.body_megabytes * MEGABYTE
        exchange.tape = Tape(
            shapes=state.shapes, limit_bytes=limit_bytes, supply=self._supply, takes=state.takes
        )
        self._open[exchange.seed] = exchange
        self._callers.look(exchange)
        return None

    @response_hook
    def responseheaders(self, exchange: Exchange, response: http.Response) -> None:
        if exchange.tape is not None:
            exchange.tape.response = response

    @closing_hook
    def response(self, exchange: Exchange) -> None:
        if exchange.tape is not None:
            exchange.when_settled(lambda: self._settled(exchange, "ok"))

    @closing_hook
    def error(self, exchange: Exchange) -> None:
        if exchange.tape is not None:
            exchange.when_settled(lambda: self._settled(exchange, "client_gone"))

    def look(self) -> None:
        """See whether the switch was turned."""
        stamp = self._switch.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        before, self._state = self._state, self._switch.state(self._clock())
        if self._state != before:
            state = self._state
            fields = {"until_at": state.until_at, "tool": state.tool} if state is not None else {}
            log.info(
                "recording on" if state is not None else "recording off", extra={"fields": fields}
            )

    async def _watch_switch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                self.look()
            except Exception:
                log.exception("recording watch failed")

    def _is_another_tool(self, exchange: Exchange, state: RecordingState) -> bool:
        """Whether it is known already that the request comes from a tool that nobody asked for."""
        tool = exchange.tool or tool_of(exchange.client.headers)
        return bool(tool) and not state.takes(tool)

    def _settled(self, exchange: Exchange, outcome: str) -> None:
        """The exchange is over; who asked may still be looked for."""
        if exchange.tape is not None:
            exchange.tape.outcome = outcome
        caller = None if exchange.tool else self._callers.look(exchange)
        if caller is None or caller.done():
            self._over(exchange, outcome, caller)
        else:
            caller.add_done_callback(lambda done: self._over(exchange, outcome, done))

    def _over(
        self, exchange: Exchange, outcome: str, caller: asyncio.Task[Caller] | None = None
    ) -> None:
        tape, exchange.tape = exchange.tape, None
        self._open.pop(exchange.seed, None)
        if tape is None:
            return
        wanted = exchange.wanted
        known = caller is not None and caller.done() and not caller.cancelled()
        tool = exchange.tool or (caller.result().tool if caller is not None and known else "")
        own_page = (wanted is None or wanted.operation is None) and exchange.error is None
        if own_page or not tape.takes(tool):
            tape.erase()
            return
        found = taken(exchange, tape, outcome, tool)
        if not self._writer.put(lambda: self._write(found, tape), found.size_bytes):
            tape.erase()
            fields = {"request_id": exchange.id}
            log.warning("recording left out", extra={"fields": fields})

    def _write(self, found: Taken, tape: Tape) -> None:
        """In the writer's thread."""
        try:
            recording = developed(
                found.known, found.request(), found.tries(), found.reply(), self._redactor
            )
        finally:
            tape.erase()
        settings = self._config().recording
        room = Room(settings.max_exchanges, settings.max_megabytes * MEGABYTE)
        document = encode_recording(recording)
        # Of what will be read again: mitmproxy's file, too, has no place for half a letter.
        flow = flow_file(decode_recording(document))
        try:
            self._recordings.save(recording.id, document, flow, room)
        except OSError as error:
            fields = {"request_id": recording.request_id, "reason": error.strerror}
            log.warning("recording not written", extra={"fields": fields})
