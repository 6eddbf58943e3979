"""
What became of an exchange on its way.

The client's request beside what was sent on, and the upstream's reply beside what the client was given.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from korproxy_addons.dialects.outcome import Usage
from korproxy_addons.recording.answer import Answer, answer_in
from korproxy_addons.recording.bodies import BodyDifference, How, bare, bodies_differ, content_type
from korproxy_addons.recording.changes import Change, Kind, changes_between
from korproxy_addons.recording.question import asked_in
from korproxy_addons.recording.record import RecordedAttempt, RecordedMessage, Recording
from korproxy_addons.recording.redact import MASK


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDifference:
    """
    Two requests, or two replies.

    Attributes:
        line: What differs of method, address and status.
        headers: By name, in lower case. A value that is taken out on both sides stands here too: whether the two were equal
            cannot be told.
        body: What differs of the bodies.
    """

    line: tuple[Change, ...]
    headers: tuple[Change, ...]
    body: BodyDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptDifference:
    """
    One try upstream.

    Attributes:
        number, account, provider, model, dialect: Which; `account` is its name for people.
        code: Why it failed; "" if it did not.
        status: Of the upstream's reply; None if none came.
        error: What the upstream said of a failure; "" if it was none.
        request: What the client sent, and what was sent on; None if it never left.
        reply: What came, and what the client was given; None where the client was not given this reply.
    """

    number: int
    account: str
    provider: str
    model: str
    dialect: str
    code: str = ""
    status: int | None = None
    error: str = ""
    request: MessageDifference | None = None
    reply: MessageDifference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeDifference:
    """
    One exchange.

    Attributes:
        id, request_id, mode, tool, dialect, model: As in the recording.
        losses: What the upstream's dialect could not express, in words.
        attempts: In their order.
        own_reply: The client was answered by KorProxy itself: no upstream's reply was passed on.
    """

    id: str
    request_id: str
    mode: str
    tool: str
    dialect: str
    model: str
    losses: tuple[str, ...] = ()
    attempts: tuple[AttemptDifference, ...] = ()
    own_reply: bool = False


def difference_of(recording: Recording) -> ExchangeDifference:
    """What became of a recorded exchange on its way."""
    passed_on = _passed_on(recording)
    return ExchangeDifference(
        id=recording.id,
        request_id=recording.request_id,
        mode=recording.mode,
        tool=recording.tool,
        dialect=recording.client_dialect,
        model=recording.requested_model,
        losses=recording.losses,
        attempts=tuple(_attempt(recording, it, passed_on) for it in recording.attempts),
        own_reply=recording.reply is not None and passed_on is None,
    )


def answers_differ(before: Answer, after: Answer) -> tuple[Change, ...]:
    """What differs in what two replies say; how many events it took is not looked at."""
    left, right = (json.loads(msgspec.json.encode(it)) for it in (before, after))
    return changes_between({**left, "events": 0}, {**right, "events": 0})


def answer_of(message: RecordedMessage, dialect_id: str) -> Answer | None:
    """What a recorded reply says; None where its body is not there to be read."""
    if message.body is None or message.base64 or message.status is None:
        return None
    return answer_in(
        dialect_id, message.status, content_type(message), message.body.encode("utf-8", "replace")
    )


def usage_of(recording: Recording) -> Usage | None:
    """What the recorded answer took: as the client was told, else as its upstream told; None if neither says."""
    heard = [(recording.reply, recording.client_dialect)]
    heard += [(it.reply, it.dialect) for it in reversed(recording.attempts)]
    for message, dialect_id in heard:
        answer = None if message is None else answer_of(message, dialect_id)
        if answer is not None and answer.usage is not None:
            return answer.usage
    return None


def _passed_on(recording: Recording) -> RecordedAttempt | None:
    """The attempt whose reply the client was given; None if it was KorProxy's own words, or nothing."""
    if recording.reply is None or not recording.attempts:
        return None
    last = recording.attempts[-1]
    if last.reply is None or last.reply.status != recording.reply.status:
        return None
    return last


def _attempt(
    recording: Recording, attempt: RecordedAttempt, passed_on: RecordedAttempt | None
) -> AttemptDifference:
    reply = attempt.reply
    failed = reply is not None and not 200 <= (reply.status or 0) < 300
    said = answer_of(reply, attempt.dialect) if reply is not None and failed else None
    return AttemptDifference(
        number=attempt.number,
        account=attempt.label,
        provider=attempt.provider,
        model=attempt.model,
        dialect=attempt.dialect,
        code=attempt.code,
        status=None if reply is None else reply.status,
        error="" if said is None else said.error,
        request=None if attempt.request is None else _requests(recording, attempt, attempt.request),
        reply=_replies(recording, attempt, reply)
        if attempt is passed_on and reply is not None
        else None,
    )


def _requests(
    recording: Recording, attempt: RecordedAttempt, sent: RecordedMessage
) -> MessageDifference:
    client = recording.request
    body = bodies_differ(client, sent, recording.client_dialect, attempt.dialect)
    if body.dialects is not None and client.body is not None and sent.body is not None:
        asked = [
            asked_in(dialect_id, bare(text), model=model, streamed=recording.streamed)
            for dialect_id, text, model in (
                (recording.client_dialect, client.body, recording.requested_model),
                (attempt.dialect, sent.body, attempt.model),
            )
        ]
        body = replace(body, meaning=None if None in asked else changes_between(*asked))
    return MessageDifference(
        line=_line(("method", client.method, sent.method), ("url", client.url, sent.url)),
        headers=_headers(client, sent),
        body=body,
    )


def _replies(
    recording: Recording, attempt: RecordedAttempt, came: RecordedMessage
) -> MessageDifference:
    given = recording.reply
    assert given is not None  # it is the one that was passed on
    body = bodies_differ(came, given, attempt.dialect, recording.client_dialect)
    if body.how is How.CHANGED and recording.operation in ("", "generate"):
        said = answer_of(came, attempt.dialect), answer_of(given, recording.client_dialect)
        if said[0] is not None and said[1] is not None:
            body = replace(body, meaning=answers_differ(said[0], said[1]))
    return MessageDifference(
        line=_line(("status", came.status, given.status)),
        headers=_headers(came, given),
        body=body,
    )


def _line(*values: tuple[str, Any, Any]) -> tuple[Change, ...]:
    return tuple(
        Change(name, Kind.CHANGED, before, after)
        for name, before, after in values
        if before != after
    )


def _headers(before: RecordedMessage, after: RecordedMessage) -> tuple[Change, ...]:
    left, right = _by_name(before.headers), _by_name(after.headers)
    hidden = (
        Change(name, Kind.CHANGED, value, right[name])
        for name, value in left.items()
        # Equal masks do not say that what is behind them is equal.
        if MASK in value and value == right.get(name)
    )
    return (*changes_between(left, right), *hidden)


def _by_name(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        low = name.lower()
        found[low] = f"{found[low]}, {value}" if low in found else value
    return found
