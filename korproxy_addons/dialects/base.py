"""
What a dialect is: the protocols that each of the four folders fulfils, and the values they exchange.

Who does what:

- A **dialect folder** translates between its wire and `model.py`/`events.py`, and nothing else. It knows
  no other dialect, no provider, no clock and no chance.
- **translate.py** joins two dialects. It does for all of them: tool names back to the client's
  (`EncodedRequest.names`), custom tools back from functions (`custom_tools`), an answer that a forced
  tool gave back to text (`answer_tool`), half emoji joined (`surrogates.py`), calls out of a wrapper call
  (`wrapped_calls.py`), stop strings that the upstream was not told (`stops.py`), the grammar, exceptions into
  `StreamFailed`, pass-through with frames kept whole. Decoders and encoders therefore see none of these.
- **Shared passes**, which request encoders call: `order.py` (turns, results, system messages, foreign
  state), `schema.py` and `schema_fit.py` (JSON schemas fitted to a target's rules), `effort.py` (effort and
  budget), `media.py` (data URLs, types), `ids.py` (call ids, tool names), `custom.py` (custom tools as
  functions), `stops.py` (which stop strings the upstream is told), `opaque.py` (state of one service
  carried through another's wire), `payload.py` (reads JSON, raises only `KorProxyError`; text of arguments),
  `body.py` (a whole reply that comes in pieces), `sse.py`, `error_text.py` (an upstream's words as a client
  may see them). `estimate.py` and `media_tokens.py` count a prompt where nobody else does.

A request's way: `peek_request` → (route) → `decode_request` → `encode_request` for a `Target`. An answer's
way: upstream bytes → `Decoder` → events → `Encoder` → client bytes; a whole reply is a stream of one chunk.
With the same dialect at both ends the bytes pass, and a `UsageTap` reads them on the side.

Call ids: request decoders apply `ids.restored_id` to every call id (calls and results), request encoders
`ids.portable_id` where the wire restricts ids (Anthropic, Responses); reply decoders give the upstream's id
as it is (or `ids.made_id` where there is none), reply encoders, all four, apply `ids.portable_id`: what a
client stores may go anywhere next (T59).

Order of the passes in `encode_request`: the docstring of `order.py`.

Opaque state: reply decoders tag it with `habits.state_origin` (and keep none if that is ""). Reply encoders put
state of their `Dialect.own_origin` on the wire as it is, that of others as `opaque.sealed`; request decoders
try `opaque.unsealed` first and take anything else as their own service's.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects.contexts import (
    DecodeContext,
    EncodedRequest,
    Inbound,
    Peek,
    ReplyContext,
    Target,
)
from korproxy_addons.dialects.events import Event, ReplyError
from korproxy_addons.dialects.losses import Feature, Loss
from korproxy_addons.dialects.model import ChatRequest, FinishReason, Usage

__all__ = [
    "DecodeContext",
    "Decoder",
    "Dialect",
    "EncodedRequest",
    "Encoder",
    "Inbound",
    "Peek",
    "ReplyContext",
    "Target",
    "UsageTap",
    "native_losses",
]


class Decoder(Protocol):
    """
    Reads one reply. Holds a bounded buffer (`sse.FRAME_LIMIT_BYTES`) and nothing else.

    The events obey `grammar.py`: exactly one MessageEnd or StreamFailed, and nothing after it, whatever
    else the upstream sends (T113). The end is held until `close` where more may still come (T101, T112).
    Errors inside a 200 become StreamFailed (T166). Both methods may raise `KorProxyError`
    (UPSTREAM_INVALID_REPLY; `payload.py` and `sse.py` raise it) and nothing else; then the reply is over.
    """

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that `data` completes. Is read to its end before the next call."""

    def close(self) -> Iterator[Event]:
        """
        The upstream closed cleanly: what is still held, and the end.

        If the dialect's own sign of the end is missing, open parts are closed as incomplete and
        StreamFailed (STREAM_CUT) follows; T111 says what counts as an end.
        """

    def told(self) -> Usage | None:
        """What the upstream has told of its tokens so far: all there is to know of a reply that breaks off."""


class Encoder(Protocol):
    """
    Writes one answer.

    Streamed, every call returns whole frames. Whole, every call returns b"" but the one with
    MessageEnd, which returns the body; after StreamFailed nothing is returned, and the gateway answers
    with `error_body` and a real status.
    """

    def feed(self, event: Event) -> bytes:
        """
        The bytes for one event, in grammar order.

        StreamFailed is taken at any point, before MessageStart and inside a part too, and gives the
        dialect's in-stream error; no made-up good end (T165). MessageEnd gives everything up to
        the last byte (`[DONE]`, `]`). Afterwards every call returns b"".
        """


