"""One attempt: the request encoded for one account's upstream, sent, and its reply carried to the client."""

import logging
import time
from collections.abc import Callable

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import (
    DecodeContext,
    Dialect,
    EncodedRequest,
    ReplyContext,
    Target,
)
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import ChatRequest
from korproxy_addons.dialects.translate import (
    Translator,
    reply_translator,
    translate_request,
)
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
from korproxy_addons.gateway.exchange import Attempt, Exchange
from korproxy_addons.gateway.flow_record import FlowRecord
from korproxy_addons.gateway.replies import forwarded_headers, own_headers
from korproxy_addons.gateway.reply_road import Forms, HiddenFailureError, ReplyRoad, stream_headers
from korproxy_addons.gateway.side_reply import SideReply
from korproxy_addons.gateway.sink import ClientSink
from korproxy_addons.gateway.wire import Wire
from korproxy_addons.io.upstream import UpstreamReply
from korproxy_addons.providers.base import AccessSpec
from korproxy_addons.providers.failure import Failure
from korproxy_addons.providers.outgoing import Operation, Outgoing
from korproxy_addons.routing.rules import Candidate

log = logging.getLogger("korproxy.attempt")

ERROR_BODY_BYTES = 1024 * 1024
# A prompt is about a quarter as many tokens as its JSON has bytes; base64 of pictures is not prompt text.
BYTES_PER_TOKEN = 4
LARGEST_ESTIMATED_BYTES = 2 * 1024 * 1024


