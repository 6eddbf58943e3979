"""
What the client is told when the last attempt failed.

An upstream's error reaches a client of the same dialect as it came, status, headers and words: tools match them to recover.
Across dialects the meaning is translated. One exception: a 401 or 403 about *our* credential would log the user's tool out,
so it becomes an error of ours with another status.
"""

import math

from msgspec import structs

from korproxy_addons.dialects import dialect
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.attempt_failure import AttemptFailedError, UpstreamAnswer
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.replies import (
    Reply,
    error_reply,
    forwarded_headers,
    own_headers,
)
from korproxy_addons.providers.failure import Failure


def upstream_error_reply(exchange: Exchange, failed: AttemptFailedError) -> Reply:
    """The reply for an exchange whose last attempt failed with `failed`."""
    failure, answer = failed.failure, failed.answer
    detail = f"{failed.account_label}: {_with_hint(failure, failure.message or failure.spec.title)}"
    error = KorProxyError(failure.spec, detail, retry_after_s=_wait_s(failed))
    if answer is None:
        return error_reply(exchange, failed.cause or error)
    ours = answer.status == 401 or failure.spec.code.startswith("KP-AUTH-")
    if ours and not exchange.own_login:
        return error_reply(exchange, error)
    exchange.error = error
    if answer.dialect == exchange.dialect and not answer.hidden:
        return Reply(answer.status, _headers(exchange, answer, error), answer.body)
    return _translated(exchange, answer, error, failure)


def _translated(
    exchange: Exchange, answer: UpstreamAnswer, error: KorProxyError, failure: Failure
) -> Reply:
    said = dialect(answer.dialect).read_error(answer.status, answer.body)
    if not said.message:
        return error_reply(exchange, error)
    said = structs.replace(said, message=_with_hint(failure, said.message))
    speaker = dialect(exchange.dialect)
    status = speaker.error_status(said, answer.status)
    body = speaker.error_body(said, status, exchange.id)
    fields: list[tuple[str, str]] = [
        ("content-type", "application/json"),
        *own_headers(exchange),
    ]
    wait_s = error.retry_after_s if error.retry_after_s is not None else said.retry_after_s
    if wait_s is not None:
        fields.append(("retry-after", str(max(1, math.ceil(wait_s)))))
    if (should := answer.header("x-should-retry")) is not None:
        fields.append(("x-should-retry", should))
    return Reply(status, tuple(fields), body)


def _headers(
    exchange: Exchange, answer: UpstreamAnswer, error: KorProxyError
) -> tuple[tuple[str, str], ...]:
    fields = forwarded_headers(answer.headers)
    if answer.header("retry-after") is None and error.retry_after_s is not None:
        fields.append(("retry-after", str(max(1, math.ceil(error.retry_after_s)))))
    return (*fields, *own_headers(exchange))


def _with_hint(failure: Failure, message: str) -> str:
    """What the provider said, and what a person should look at."""
    if not failure.hint:
        return message
    return f"{message.rstrip('.')}. {failure.hint}"


def _wait_s(failed: AttemptFailedError) -> float | None:
    failure = failed.failure
    if failure.retry_after_s is not None:
        return failure.retry_after_s
    return None if failure.reset_at is None else max(1.0, failure.reset_at - failed.at)
