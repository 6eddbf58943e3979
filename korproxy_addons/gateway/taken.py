"""What was caught of a finished exchange, let go by it: the rest of the work is a thread's."""

import time
from dataclasses import dataclass

from korproxy_addons.gateway.coding import BadCodingError, reply_decoder
from korproxy_addons.gateway.exchange import Attempt, Exchange
from korproxy_addons.gateway.sink import HeaderFields
from korproxy_addons.gateway.tape import CaughtAttempt, CaughtBody, Tape
from korproxy_addons.recording.develop import Caught, CaughtTry
from korproxy_addons.recording.record import RecordedAttempt, RecordedMessage, Recording

_NOTHING = RecordedMessage()
# An exchange's heads and the like take about so much; without it, recordings without bodies could wait in any number.
_HEADS_BYTES = 16 * 1024
# Few compressed bytes may stand for very many.
_AT_ONCE_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Message:
    """A message's parts as they lay in memory; `coded`: the body's content coding is still on it."""

    headers: HeaderFields
    body: CaughtBody
    method: str = ""
    url: str = ""
    status: int | None = None
    coded: bool = False

    def __repr__(self) -> str:
        return f"Message({self.method or self.status})"

    def caught(self, limit_bytes: int) -> Caught:
        """Put together, its content coding taken off; takes time that grows with its length."""
        body: bytes | None = b"".join(self.body.parts)
        cut_bytes = self.body.cut_bytes
        if self.coded and body:
            body = _decoded(body, _coding(self.headers), limit_bytes)
        if body is not None and len(body) > limit_bytes:
            cut_bytes += len(body) - limit_bytes
            body = body[:limit_bytes]
        return Caught(
            method=self.method,
            url=self.url,
            status=self.status,
            headers=tuple(self.headers),
            body=body,
            cut_bytes=cut_bytes,
            ended=self.body.ended,
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """
    Everything of an exchange that its recording is made from.

    Attributes:
        known: What is known of it, without its messages.
        limit_bytes: Kept of each body at most.
        size_bytes: What it takes in memory, about.
    """

    known: Recording
    asked: Message
    attempts: tuple[tuple[RecordedAttempt, Message | None, Message | None], ...]
    answered: Message | None
    limit_bytes: int
    size_bytes: int

    def request(self) -> Caught:
        """The client's request."""
        return self.asked.caught(self.limit_bytes)

    def reply(self) -> Caught | None:
        """The client's reply."""
        return self._maybe(self.answered)

    def tries(self) -> tuple[CaughtTry, ...]:
        """The attempts."""
        return tuple(
            CaughtTry(known, self._maybe(request), self._maybe(reply))
            for known, request, reply in self.attempts
        )

    def _maybe(self, message: Message | None) -> Caught | None:
        return None if message is None else message.caught(self.limit_bytes)


def taken(exchange: Exchange, tape: Tape, outcome: str, tool: str = "") -> Taken:
    """
    What there is of a finished exchange.

    Args:
        exchange: Its leg has told all it knows.
        tape: Its tape.
        outcome: "ok" or "client_gone", where nothing went wrong.
        tool: Who asked, where the exchange does not know; "": nobody does.
    """
    error = exchange.error
    failed = error is not None or bool(exchange.stream_error)
    wanted, peek = exchange.wanted, exchange.peek
    known = Recording(
        id=exchange.seed,
        request_id=exchange.id,
        started_at=exchange.received_at,
        mode="shapes" if tape.shapes else "content",
        request=_NOTHING,
        tool=exchange.tool or tool,
        profile=exchange.profile,
        client_dialect=exchange.dialect,
        operation=wanted.operation if wanted is not None and wanted.operation else "other",
        requested_model=exchange.model or "",
        streamed=peek is not None and peek.stream,
        over_socket=tape.over_socket,
        why=tuple(exchange.why),
        losses=tuple(exchange.losses),
        outcome="error" if failed else outcome,
        code=error.spec.code if error is not None else exchange.stream_error,
        first_byte_ms=_rounded(exchange.first_byte_ms),
        total_ms=_rounded((time.monotonic() - exchange.clock_started_s) * 1000) or 0.0,
    )
    by_number = {it.number: it for it in tape.attempts}
    attempts = tuple((_known(it), *_messages(by_number.get(it.number))) for it in exchange.attempts)
    asked = _request(exchange, tape)
    answered = _reply(tape)
    messages = [asked, answered, *(it for one in attempts for it in one[1:])]
    size_bytes = _HEADS_BYTES + sum(it.body.taken_bytes for it in messages if it is not None)
    return Taken(known, asked, attempts, answered, tape.limit_bytes, size_bytes)


def _request(exchange: Exchange, tape: Tape) -> Message:
    client = exchange.client
    host = client.headers.get("host") or "localhost"
    profile = f"/p/{client.profile}" if client.profile else ""
    query = f"?{client.query}" if client.query else ""
    return Message(
        method=client.method,
        url=f"http://{host}{profile}{client.path}{query}",
        headers=tuple(client.headers.items(multi=True)),
        body=tape.caught(client.body),
        # Ingress takes it off, and keeps what it was.
        coded=exchange.inbound is None,
    )


def _reply(tape: Tape) -> Message | None:
    response = tape.response
    if response is None:
        return None
    body = tape.told
    if body is None or not response.stream:
        # Made by an addon, or put by one in the place of what the leg has told.
        body = tape.caught(response.raw_content or b"")
    return Message(
        status=response.status_code,
        headers=tuple(response.headers.items(multi=True)),
        body=body,
        coded=True,
    )


def _messages(caught: CaughtAttempt | None) -> tuple[Message | None, Message | None]:
    if caught is None:
        return None, None
    request = Message(method="POST", url=caught.url, headers=caught.headers, body=caught.body)
    if caught.reply is None:
        return request, None
    reply = Message(
        status=caught.reply_status, headers=caught.reply_headers, body=caught.reply, coded=True
    )
    return request, reply


def _known(attempt: Attempt) -> RecordedAttempt:
    return RecordedAttempt(
        number=attempt.number,
        account=attempt.account_id,
        label=attempt.account_label,
        provider=attempt.provider,
        access=attempt.access,
        dialect=attempt.dialect,
        model=attempt.model,
        code=attempt.error_code or "",
        sent_ms=_rounded(attempt.sent_ms),
        first_byte_ms=_rounded(attempt.first_byte_ms),
        ended_ms=_rounded(attempt.ended_ms),
    )


def _coding(headers: HeaderFields) -> str:
    return next((value for name, value in headers if name.lower() == "content-encoding"), "")


def _decoded(body: bytes, coding: str, limit_bytes: int) -> bytes | None:
    """As much as can be read, a little more than what is kept; None where nothing can."""
    try:
        decoder = reply_decoder(coding)
        if decoder is None:
            return body
        parts: list[bytes] = []
        size = 0
        for start in range(0, len(body), _AT_ONCE_BYTES):
            parts.append(decoder.feed(body[start : start + _AT_ONCE_BYTES]))
            size += len(parts[-1])
            if size > limit_bytes:
                break
        return b"".join(parts)
    except BadCodingError:
        return None


def _rounded(value_ms: float | None) -> float | None:
    return None if value_ms is None else round(value_ms, 3)