class Attempting:
    """Makes one attempt for `candidate`."""

    def __init__(
        self,
        exchange: Exchange,
        candidate: Candidate,
        sink: ClientSink,
        record: FlowRecord,
        wire: Wire,
    ) -> None:
        self._exchange = exchange
        self._model = candidate.model
        self._sink = sink
        self._record = record
        self._wire = wire
        self._way = wire.accounts(exchange.config)[candidate.account_id]
        self._attempt: Attempt

    async def run(self) -> None:
        """
        Send, and carry the reply to its end.

        Raises:
            AttemptFailedError: nothing has reached the client.
            KorProxyError: the request cannot be made for this upstream at all.
        """
        exchange, way = self._exchange, self._way
        assert exchange.wanted is not None
        assert exchange.peek is not None
        operation = exchange.wanted.operation
        assert operation is not None
        body_dialect = exchange.peek.body_dialect or exchange.dialect
        native = self._speaks(operation, body_dialect)
        if (
            not native
            and operation is not Operation.GENERATE
            and operation is not Operation.COUNT_TOKENS
        ):
            raise self._not_offered(operation)
        upstream_id = body_dialect if native else way.access.dialects[0]
        if not native and not self._speaks(operation, upstream_id):
            raise self._not_offered(operation)
        self._open_attempt(upstream_id)
        encoded, decoded = self._encode(operation, body_dialect, upstream_id)
        outgoing = Outgoing(
            operation=operation,
            dialect=upstream_id,
            model=self._model,
            client_model=exchange.model if encoded.passed else self._model,
            stream=exchange.peek.stream,
            native=native,
            client_query=exchange.client.query,
            session_id=exchange.peek.session,
            prompt_id=exchange.seed,
        )
        reply = await self._send(outgoing, encoded.body)
        try:
            await self._carry(reply, outgoing, encoded, decoded)
        except BaseException:
            reply.abort()
            raise
        reply.release()

    def _not_offered(self, operation: Operation) -> KorProxyError:
        return KorProxyError(
            catalogue.NOT_OFFERED, f"{operation.replace('_', ' ')} at {self._way.provider.name}"
        )

    def _speaks(self, operation: Operation, dialect_id: str) -> bool:
        access = self._way.access
        return (
            dialect_id in access.dialects
            and access.path(operation, self._model, dialect=dialect_id) is not None
        )

    def _facts(self) -> ModelFacts:
        known = (it for it in self._way.models if it.id == self._model)
        return next(known, None) or ModelFacts(id=self._model)

    def _unwrap(self) -> Callable[[bytes], bytes] | None:
        access = self._way.access
        return None if type(access).unwrap is AccessSpec.unwrap else access.unwrap

    def _encode(
        self, operation: Operation, body_dialect: str, upstream_id: str
    ) -> tuple[EncodedRequest, ChatRequest | None]:
        exchange = self._exchange
        assert exchange.inbound is not None
        assert exchange.peek is not None
        client, upstream = dialect(body_dialect), dialect(upstream_id)
        target = Target(
            model=self._model,
            habits=self._way.habits[upstream_id],
            facts=self._facts(),
            stream=exchange.peek.stream or self._way.access.streams(operation),
        )
        if client.id == upstream.id:
            return translate_request(client, upstream, exchange.inbound, target), None
        decoded = client.decode_request(exchange.inbound)
        if operation is Operation.COUNT_TOKENS:
            encoded = upstream.encode_count_request(decoded, target)
        else:
            encoded = translate_request(client, upstream, exchange.inbound, target, decoded)
        serious = [loss for loss in encoded.losses if loss.serious]
        if serious and not exchange.config.allow_degradation:
            raise KorProxyError(
                catalogue.CANNOT_TRANSLATE, "; ".join(str(loss) for loss in serious)
            )
        for loss in encoded.losses:
            self._lost(str(loss.feature), str(loss))
        return encoded, decoded

    async def _send(self, outgoing: Outgoing, body: bytes) -> UpstreamReply:
        exchange = self._exchange
        try:
            call, secret_headers = await self._wire.call(self._way, outgoing, body, exchange)
            for loss in outgoing.losses:
                self._lost(loss, loss)
            self._attempt.url = call.url
            self._record.sent(call, secret_headers)
            self._attempt.sent_ms = self._elapsed_ms()
            reply = await self._wire.send(call)
        except KorProxyError as error:
            if error.spec.kind is Kind.INVALID_REQUEST:
                raise
            raise self._failed(failure_of(error), cause=error) from error
        self._record.connected(reply.link)
        self._attempt.status = reply.status
        self._attempt.connection_reused = reply.link.reused
        if not 200 <= reply.status < 300:
            raise await self._read_error(reply, outgoing)
        return reply

    async def _read_error(self, reply: UpstreamReply, outgoing: Outgoing) -> AttemptFailedError:
        now = time.time()
        try:
            body = await reply.read_all(ERROR_BODY_BYTES)
            decoder = _decoder_of(reply)
            body = decoder.feed(body) if decoder is not None else body
        except (KorProxyError, BadCodingError):
            body = b""
        reply.release()
        if 300 <= reply.status < 400:
            cause = KorProxyError(
                catalogue.UPSTREAM_INVALID_REPLY,
                f"it redirects (status {reply.status}), which is not followed",
            )
            return self._failed(failure_of(cause), cause=cause)
        headers = {name.lower(): value for name, value in reply.headers}
        failure = self._way.access.read_failure(
            reply.status, headers, body, model=self._model, now=now
        )
        answer = UpstreamAnswer(outgoing.dialect, reply.status, reply.headers, body)
        return self._failed(failure, answer=answer)

    async def _carry(
        self,
        reply: UpstreamReply,
        outgoing: Outgoing,
        encoded: EncodedRequest,
        decoded: ChatRequest | None,
    ) -> None:
        exchange = self._exchange
        assert exchange.peek is not None
        client = dialect(exchange.dialect)
        content_type = (reply.header("content-type") or "").partition(";")[0].strip().lower()
        streams = outgoing.stream or self._way.access.streams(outgoing.operation)
        # Some upstreams stream without saying so, or say only that it is text.
        unsaid = content_type in ("", "application/octet-stream", "text/plain")
        streamed = content_type == "text/event-stream" or (streams and unsaid)
        forms = Forms(upstream_streamed=streamed, client_streamed=exchange.peek.stream)
        translator = self._translator(client, outgoing, encoded, decoded, forms)
        try:
            decoder = _decoder_of(reply)
        except BadCodingError:
            cause = KorProxyError(catalogue.UPSTREAM_INVALID_REPLY, "its content coding is unknown")
            raise self._failed(failure_of(cause), cause=cause) from None
        road = ReplyRoad(
            reply,
            translator,
            client,
            forms,
            decoder,
            self,
            self._got_first_byte,
            lambda sent_bytes: self._finished(translator, sent_bytes),
        )
        try:
            first = await road.hold()
        except HiddenFailureError as hidden:
            self._log_mistake(translator)
            raise self._hidden(hidden, outgoing) from None
        except KorProxyError as error:
            raise self._failed(failure_of(error), cause=error) from error
        headers = self._reply_headers(reply, client, outgoing, forms)
        if road.ended:
            headers.append(("content-length", str(len(first))))
        await self._sink.head(200, headers)
        await road.carry(self._sink, first)

    def _finished(self, translator: Translator, sent_bytes: int) -> None:
        """Take down what the reply came to, while the exchange is still open."""
        exchange = self._exchange
        exchange.bytes_out = sent_bytes
        exchange.usage = translator.usage
        exchange.finish = translator.finish
        self._log_mistake(translator)
        if translator.error is not None:
            exchange.stream_error = translator.error.code or translator.error.kind
            self._attempt.error_code = exchange.stream_error

    def _log_mistake(self, translator: Translator) -> None:
        if translator.mistake is not None:
            fields = {"request_id": self._exchange.id, "where": "translator"}
            log.error("internal error", exc_info=translator.mistake, extra={"fields": fields})

    def _translator(
        self,
        client: Dialect,
        outgoing: Outgoing,
        encoded: EncodedRequest,
        decoded: ChatRequest | None,
        forms: Forms,
    ) -> Translator:
        exchange = self._exchange
        assert exchange.inbound is not None
        upstream = dialect(outgoing.dialect)
        if outgoing.operation is not Operation.GENERATE:
            return SideReply(client, upstream, outgoing.operation)
        body = exchange.inbound.body
        estimate = len(body) // BYTES_PER_TOKEN if len(body) <= LARGEST_ESTIMATED_BYTES else 0
        ids = IdSource(exchange.seed)
        return reply_translator(
            client,
            upstream,
            encoded,
            DecodeContext(
                streamed=forms.upstream_streamed, habits=self._way.habits[outgoing.dialect], ids=ids
            ),
            ReplyContext(
                streamed=forms.client_streamed,
                model=exchange.model or self._model,
                ids=ids,
                created_at=int(exchange.received_at),
                include_usage=decoded.stream_usage if decoded is not None else True,
                sse=exchange.inbound.sse,
                input_tokens=estimate,
                client_body=body,
            ),
            self._unwrap(),
        )

    def _reply_headers(
        self, reply: UpstreamReply, client: Dialect, outgoing: Outgoing, forms: Forms
    ) -> list[tuple[str, str]]:
        exchange = self._exchange
        assert exchange.inbound is not None
        own = list(own_headers(exchange))
        said = client.content_type(streamed=forms.client_streamed, sse=exchange.inbound.sse)
        same = outgoing.dialect == client.id
        kept = forwarded_headers(reply.headers) if same else []
        dropped = {name for name, _ in own} | {"cache-control", "x-accel-buffering"}
        if not same or forms.client_streamed != forms.upstream_streamed or forms.client_streamed:
            dropped.add("content-type")
            kept.append(("content-type", said))
        headers = [
            (name, value)
            for name, value in kept
            if name.lower() not in dropped or (name == "content-type" and value == said)
        ]
        if forms.client_streamed:
            headers += [it for it in stream_headers(said) if it[0] != "content-type"]
        return headers + own

    # How the provider reads what comes first (`reply_road.Reading`).

    def hidden_failure(self, data: bytes) -> Failure | None:
        return self._way.access.read_hidden_failure(data, model=self._model, now=time.time())

    def is_prelude(self, data: bytes) -> bool:
        return self._way.access.is_prelude(data)

    def _hidden(self, hidden: HiddenFailureError, outgoing: Outgoing) -> AttemptFailedError:
        if hidden.failure is not None:
            answer = UpstreamAnswer(
                outgoing.dialect, hidden.failure.spec.status, _JSON, hidden.data
            )
            return self._failed(hidden.failure, answer=answer)
        cause = error_of(hidden.error or ReplyError(Kind.INTERNAL, ""))
        return self._failed(failure_of(cause), cause=cause)

    def _failed(
        self,
        failure: Failure,
        *,
        answer: UpstreamAnswer | None = None,
        cause: KorProxyError | None = None,
    ) -> AttemptFailedError:
        self._attempt.error_code = failure.spec.code
        if failure.retry is Retry.REFRESH:
            self._wire.forget_secret(self._way)
        label = self._way.label
        return AttemptFailedError(failure, label, time.time(), answer=answer, cause=cause)

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
            started_at=time.time(),
        )
        exchange.attempts.append(self._attempt)

    def _lost(self, feature: str, loss: str) -> None:
        if loss not in self._exchange.losses:
            self._exchange.losses.append(loss)
        self._exchange.note(f"lost:{feature}")

    def _got_first_byte(self) -> None:
        self._attempt.first_byte_ms = self._elapsed_ms()
        if self._exchange.first_byte_ms is None:
            self._exchange.first_byte_ms = self._attempt.first_byte_ms

    def _elapsed_ms(self) -> float:
        return (time.monotonic() - self._exchange.clock_started_s) * 1000


_JSON = (("content-type", "application/json"),)


def _decoder_of(reply: UpstreamReply) -> ReplyDecoder | None:
    return reply_decoder(reply.header("content-encoding"))
