"""One attempt: the request encoded for one account's upstream, sent, and its reply carried to the client."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from msgspec import structs
from pydantic import SecretStr

from korproxy_addons.auth.states import LoginError
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.translate import Translator
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind, Retry
from korproxy_addons.gateway.attempt_failure import (
    AttemptFailedError,
    UpstreamAnswer,
    error_of,
    failure_of,
)
from korproxy_addons.gateway.coding import BadCodingError, ReplyDecoder, reply_decoder
from korproxy_addons.gateway.conversations import Conversations
from korproxy_addons.gateway.crossing import Crossing, crossing_to
from korproxy_addons.gateway.estimating import Estimates, estimated_reply, has_no_endpoint
from korproxy_addons.gateway.exchange import Attempt, Exchange
from korproxy_addons.gateway.flow_record import FlowRecord
from korproxy_addons.gateway.money_guard import Meter
from korproxy_addons.gateway.reply_road import Forms, HiddenFailureError, ReplyRoad
from korproxy_addons.gateway.sink import ClientSink
from korproxy_addons.gateway.usage_asking import UnaskedUsage, asking
from korproxy_addons.gateway.wire import Wire
from korproxy_addons.io.upstream import UpstreamReply
from korproxy_addons.providers.failure import Failure, Verdict
from korproxy_addons.providers.outgoing import Operation, Outgoing
from korproxy_addons.routing.rules import Candidate

log = logging.getLogger("korproxy.attempt")

ERROR_BODY_BYTES = 1024 * 1024
# Few compressed bytes may stand for very many: an error's body is unpacked piece by piece, up to its limit.
_UNPACKED_AT_ONCE_BYTES = 1024
_JSON = (("content-type", "application/json"),)


class Attempting:
    """
    Makes one attempt for `candidate`.

    Args:
        clock: Unix seconds.
        estimates: Count where the upstream does not.
        conversations: Remember where it does not.

    Attributes:
        answered: Called when the reply has proved to be good, before its head goes to the client.
        meter: Told what the reply says of the account's limits and costs; None: nobody is.
    """

    def __init__(
        self,
        exchange: Exchange,
        candidate: Candidate,
        sink: ClientSink,
        record: FlowRecord,
        wire: Wire,
        clock: Callable[[], float] = time.time,
        estimates: Estimates | None = None,
        conversations: Conversations | None = None,
    ) -> None:
        self.answered: Callable[[], None] = lambda: None
        self.meter: Meter | None = None
        self._exchange = exchange
        self._model = candidate.model
        self._sink = sink
        self._record = record
        self._wire = wire
        self._clock = clock
        self._estimates = estimates or Estimates()
        self._conversations = conversations or Conversations()
        self._way = wire.accounts(exchange.config)[candidate.account_id]
        self._secret: SecretStr | None = None
        self._translator: Translator | None = None
        self._asks_usage = False
        self._attempt: Attempt

    async def run(self) -> None:
        """
        Send, and carry the reply to its end.

        Raises:
            AttemptFailedError: nothing has reached the client.
            KorProxyError: the request cannot be made for this upstream at all.
        """
        await self._conversations.recall(self._exchange)
        if self._estimates.answers(self._exchange, self._way, self._model):
            await self._estimate()
            return
        compacts = not self._estimates.lacking(self._way, Operation.COMPACT)
        crossing = crossing_to(self._exchange, self._way, self._model, compacts=compacts)
        self._open_attempt(crossing.outgoing.dialect)
        asked = asking(crossing)
        self._asks_usage = asked is not None
        crossing = asked or crossing
        try:
            await self._ask(crossing)
        finally:
            # A client that leaves cancels this; what was used until then counts all the same.
            self._take_down()

    async def _ask(self, crossing: Crossing) -> None:
        for loss in crossing.encoded.losses:
            self._lost(str(loss.feature), str(loss))
        reply = await self._send(crossing.outgoing, crossing.encoded.body)
        try:
            if not 200 <= reply.status < 300:
                failed = await self._read_error(reply, crossing.outgoing)
                if not self._lacks(failed, crossing.outgoing.operation):
                    raise failed
                await self.run()
                return
            await self._carry(reply, crossing)
        except BaseException:
            reply.abort()
            raise
        reply.release()

    async def _estimate(self) -> None:
        """Answer a question for a count here: the upstream has no such thing."""
        answer = await estimated_reply(self._exchange, self._model, self._estimates)
        length = ("content-length", str(len(answer.body)))
        await self._sink.head(answer.status, (*answer.headers, length))
        await self._sink.data(answer.body)
        await self._sink.end()

    def _lacks(self, failed: AttemptFailedError, operation: Operation) -> bool:
        """Whether the upstream has said that it has no endpoint for what can be done without it."""
        answer = failed.answer
        if answer is None or not has_no_endpoint(
            operation, answer.status, answer.body, self._model
        ):
            return False
        self._estimates.lacks(self._way, operation)
        return True

    async def _send(self, outgoing: Outgoing, body: bytes) -> UpstreamReply:
        exchange = self._exchange
        try:
            self._secret = await self._wire.secret(self._way)
            call, secret_headers = await self._wire.call(
                self._way, outgoing, body, exchange, self._secret
            )
        except KorProxyError as error:
            self._attempt.error_code = error.spec.code
            if error.spec.code.startswith(_ABOUT_THE_REQUEST):
                raise
            raise self._not_sent(error) from error
        for loss in outgoing.losses:
            self._lost(loss, loss)
        self._attempt.url = call.url
        self._record.sent(call, secret_headers)
        tape = exchange.tape
        if tape is not None:
            tape.sent(self._attempt.number, call)
        self._attempt.sent_ms = self._elapsed_ms()
        try:
            reply = await self._wire.send(call)
        except KorProxyError as error:
            raise self._failed(failure_of(error), cause=error) from error
        if tape is not None:
            reply.listener = tape.heard(reply.status, reply.headers)
        self._record.connected(reply.link)
        self._attempt.status = reply.status
        if self.meter is not None:
            self.meter.head(reply.status, reply.headers)
        self._attempt.connection_reused = reply.link.reused
        return reply

    async def _read_error(self, reply: UpstreamReply, outgoing: Outgoing) -> AttemptFailedError:
        try:
            body = _unpacked(_decoder_of(reply), await reply.read_all(ERROR_BODY_BYTES))
        except (KorProxyError, BadCodingError):
            body = b""
        body = self._wire.masked(body)
        reply.release()
        if 300 <= reply.status < 400:
            cause = KorProxyError(
                catalogue.UPSTREAM_INVALID_REPLY,
                f"it redirects (status {reply.status}), which is not followed",
            )
            return self._failed(failure_of(cause), cause=cause)
        headers = {name.lower(): value for name, value in reply.headers}
        failure = self._way.access.read_failure(
            reply.status, headers, body, model=self._model, now=self._clock()
        )
        answer = UpstreamAnswer(outgoing.dialect, reply.status, reply.headers, body)
        return self._failed(failure, answer=answer)

    async def _carry(self, reply: UpstreamReply, crossing: Crossing) -> None:
        forms = crossing.forms(reply)
        translator = self._translator = self._conversations.keeping(
            self._plain_translator(crossing, forms),
            self._exchange,
            streamed=forms.client_streamed,
            remembers=crossing.remembers,
        )
        try:
            decoder = _decoder_of(reply)
        except BadCodingError:
            cause = KorProxyError(catalogue.UPSTREAM_INVALID_REPLY, "its content coding is unknown")
            raise self._failed(failure_of(cause), cause=cause) from None
        road = ReplyRoad(
            reply,
            translator,
            forms,
            decoder,
            self,
            self._got_first_byte,
            lambda sent_bytes: self._finished(translator, sent_bytes),
            self._exchange.config.timeouts.keep_alive_s,
        )
        try:
            first = await road.hold()
        except HiddenFailureError as hidden:
            self._log_mistake(translator)
            raise self._hidden(hidden, crossing.outgoing) from None
        except KorProxyError as error:
            raise self._failed(failure_of(error), cause=error) from error
        self.answered()
        headers = crossing.reply_headers(reply, forms)
        if road.ended:
            headers.append(("content-length", str(len(first))))
        await self._sink.head(200, headers)
        await road.carry(self._sink, first)

    def _plain_translator(self, crossing: Crossing, forms: Forms) -> Translator:
        translator = crossing.translator(forms)
        return UnaskedUsage(translator) if self._asks_usage else translator

    def _finished(self, translator: Translator, sent_bytes: int) -> None:
        """Take down what the reply came to, while the exchange is still open."""
        exchange = self._exchange
        exchange.bytes_out = sent_bytes
        exchange.usage = translator.usage
        self._take_down()
        self._estimates.heard(exchange, self._model, translator.usage)
        exchange.finish = translator.finish
        self._log_mistake(translator)
        if translator.error is not None:
            exchange.stream_error = translator.error.code or translator.error.kind
            self._attempt.error_code = exchange.stream_error

    def _take_down(self) -> None:
        """What the upstream has told so far of what the attempt used; called when it is over, and before the client is told so."""
        attempt, translator = self._attempt, self._translator
        if attempt.ended_ms is None:
            attempt.ended_ms = self._elapsed_ms()
        if translator is not None:
            attempt.usage = translator.usage
            attempt.whole = translator.over and translator.error is None
        if self.meter is not None:
            self.meter.ended(attempt.usage)

    def _log_mistake(self, translator: Translator) -> None:
        if translator.mistake is not None:
            fields = {"request_id": self._exchange.id, "where": "translator"}
            log.error("internal error", exc_info=translator.mistake, extra={"fields": fields})

    # How the provider reads what comes first (`reply_road.Reading`).

    def hidden_failure(self, data: bytes) -> Failure | None:
        failure = self._way.access.read_hidden_failure(data, model=self._model, now=self._clock())
        if failure is None:
            return None
        return replace(failure, message=self._wire.masked_text(failure.message))

    def is_prelude(self, data: bytes) -> bool:
        return self._way.access.is_prelude(data)

    def masked(self, data: bytes) -> bytes:
        return self._wire.masked(data)

    def _hidden(self, hidden: HiddenFailureError, outgoing: Outgoing) -> AttemptFailedError:
        if hidden.failure is not None:
            status = hidden.failure.spec.status
            data = self._wire.masked(hidden.data)
            answer = UpstreamAnswer(outgoing.dialect, status, _JSON, data, hidden=True)
            return self._failed(hidden.failure, answer=answer)
        said = hidden.error or ReplyError(Kind.INTERNAL, "")
        said = structs.replace(said, message=self._wire.masked_text(said.message))
        cause = error_of(said)
        return self._failed(failure_of(cause), cause=cause)

    def _not_sent(self, error: KorProxyError) -> AttemptFailedError:
        """The account could not be made ready: whatever the matter is, it is not the request's."""
        failure = failure_of(error)
        if error.spec is catalogue.POLICY_REFUSED:
            failure = replace(failure, retry=Retry.NEXT_ACCOUNT)
        elif error.spec in _NEEDS_OWNER or (isinstance(error, LoginError) and error.ends_login):
            failure = replace(failure, verdict=Verdict.NEEDS_LOGIN, retry=Retry.NEXT_ACCOUNT)
        elif isinstance(error, LoginError):
            # The sign-in is being seen to; there is nothing that this request could repeat.
            failure = replace(failure, retry=Retry.NEXT_ACCOUNT)
        return self._failed(failure, cause=error)

    def _failed(
        self,
        failure: Failure,
        *,
        answer: UpstreamAnswer | None = None,
        cause: KorProxyError | None = None,
    ) -> AttemptFailedError:
        failure = self._judged(failure)
        if self.meter is not None:
            self.meter.failed(failure)
        self._attempt.error_code = failure.spec.code
        label = self._way.label
        return AttemptFailedError(failure, label, self._clock(), answer=answer, cause=cause)

    def _judged(self, failure: Failure) -> Failure:
        """The failure in the light of what can be done about the credential."""
        if self._way.access.own_login and failure.status:
            # The login is the client's: what its vendor says goes to the client alone, and is no verdict on an account.
            return replace(failure, verdict=Verdict.NONE, retry=Retry.NO)
        if failure.retry is not Retry.REFRESH and failure.verdict is not Verdict.NEEDS_LOGIN:
            return failure
        if self._wire.secret_renewed(self._way, self._secret):
            return replace(failure, verdict=Verdict.NONE, retry=Retry.REFRESH)
        if failure.retry is Retry.REFRESH and not self._way.access.refreshes:
            # The same key would be refused again: only its owner can help.
            return replace(
                failure,
                spec=catalogue.ACCOUNT_REJECTED,
                verdict=Verdict.NEEDS_LOGIN,
                retry=Retry.NEXT_ACCOUNT,
            )
        return failure

    def _open_attempt(self, upstream_id: str) -> None:
        exchange, way = self._exchange, self._way
        self._attempt = Attempt(
            number=len(exchange.attempts) + 1,
            account_id=way.id,
            account_label=way.label,
            provider=way.provider.id,
            access=way.access.id,
            dialect=upstream_id,
            model=self._model,
            url="",
            started_at=self._clock(),
        )
        exchange.attempts.append(self._attempt)
        # What an earlier upstream would not have seen is nothing to tell of this one.
        exchange.losses.clear()
        exchange.why[:] = [reason for reason in exchange.why if not reason.startswith(_LOST)]

    def _lost(self, feature: str, loss: str) -> None:
        if loss not in self._exchange.losses:
            self._exchange.losses.append(loss)
        self._exchange.note(f"{_LOST}{feature}")

    def _got_first_byte(self) -> None:
        self._attempt.first_byte_ms = self._exchange.first_byte_ms = self._elapsed_ms()

    def _elapsed_ms(self) -> float:
        return (time.monotonic() - self._exchange.clock_started_s) * 1000


_LOST = "lost:"
_NEEDS_OWNER = (catalogue.ACCOUNT_REJECTED, catalogue.CLI_LOGIN_EXPIRED)
_ABOUT_THE_REQUEST = "KP-REQ-"


def _decoder_of(reply: UpstreamReply) -> ReplyDecoder | None:
    return reply_decoder(reply.header("content-encoding"))


def _unpacked(decoder: ReplyDecoder | None, body: bytes) -> bytes:
    """An error's body without its content coding, up to the limit."""
    if decoder is None:
        return body
    parts: list[bytes] = []
    size_bytes = 0
    for start in range(0, len(body), _UNPACKED_AT_ONCE_BYTES):
        parts.append(decoder.feed(body[start : start + _UNPACKED_AT_ONCE_BYTES]))
        size_bytes += len(parts[-1])
        if size_bytes > ERROR_BODY_BYTES:
            break
    return b"".join(parts)[:ERROR_BODY_BYTES]
