"""
What a service with a memory keeps of a Responses conversation, cut out of requests and answers, and put together again.

A client that relies on `previous_response_id` sends only what is new. For an upstream that keeps nothing the whole input is
made of what was said before (T145): the input of each answer in the chain, its output, and then the new input.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from korproxy_addons.dialects.openai_responses.frames import json_bytes
from korproxy_addons.dialects.openai_responses.request_wire import FIELDS, RAWS
from korproxy_addons.dialects.sse import frames_in
from korproxy_addons.dialects.translate import Translator
from korproxy_addons.dialects.wrapped_reply import WrappedReply

PREVIOUS: Final = "previous_response_id"
_MARK: Final = b'"previous_response_id"'
_OPTIONS: Final = b'"stream_options"'
_NOTHING: Final = b"[]"
_DONE_ITEM: Final = b"response.output_item.done"
_ENDS: Final = (b"response.completed", b"response.incomplete")


class _Wish(Struct):
    previous_response_id: str | None = None
    store: bool | None = None


class _Event(Struct):
    type: str | None = None
    output_index: int | None = None
    item: Raw = Raw()
    response: Raw = Raw()


_WISH: Final = msgspec.json.Decoder(_Wish)
_EVENT: Final = msgspec.json.Decoder(_Event)


def previous_id(body: bytes) -> str:
    """The answer that a request goes on from; "" if it begins anew, or cannot be read."""
    if _MARK not in body:
        return ""
    try:
        return _WISH.decode(body).previous_response_id or ""
    except (ValueError, RecursionError):
        return ""


def wants_store(body: bytes) -> bool:
    """Whether the answer is to be kept: by default it is."""
    try:
        return _WISH.decode(body).store is not False
    except (ValueError, RecursionError):
        return False


def input_items(body: bytes) -> bytes:
    """The input of a request as a JSON array of items; `[]` if it has none or cannot be read."""
    try:
        given = FIELDS.decode(body).get("input", Raw(b"null"))
        if bytes(given)[:1] == b'"':
            content = [{"type": "input_text", "text": given}]
            return json_bytes([{"type": "message", "role": "user", "content": content}])
        return json_bytes(RAWS.decode(given))
    except (ValueError, RecursionError):
        return _NOTHING


def output_items(answer: bytes) -> bytes:
    """The items of a kept answer, as a JSON array."""
    try:
        return json_bytes(RAWS.decode(FIELDS.decode(answer)["output"]))
    except (ValueError, RecursionError, KeyError):
        return _NOTHING


def continued(body: bytes, before: Iterable[bytes]) -> bytes:
    """
    A request with everything that was said before it, and without the id that stood for that.

    Args:
        body: The client's request.
        before: JSON arrays of items, the oldest first.
    """
    fields = FIELDS.decode(body)
    items = [item for array in (*before, input_items(body)) for item in RAWS.decode(array)]
    fields.pop(PREVIOUS, None)
    # In the place that it had, so that the prompt stays the same from turn to turn.
    fields["input"] = Raw(json_bytes(items))
    return json_bytes(fields)


def without_chat_options(body: bytes) -> bytes:
    """A Responses body that came by Chat's path, without Chat's wish for a usage chunk, which Responses refuses (T18)."""
    if _OPTIONS not in body:
        return body
    fields = FIELDS.decode(body)
    fields.pop("stream_options", None)
    return json_bytes(fields)


def answer_id(answer: bytes) -> str:
    """The id of an answer; "" if it has none."""
    try:
        found = msgspec.json.decode(FIELDS.decode(answer)["id"])
    except (ValueError, RecursionError, KeyError):
        return ""
    return found if isinstance(found, str) else ""


def item_list(items: bytes) -> bytes:
    """The answer to a question for the input items of an answer: one page, the newest first."""
    listed: list[dict[str, Any]] = []
    for place, raw in enumerate(RAWS.decode(items)):
        fields: dict[str, Any] = dict(FIELDS.decode(raw))
        fields.setdefault("id", f"item_{place}")
        listed.append(fields)
    listed.reverse()
    ends = [fields["id"] for fields in (listed[:1] + listed[-1:])] or [None, None]
    return json_bytes(
        {
            "object": "list",
            "data": listed,
            "first_id": ends[0],
            "last_id": ends[-1],
            "has_more": False,
        }
    )


class KeptReply(WrappedReply):
    """
    A reply on its way to the client, of which the answer is kept; see `translate.Translator`.

    Args:
        inner: Gives the client's bytes.
        streamed: They are a stream.
        keep: Called once with the whole answer, its `output` filled, before the client has the last of it.
    """

    def __init__(self, inner: Translator, *, streamed: bool, keep: Callable[[bytes], None]) -> None:
        super().__init__(inner)
        self._streamed = streamed
        self._keep = keep
        self._pieces: list[bytes] = []
        self._items: dict[int, Raw] = {}

    def feed(self, data: bytes) -> bytes:
        """See `Translator`."""
        return self._seen(self._inner.feed(data))

    def close(self) -> bytes:
        """See `Translator`."""
        out = self._seen(self._inner.close())
        if not self._streamed and self._inner.error is None:
            answer = b"".join(self._pieces)
            if answer_id(answer):
                self._keep(answer)
        return out

    def _seen(self, data: bytes) -> bytes:
        if not self._streamed:
            self._pieces.append(data)
        elif _DONE_ITEM in data or any(end in data for end in _ENDS):
            for frame in frames_in(data):
                self._event(frame.data)
        return data

    def _event(self, data: bytes) -> None:
        try:
            event = _EVENT.decode(data)
            if event.type == _DONE_ITEM.decode() and bytes(event.item):
                place = event.output_index
                self._items[len(self._items) if place is None else place] = event.item.copy()
            elif event.type in {end.decode() for end in _ENDS} and bytes(event.response):
                fields = FIELDS.decode(event.response)
                if bytes(fields.get("output", Raw(_NOTHING))) in (_NOTHING, b"null"):
                    fields["output"] = Raw(
                        json_bytes([it for _, it in sorted(self._items.items())])
                    )
                answer = json_bytes(fields)
                if answer_id(answer):
                    self._keep(answer)
        except (ValueError, RecursionError):
            return
