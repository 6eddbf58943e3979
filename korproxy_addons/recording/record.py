"""
One recorded exchange: what the client asked, what was sent on, both replies; no secret in any of it.

Lies as one JSON document in `recordings/<id>.json`. The structs are the format: fields are only ever added, with a
default, so that what an older version wrote can still be read.
"""

from json import dumps
from typing import Any, Literal

from msgspec import DecodeError, Struct, ValidationError, json, to_builtins

FORMAT = 1
"""Version of the format; a higher one than this is not read."""

type Mode = Literal["content", "shapes"]
type Fields = tuple[tuple[str, str], ...]


class BodyShape(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What a body is like, without what it says.

    Attributes:
        kind: "empty", "json", "events" (a stream of server-sent events), "form", "text" or "binary".
        bytes: Its length as it passed, its content coding taken off.
        sha256_8: First eight hexadecimal digits of its SHA-256, before anything was taken out; bodies that are the same
            have the same. "" where not all of it was there to be read.
        events: How many server-sent events; 0 for other kinds.
        skeleton: Of JSON, what stands where: known names of fields with the types and lengths of their values. Of events,
            how often each type came.
    """

    kind: str
    bytes: int
    sha256_8: str = ""
    events: int = 0
    skeleton: Any = None


class RecordedMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A request or a reply.

    Attributes:
        method: Of a request; "" in a reply.
        url: Of a request, absolute, with the `/p/<profile>` that a client may have put there; values of its query are
            taken out, but for harmless ones.
        status: Of a reply; None in a request.
        headers: Names as they were sent; values that may be private are masked.
        body: Its text, secrets taken out; base64 of its bytes where `base64` is true; None: not kept (`note` says why), or empty.
        base64: The body is no text.
        cut_bytes: How many bytes of the body were left out behind what is kept.
        ended: All of it came; False: it broke off, or nobody waited for the rest.
        note: Why the body, or a part of it, is not here; "" if it is.
        masked: How many pieces of the body were taken out as secrets.
        shape: What the body is like; None where nothing is known of it.
    """

    method: str = ""
    url: str = ""
    status: int | None = None
    headers: Fields = ()
    body: str | None = None
    base64: bool = False
    cut_bytes: int = 0
    ended: bool = True
    note: str = ""
    masked: int = 0
    shape: BodyShape | None = None


class RecordedAttempt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One try upstream.

    Attributes:
        number: Counted from 1.
        account: Id of the account; `label` is its name for people.
        provider, access, dialect, model: As in the exchange's row: who was asked, and how.
        request: As it was sent on; None if it never left.
        reply: As it came; None if none did.
        code: Why it failed; "" if it did not.
        sent_ms, first_byte_ms, ended_ms: From the arrival of the client's request head; None: it never came to that.
    """

    number: int
    account: str
    label: str
    provider: str
    access: str
    dialect: str
    model: str
    request: RecordedMessage | None = None
    reply: RecordedMessage | None = None
    code: str = ""
    sent_ms: float | None = None
    first_byte_ms: float | None = None
    ended_ms: float | None = None


class Recording(Struct, frozen=True, kw_only=True):
    """
    One exchange.

    Attributes:
        id: The exchange's own id, as in its row of the ledger; sorts by time.
        request_id: The correlation id, which the client may have chosen.
        started_at: Unix seconds.
        mode: "content": bodies are kept; "shapes": only what they are like.
        tool, profile, client_dialect, operation, requested_model, streamed: As in the exchange's row.
        over_socket: The request came as a message on a WebSocket, and its reply's events went back as messages.
        request: As the client sent it.
        attempts: All tries, in their order.
        reply: As the client was given it; None if it left before there was one.
        why: Every reason for what was done; `losses`: what the upstream's dialect could not express.
        outcome: "ok", "error" or "client_gone"; `code`: KP code, or the upstream's own word for an error.
        first_byte_ms: Until the first byte of the reply; `total_ms`: until the end.
        format: Version of this format.
    """

    id: str
    request_id: str
    started_at: float
    mode: Mode
    request: RecordedMessage
    attempts: tuple[RecordedAttempt, ...] = ()
    reply: RecordedMessage | None = None
    tool: str = ""
    profile: str = ""
    client_dialect: str = ""
    operation: str = ""
    requested_model: str = ""
    streamed: bool = False
    over_socket: bool = False
    why: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    outcome: str = ""
    code: str = ""
    first_byte_ms: float | None = None
    total_ms: float = 0.0
    format: int = FORMAT


class _BriefAttempt(Struct, frozen=True, kw_only=True):
    provider: str
    model: str
    label: str


class _BriefReply(Struct, frozen=True, kw_only=True):
    status: int | None = None


class Brief(Struct, frozen=True, kw_only=True):
    """A recording without its messages, for lists: the attributes of `Recording` that have the same names."""

    id: str
    request_id: str
    started_at: float
    mode: Mode
    tool: str = ""
    profile: str = ""
    client_dialect: str = ""
    operation: str = ""
    requested_model: str = ""
    streamed: bool = False
    over_socket: bool = False
    outcome: str = ""
    code: str = ""
    total_ms: float = 0.0
    attempts: tuple[_BriefAttempt, ...] = ()
    reply: _BriefReply | None = None
    format: int = FORMAT

    @property
    def status(self) -> int | None:
        """What the client was given."""
        return None if self.reply is None else self.reply.status

    @property
    def answered_by(self) -> str:
        """Provider and model of the last attempt, "" if there was none."""
        return f"{self.attempts[-1].provider}/{self.attempts[-1].model}" if self.attempts else ""


class UnreadableRecordingError(Exception):
    """The bytes are no recording, or one of a newer version."""


_RECORDING = json.Decoder(Recording)
_BRIEF = json.Decoder(Brief)
_encode = json.Encoder().encode


def encode_recording(recording: Recording) -> bytes:
    """A recording as its JSON document, on one line."""
    try:
        return _encode(recording) + b"\n"
    except UnicodeEncodeError:  # half a letter, as a header's bytes that are no UTF-8 leave it
        text = dumps(to_builtins(recording), ensure_ascii=False)
        return text.encode("utf-8", "replace") + b"\n"


def decode_recording(data: bytes) -> Recording:
    """
    The recording in a document.

    Raises:
        UnreadableRecordingError: There is none.
    """
    return _checked(_RECORDING, data)


def decode_brief(data: bytes) -> Brief:
    """
    The recording in a document, without its messages.

    Raises:
        UnreadableRecordingError: There is none.
    """
    return _checked(_BRIEF, data)


def _checked[Found: (Recording, Brief)](decoder: "json.Decoder[Found]", data: bytes) -> Found:
    try:
        found = decoder.decode(data)
    except (DecodeError, ValidationError, UnicodeDecodeError) as error:
        raise UnreadableRecordingError(type(error).__name__) from None
    if found.format > FORMAT:
        raise UnreadableRecordingError(f"format {found.format}")
    return found
