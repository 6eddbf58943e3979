"""From what was caught of an exchange to what may be kept of it: every secret out, bodies as they are or as shapes."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from msgspec import structs

from korproxy_addons.recording.record import Fields, RecordedAttempt, RecordedMessage, Recording
from korproxy_addons.recording.redact import Redactor
from korproxy_addons.recording.secret_names import (
    CREDENTIAL_HEADERS,
    names_a_secret,
    names_a_secret_of_a_query,
)
from korproxy_addons.recording.shape import body_shape

SHAPES_NOTE = "recorded without content"
CUT_NOTE = "the rest was left out"
CODED_NOTE = "its content coding could not be taken off"
REPLACED_NOTE = "bytes that are no UTF-8 were replaced"

# What a client shows may be a placeholder, such as `not-needed`, which must not be taken out of what is said.
_MADE_UP = re.compile(r"(?=.*[A-Za-z])(?=.*(?:\d|[a-z].*[A-Z]|[A-Z].*[a-z])).{12,}", re.DOTALL)
_SCHEMES = ("bearer ", "basic ", "token ")


@dataclass(frozen=True, slots=True)
class Caught:
    """
    A request or reply with all that is secret in it.

    Attributes:
        method, url, status, headers: As in `RecordedMessage`, as they are.
        body: What was kept of the body, its content coding taken off; None: that was not possible.
        cut_bytes: How much was left out behind it.
        ended: All of it came.
    """

    headers: Fields
    body: bytes | None = field(repr=False)
    method: str = ""
    url: str = field(default="", repr=False)
    status: int | None = None
    cut_bytes: int = 0
    ended: bool = True

    def __repr__(self) -> str:
        # Headers, too, hold secrets.
        return f"Caught({self.method or self.status}, {len(self.body or b'')} bytes)"


@dataclass(frozen=True, slots=True)
class CaughtTry:
    """One attempt: what is known of it, without its messages, and those."""

    known: RecordedAttempt
    request: Caught | None
    reply: Caught | None


def developed(
    known: Recording,
    request: Caught,
    tries: Iterable[CaughtTry],
    reply: Caught | None,
    redactor: Redactor,
) -> Recording:
    """
    The recording of an exchange, with no secret in it.

    Args:
        known: What is known of the exchange; its messages are not looked at.
        request: The client's.
        tries: The attempts.
        reply: The client's; None if it was given none.
        redactor: Knows the secrets in use.
    """
    tries = tuple(tries)
    messages = [request, reply, *(it for one in tries for it in (one.request, one.reply))]
    shown = {it for message in messages if message is not None for it in _credentials(message)}
    developer = _Developer(redactor.with_secrets(shown), shapes=known.mode == "shapes")
    clean = developer.text
    return structs.replace(
        known,
        # What a person looks for stays readable: an id may look like a secret, but is one only if it is known to be.
        request_id=developer.without_known(known.request_id),
        requested_model=clean(known.requested_model),
        why=tuple(map(clean, known.why)),
        losses=tuple(map(clean, known.losses)),
        code=clean(known.code),
        request=developer.message(request),
        attempts=tuple(
            structs.replace(
                it.known,
                label=clean(it.known.label),
                model=clean(it.known.model),
                code=clean(it.known.code),
                request=developer.maybe(it.request),
                reply=developer.maybe(it.reply),
            )
            for it in tries
        ),
        reply=developer.maybe(reply),
    )


class _Developer:
    """Makes messages fit to be kept."""

    def __init__(self, redactor: Redactor, *, shapes: bool) -> None:
        self._redactor = redactor
        self._shapes = shapes
        self.text = redactor.text

    def without_known(self, text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        return self._redactor.without_known(data).decode("utf-8", "replace")

    def maybe(self, caught: Caught | None) -> RecordedMessage | None:
        return None if caught is None else self.message(caught)

    def message(self, caught: Caught) -> RecordedMessage:
        content_type = _content_type(caught.headers)
        message = RecordedMessage(
            method=caught.method,
            url=self._redactor.url(caught.url),
            status=caught.status,
            headers=self._redactor.headers(caught.headers),
            cut_bytes=caught.cut_bytes,
            ended=caught.ended,
        )
        if caught.body is None:
            return structs.replace(message, note=CODED_NOTE)
        whole = caught.ended and not caught.cut_bytes
        shape = body_shape(caught.body, content_type, whole=whole, skeleton=self._shapes)
        shape = structs.replace(shape, bytes=shape.bytes + caught.cut_bytes)
        message = structs.replace(message, shape=shape)
        if self._shapes:
            return structs.replace(message, note=SHAPES_NOTE)
        return self._with_body(message, caught.body, content_type) if caught.body else message

    def _with_body(
        self, message: RecordedMessage, body: bytes, content_type: str
    ) -> RecordedMessage:
        notes = [CUT_NOTE] if message.cut_bytes else []
        if b"\0" in body:
            # No text; what is written in it is taken out as if it were one.
            clean, masked = self._redactor.body_masked(body.decode("latin-1"), content_type)
            text = base64.b64encode(clean.encode("latin-1")).decode()
        else:
            text = _decoded(body, cut=bool(message.cut_bytes) or not message.ended)
            notes += [REPLACED_NOTE] if "\ufffd" in text and not _is_utf8(body) else []
            text, masked = self._redactor.body_masked(text, content_type)
        return structs.replace(
            message, body=text, base64=b"\0" in body, masked=masked, note="; ".join(notes)
        )


def _decoded(body: bytes, *, cut: bool) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        if cut and error.start >= len(body) - 3:
            return body[: error.start].decode("utf-8")
        return body.decode("utf-8", "replace")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(body) - 3
    return True


def _content_type(headers: Fields) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")


def _credentials(message: Caught) -> Iterator[str]:
    """What a message bears as its credentials: it must not be found in any other place either."""
    for name, value in message.headers:
        lower = name.lower()
        if "cookie" in lower:
            yield from _made_up(part.partition("=")[2] for part in value.split(";"))
        elif lower in CREDENTIAL_HEADERS or names_a_secret(name, value):
            yield from _made_up(_without_scheme(value))
    for name, value in _parameters(message.url):
        if names_a_secret_of_a_query(name) or names_a_secret(name, value):
            yield from _made_up((value,))


def _made_up(values: Iterable[str]) -> Iterator[str]:
    return (it.strip() for it in values if _MADE_UP.fullmatch(it.strip()))


def _without_scheme(value: str) -> Iterator[str]:
    for scheme in _SCHEMES:
        if value.lower().startswith(scheme):
            value = value[len(scheme) :].strip()
            if scheme == "basic ":
                yield from _of_basic(value)
            break
    yield value


def _of_basic(value: str) -> Iterator[str]:
    try:
        yield base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return


def _parameters(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query)
    except ValueError:
        return []