class UsageTap(Protocol):
    """
    Reads usage from bytes that pass unchanged, at O(chunk) cost: looks for a marker before it parses.

    Attributes:
        usage: The last counts seen; the same numbers as the decoder's.
        finish: The settled finish reason, None before it was seen.
        model: The upstream's name of the model, "" before it was seen.
        ended: The dialect's own sign of the end was seen, or an error in its place.
        error: An error that the upstream reported inside the reply.
    """

    usage: Usage | None
    finish: FinishReason | None
    model: str
    ended: bool
    error: ReplyError | None

    def feed(self, data: bytes) -> None:
        """Take bytes: whole frames if the reply is streamed, any piece of the body if not. Never raises."""

    def close(self) -> None:
        """The reply is over; a whole body is read now."""

    def failure(self, error: ReplyError) -> bytes:
        """
        The dialect's in-stream error as frames that fit the stream so far.

        Responses goes on with the stream's id and its next sequence number. b"" if not streamed.
        """


class Dialect(Protocol):
    """
    One API's wire shape: everything the gateway calls. `DIALECT` of each folder is one.

    Attributes:
        id: "openai-chat", "openai-responses", "anthropic-messages" or "gemini".
        cannot_express: Features that its requests have no words for, whatever the upstream.
        own_origin: Service whose opaque state its wire carries natively ("anthropic", "openai",
            "google"); "" if the wire has no place for any.
    """

    id: str
    cannot_express: frozenset[Feature]
    own_origin: str

    # --- requests

    def peek_request(self, inbound: Inbound) -> Peek:
        """
        Model and stream, by a typed decode of just those fields.

        Raises:
            KorProxyError: NOT_JSON, FIELD_INVALID or MODEL_MISSING, with the field as `param`.
        """

    def decode_request(self, inbound: Inbound) -> ChatRequest:
        """
        The whole request. Any field but those the dialect needs may be missing or null (T182).

        Raises:
            KorProxyError: FIELD_INVALID with the field's path as `param`, NOT_JSON, TOO_DEEP; nothing else,
                whatever the body (T170).
        """

    def encode_request(self, request: ChatRequest, target: Target) -> EncodedRequest:
        """
        The body for a target; the same request gives the same bytes.

        What the target cannot express is left out and listed. Raises only where no request remains.

        Raises:
            KorProxyError: CANNOT_TRANSLATE, with the field as `param`.
        """

    def without_sealed(self, body: bytes) -> bytes:
        """
        A body of this dialect without the state of other services that it carries sealed.

        Called before a body passes unchanged, and only if `opaque.SEAL` occurs in it. Everything else
        keeps its meaning. A thinking part whose state goes away goes with it (T71).
        """

    # --- replies

    def decoder(self, context: DecodeContext) -> Decoder:
        """A reader of one upstream reply with status 2xx."""

    def encoder(self, context: ReplyContext) -> Encoder:
        """A writer of one answer to a client."""

    def usage_tap(self, *, streamed: bool) -> UsageTap:
        """A reader on the side for a reply that passes unchanged."""

    def keep_alive(self) -> bytes:
        """
        What may be sent between two frames to a waiting client; b"" if nothing may (T154, T155).

        The same bytes as its encoder gives for a KeepAlive event.
        """

    def content_type(self, *, streamed: bool, sse: bool = True) -> str:
        """The content type of an answer."""

    # --- errors

    def read_error(self, status: int, body: bytes) -> ReplyError:
        """
        An upstream's error body, of this dialect or of none (HTML, plain text, empty). Never raises.

        The kind comes from the status, corrected by the body's own words; `message` is at most 2000
        characters long.
        """

    def error_status(self, error: ReplyError, status: int) -> int:
        """The status that this dialect's clients know for an error (Anthropic: 503 of overload is 529)."""

    def error_body(self, error: ReplyError, status: int, request_id: str) -> bytes:
        """The envelope of an error with a real status."""

    # --- side endpoints

    def encode_models(self, models: Sequence[ModelFacts]) -> bytes:
        """The answer to this dialect's list of models."""

    def encode_model(self, model: ModelFacts) -> bytes:
        """The answer to a question about one model."""

    def encode_count_request(self, request: ChatRequest, target: Target) -> EncodedRequest:
        """
        The body that asks an upstream of this dialect to count a prompt.

        Raises:
            KorProxyError: NOT_OFFERED, the dialect has no such question; CANNOT_TRANSLATE.
        """

    def read_count(self, body: bytes) -> int:
        """
        The number in an upstream's answer to that.

        Raises:
            KorProxyError: UPSTREAM_INVALID_REPLY or NOT_OFFERED.
        """

    def encode_count(self, tokens: int) -> bytes:
        """
        The answer to this dialect's question for a count.

        Raises:
            KorProxyError: NOT_OFFERED, the dialect has no such question.
        """


def native_losses(native: Iterable[str]) -> tuple[Loss, ...]:
    """The losses for fields that only the source dialect knows, one per field."""
    return tuple(Loss(Feature.NATIVE_FIELD, name) for name in native)
