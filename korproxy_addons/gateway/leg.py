"""
The upstream leg of one exchange: a task that owns everything between the finished request and the reply's last byte.

It may wait for anything (an account, a connection, the first event), since nothing of mitmproxy waits for it. What it knows of
the client is a `ClientSink`; a client that leaves cancels the task.
"""

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.accounts.pool import Pool
from korproxy_addons.accounts.quota import QuotaBook
from korproxy_addons.dialects import dialect
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.attempt import Attempting
from korproxy_addons.gateway.attempt_failure import AttemptFailedError
from korproxy_addons.gateway.conversations import Conversations
from korproxy_addons.gateway.course import Course
from korproxy_addons.gateway.estimating import Estimates
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.flow_record import FlowRecord
from korproxy_addons.gateway.limiting import Limiter
from korproxy_addons.gateway.models import ModelLists
from korproxy_addons.gateway.money_guard import MoneyGuard
from korproxy_addons.gateway.patient_sink import Later, PatientSink
from korproxy_addons.gateway.planning import Planner
from korproxy_addons.gateway.replies import Reply, error_reply, own_headers, reply_error
from korproxy_addons.gateway.session import session_of
from korproxy_addons.gateway.sink import ClientSink
from korproxy_addons.gateway.stored_answers import stored_reply
from korproxy_addons.gateway.upstream_error import upstream_error_reply
from korproxy_addons.gateway.vigil import patience_is_over, vigil_for
from korproxy_addons.gateway.wire import Wire
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.paths import RESPONSES
from korproxy_addons.routing.plan import Plan
from korproxy_addons.routing.rules import unknown_model

log = logging.getLogger("korproxy.leg")


@dataclass(frozen=True, slots=True)
class Services:
    """What every leg of a process shares."""

    wire: Wire
    lists: ModelLists
    planner: Planner
    fleet: Fleet
    # Unix seconds, and a wait; handed in for tests.
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    later: Later | None = None
    limiter: Limiter = field(default_factory=Limiter)
    estimates: Estimates = field(default_factory=Estimates)
    conversations: Conversations = field(default_factory=Conversations)
    guard: MoneyGuard | None = None

    @property
    def pool(self) -> Pool:
        """Health of the accounts."""
        return self.fleet.pool

    @property
    def quota(self) -> QuotaBook:
        """The accounts' windows."""
        return self.fleet.quota


