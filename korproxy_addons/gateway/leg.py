"""
The upstream leg of one exchange: a task that owns everything between the finished request and the reply's last byte.

It may wait for anything (an account, a connection, the first event), since nothing of mitmproxy waits for it. What it knows of
the client is a `ClientSink`; a client that leaves cancels the task.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace

from korproxy_addons.accounts.balancing import select
from korproxy_addons.accounts.failover import Next, next_step
from korproxy_addons.accounts.pool import Pool, State
from korproxy_addons.dialects import dialect
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind, Retry
from korproxy_addons.gateway.attempt import Attempting
from korproxy_addons.gateway.attempt_failure import AttemptFailedError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.flow_record import FlowRecord
from korproxy_addons.gateway.models import ModelLists
from korproxy_addons.gateway.replies import Reply, error_reply, own_headers, reply_error
from korproxy_addons.gateway.sink import ClientSink
from korproxy_addons.gateway.upstream_error import upstream_error_reply
from korproxy_addons.gateway.wire import Wire
from korproxy_addons.providers.failure import Scope, Verdict
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.paths import RESPONSES
from korproxy_addons.routing.rules import Candidate, choose, unknown_model

log = logging.getLogger("korproxy.leg")


@dataclass(frozen=True, slots=True)
class Services:
    """What every leg of a process shares."""

    wire: Wire
    lists: ModelLists
    pool: Pool
    # Unix seconds, and a wait; handed in for tests.
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(slots=True)
class _Course:
    """
    How far an exchange has come.

    Attributes:
        candidates: Those that may serve it, best first.
        done: Those that are not asked again.
        count: Attempts by account.
        failed: How the last attempt failed.
        unfit: Why the first upstream that could not be asked at all could not.
    """

    candidates: tuple[Candidate, ...]
    done: list[Candidate] = field(default_factory=list)
    count: dict[str, int] = field(default_factory=dict)
    failed: AttemptFailedError | None = None
    unfit: KorProxyError | None = None


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
        self._sink = sink
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
        if not exchange.cleared or wanted is None or wanted.operation is None:
            raise KorProxyError(catalogue.INTERNAL, "the request was not cleared by every check")
        if not self._services.wire.accounts(exchange.config):
            raise KorProxyError(catalogue.NO_ACCOUNT)
        if wanted.operation is Operation.MODELS:
            await self._answer(await self._model_list(wanted.path_model))
        else:
            await self._attempts(await self._candidates())

    async def _candidates(self) -> tuple[Candidate, ...]:
        exchange = self._exchange
        model = exchange.model or ""
        lists = self._services.lists
        aliases = exchange.config.aliases
        choice = choose(model, lists.offers(exchange), aliases, own_login=exchange.own_login)
        if not choice.candidates and await lists.complete(exchange.config):
            # A provider may serve models that are younger than our lists: ask before saying no.
            choice = choose(model, lists.offers(exchange), aliases, own_login=exchange.own_login)
        if not choice.candidates:
            raise unknown_model(model, lists.offers(exchange), aliases)
        if choice.why:
            exchange.note(choice.why)
        accounts = self._services.wire.accounts(exchange.config)
        refusals = {it: accounts[it.account_id].refusal(exchange.tool) for it in choice.candidates}
        allowed = tuple(it for it in choice.candidates if refusals[it] is None)
        refused = next((error for error in refusals.values() if error is not None), None)
        if not allowed and refused is not None:
            raise refused
        return allowed

    async def _attempts(self, candidates: tuple[Candidate, ...]) -> None:
        """Ask one candidate after the other, as far as `next_step` goes; answers the client in any case."""
        course = _Course(candidates)
        self._revive(candidates)
        candidate = self._select(course)
        if candidate is None:
            raise self._all_resting(candidates)
        while candidate is not None:
            course.count[candidate.account_id] = course.count.get(candidate.account_id, 0) + 1
            try:
                await self._attempting(candidate).run()
            except AttemptFailedError as error:
                course.failed = error
                candidate = await self._after(candidate, error, course)
            except KorProxyError as error:
                if self._sink.committed:
                    raise
                # This upstream has no words for the request; one of another kind may have.
                course.unfit = course.unfit or error
                course.done += self._alike(candidate, candidates)
                candidate = self._select(course)
            else:
                self._services.pool.succeeded(candidate.account_id, candidate.model)
                return
        if course.failed is None:
            assert course.unfit is not None
            raise course.unfit
        await self._answer(upstream_error_reply(self._exchange, course.failed))

    def _attempting(self, candidate: Candidate) -> Attempting:
        services = self._services
        return Attempting(
            self._exchange, candidate, self._sink, self._record, services.wire, services.clock
        )

    async def _after(
        self, candidate: Candidate, failed: AttemptFailedError, course: "_Course"
    ) -> Candidate | None:
        """Take in a failed attempt, and wait where that is what comes next; None: the client is told."""
        exchange, pool, failure = self._exchange, self._services.pool, failed.failure
        on_this_account = course.count[candidate.account_id]
        if failure.retry is Retry.REFRESH and on_this_account > 1:
            # The token was read anew and is refused again: only its owner can help.
            failure = replace(failure, verdict=Verdict.NEEDS_LOGIN)
        now = self._services.clock()
        pool.failed(candidate.account_id, candidate.model, failure, now, breakdown=failed.breakdown)
        other = self._select(course, candidate)
        step = next_step(
            failure,
            attempts=len(exchange.attempts),
            on_this_account=on_this_account,
            others=other is not None,
        )
        self._log_failed(candidate, failed, step.action)
        reason = failure.status or failure.spec.code
        match step.action:
            case Next.GIVE_UP:
                return None
            case Next.SAME_ACCOUNT:
                exchange.note(f"retry:{reason}")
                await self._services.sleep(step.wait_s)
                return candidate
            case Next.NEXT_ACCOUNT:
                exchange.note(f"failover:{reason}")
                course.done.append(candidate)
                return other

    def _select(self, course: "_Course", *besides: Candidate) -> Candidate | None:
        pool, now = self._services.pool, self._services.clock()
        tried = [*course.done, *besides]
        return select(
            course.candidates, tried, lambda it: pool.usable(it.account_id, it.model, now)
        ) or select(
            # Better an account that may have recovered than none: only what a provider said itself is final.
            course.candidates,
            tried,
            lambda it: pool.worth_a_try(it.account_id, it.model, now),
        )

    def _alike(
        self, candidate: Candidate, candidates: tuple[Candidate, ...]
    ) -> Iterator[Candidate]:
        """The candidates whose upstreams speak as this one's does."""
        accounts = self._services.wire.accounts(self._exchange.config)
        access = accounts[candidate.account_id].access
        return (it for it in candidates if accounts[it.account_id].access is access)

    def _revive(self, candidates: tuple[Candidate, ...]) -> None:
        """An account whose secret its owner has put in order since it was refused is asked again."""
        wire, pool, now = self._services.wire, self._services.pool, self._services.clock()
        accounts = wire.accounts(self._exchange.config)
        for it in candidates:
            state = pool.worst(it.account_id, it.model, now).state
            if state is State.NEEDS_LOGIN and wire.secret_renewed(accounts[it.account_id]):
                pool.reset(it.account_id)

    def _all_resting(self, candidates: tuple[Candidate, ...]) -> KorProxyError:
        """Every account that could serve is out of play: say until when, and why."""
        now = self._services.clock()
        accounts = self._services.wire.accounts(self._exchange.config)
        healths = [self._services.pool.worst(it.account_id, it.model, now) for it in candidates]
        soonest = min(
            (health.until for health in healths if health.until is not None), default=None
        )
        names = ", ".join(
            f"{accounts[it.account_id].label} ({health.state}, {health.code})"
            for it, health in zip(candidates, healths, strict=True)
        )
        if soonest is None:
            return KorProxyError(catalogue.ACCOUNT_REJECTED, names)
        return KorProxyError(catalogue.RATE_LIMITED, names, retry_after_s=max(1.0, soonest - now))

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
        """Send a whole reply of our own."""
        body = b"" if self._exchange.client.method == "HEAD" else reply.body
        await self._sink.head(
            reply.status, (*reply.headers, ("content-length", str(len(reply.body))))
        )
        await self._sink.data(body)
        await self._sink.end()

    async def _refuse(self, error: KorProxyError) -> None:
        exchange = self._exchange
        if not self._sink.committed:
            await self._answer(error_reply(exchange, error))
            return
        exchange.error = error
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

    def _log_failed(self, candidate: Candidate, failed: AttemptFailedError, action: Next) -> None:
        failure = failed.failure
        clients = failure.spec.kind is Kind.INVALID_REQUEST and failure.scope is Scope.REQUEST
        level = logging.INFO if clients else logging.WARNING
        fields = {
            "request_id": self._exchange.id,
            "account": candidate.account_id,
            "model": candidate.model,
            "attempt": len(self._exchange.attempts),
            "code": failure.spec.code,
            "upstream_code": failure.code,
            "status": failure.status,
            "next": action,
        }
        log.log(level, "attempt failed", extra={"fields": fields})