class Leg:
    """
    Serves one exchange.

    Args:
        exchange: Cleared by every request hook.
        sink: The client's side.
        record: Where the flow is told what really goes upstream.
        services: Shared by all legs.
    """

    def __init__(
        self, exchange: Exchange, sink: ClientSink, record: FlowRecord, services: Services
    ) -> None:
        self._exchange = exchange
        self._sink = PatientSink(sink, exchange, vigil_for(exchange), services.later)
        self._record = record
        self._services = services

    async def run(self) -> None:
        """Serve the exchange to its end; never raises but when cancelled."""
        try:
            await self._serve_or_refuse()
        except asyncio.CancelledError:
            self._exchange.note("client-gone")
            raise
        except Exception:
            # Not even the refusal could be said: a dropped connection is better than one that hangs.
            log.exception("internal error", extra={"fields": {"request_id": self._exchange.id}})
            await self._sink.cut("internal error")
        finally:
            self._sink.close()

    async def _serve_or_refuse(self) -> None:
        try:
            await self._serve()
        except KorProxyError as error:
            await self._refuse(error)
        except Exception:
            fields = {"request_id": self._exchange.id}
            log.exception("internal error", extra={"fields": fields})
            await self._refuse(KorProxyError(catalogue.INTERNAL, f"request {self._exchange.id}"))

    async def _serve(self) -> None:
        exchange = self._exchange
        wanted = exchange.wanted
        if exchange.cleared and wanted is not None and wanted.stored:
            await self._answer(await stored_reply(exchange, self._services.conversations))
            return
        if not exchange.cleared or wanted is None or wanted.operation is None:
            raise KorProxyError(catalogue.INTERNAL, "the request was not cleared by every check")
        if not self._services.wire.accounts(exchange.config):
            raise KorProxyError(catalogue.NO_ACCOUNT)
        if wanted.operation is Operation.MODELS:
            await self._answer(await self._model_list(wanted.path_model))
        else:
            exchange.session = session_of(exchange)
            await self._attempts(await self._admitted())

    async def _admitted(self) -> Plan:
        """The plan that the user's limits leave of the one that the rules make."""
        exchange, services = self._exchange, self._services
        while True:
            plan = services.limiter.admit(exchange, await services.planner.plan(exchange))
            if plan is not None:
                if exchange.delay_s:
                    await services.sleep(exchange.delay_s)
                return plan

    async def _attempts(self, plan: Plan) -> None:
        """Ask one account after the other, as far as the course goes; answers the client in any case."""
        services = self._services
        course = Course(self._exchange, plan, services)
        step = course.first()
        while step.candidate is not None or step.wait_s:
            if step.wait_s:
                await services.sleep(step.wait_s)
                step = course.first() if step.candidate is None else course.again(step.candidate)
                continue
            assert step.candidate is not None
            candidate = step.candidate
            wait_s = services.limiter.asked(self._exchange, candidate.account_id)
            if wait_s:
                await services.sleep(wait_s)
            with course.asking(candidate):
                attempting = Attempting(
                    self._exchange,
                    candidate,
                    self._sink,
                    self._record,
                    services.wire,
                    services.clock,
                    services.estimates,
                    services.conversations,
                )
                attempting.answered = functools.partial(course.answered, candidate)
                if services.guard is not None:
                    way = services.wire.accounts(self._exchange.config)[candidate.account_id]
                    attempting.meter = services.guard.meter(way, candidate.model, services.clock)
                try:
                    await attempting.run()
                except AttemptFailedError as error:
                    step = course.after(candidate, error)
                    if patience_is_over(self._exchange):
                        break
                except KorProxyError as error:
                    if self._sink.committed:
                        raise
                    step = course.without(candidate, error)
                else:
                    course.ended(candidate)
                    return
        await self._answer(upstream_error_reply(self._exchange, course.failure()))

    async def _model_list(self, one: str | None) -> Reply:
        exchange = self._exchange
        if exchange.own_login and exchange.dialect == RESPONSES:
            # Codex lets a catalogue it is given replace the one it was built with, prompts and tools included. With its own
            # login it talks to its own provider, so it shall go on with its own.
            raise KorProxyError(catalogue.NOT_OFFERED, "a tool with its own login knows its models")
        await self._services.lists.complete(exchange.config)
        speaker = dialect(exchange.dialect)
        facts = self._services.lists.facts(exchange)
        if one is not None:
            wanted = one.removeprefix("models/")
            found = next((it for it in facts if it.id == wanted), None)
            if found is None:
                raise unknown_model(
                    wanted, self._services.lists.offers(exchange), exchange.config.aliases
                )
            body = speaker.encode_model(found)
        else:
            body = speaker.encode_models(facts)
        fields = (("content-type", "application/json"), *own_headers(exchange))
        return Reply(200, fields, body)

    async def _answer(self, reply: Reply) -> None:
        """Send a whole reply of our own; where the client was kept waiting, what went wrong follows in its stream."""
        error = self._exchange.error
        if await self._sink.settle() and error is not None:
            await self._tell(error)
            return
        body = b"" if self._exchange.client.method == "HEAD" else reply.body
        await self._sink.head(
            reply.status, (*reply.headers, ("content-length", str(len(reply.body))))
        )
        await self._sink.data(body)
        await self._sink.end()

    async def _refuse(self, error: KorProxyError) -> None:
        if self._sink.committed:
            self._exchange.error = error
            await self._tell(error)
        else:
            await self._answer(error_reply(self._exchange, error))

    async def _tell(self, error: KorProxyError) -> None:
        """Say in a stream that has begun why it does not go on."""
        exchange = self._exchange
        # Between the items of one JSON array there is no place for an event.
        events = exchange.inbound is None or exchange.inbound.sse
        streamed = exchange.peek is not None and exchange.peek.stream and events
        tap = dialect(exchange.dialect).usage_tap(streamed=True)
        frames = tap.failure(reply_error(error)) if streamed else b""
        if frames:
            await self._sink.data(frames)
            await self._sink.end()
        else:
            await self._sink.cut("internal error")
