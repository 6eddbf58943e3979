"""Items of an answer, written as events and, at their end, as a whole."""

from typing import Any, Final

from msgspec import Raw

from korproxy_addons.dialects.model import Citation, Opaque
from korproxy_addons.dialects.openai_responses.frames import DeltaForm, Frames, json_bytes
from korproxy_addons.dialects.openai_responses.outcome import COMPLETED, INCOMPLETE
from korproxy_addons.dialects.openai_responses.wire import DIALECT_ID
from korproxy_addons.dialects.payload import arguments_object

_RUNNING: Final = "in_progress"
_ADDED: Final = "response.output_item.added"
_DONE: Final = "response.output_item.done"


class ItemWriter:
    """
    One item.

    Args:
        frames: Where its events go.
        index: Its `output_index`.
        item_id: Its id, the same in all its events (T53).
    """

    def __init__(self, frames: Frames, index: int, item_id: str) -> None:
        self._frames = frames
        self._index = index
        self._id = item_id
        self._pieces: list[str] = []
        self._form: DeltaForm | None = None

    def delta(self, text: str) -> None:
        """More of the open part."""
        self._pieces.append(text)
        if self._form is not None:
            self._frames.delta(self._form, text)

    def _added(self, item: dict[str, Any]) -> None:
        self._frames.event(_ADDED, {"output_index": self._index, "item": item})

    def _done(self, item: dict[str, Any]) -> Raw:
        raw = Raw(json_bytes(item))
        self._frames.event(_DONE, {"output_index": self._index, "item": raw})
        return raw

    def _place(self, **more: int) -> dict[str, Any]:
        return {"item_id": self._id, "output_index": self._index, **more}

    def _text(self) -> str:
        text = "".join(self._pieces)
        self._pieces.clear()
        return text


class MessageWriter(ItemWriter):
    """Text and refusals: parts that follow each other are parts of one message."""

    def __init__(self, frames: Frames, index: int, item_id: str) -> None:
        super().__init__(frames, index, item_id)
        self._content: list[dict[str, Any]] = []
        self._refusal = False
        self._annotations: list[Any] = []
        self._length = 0
        self._complete = True
        self._added(self._item(_RUNNING))

    def start(self, *, refusal: bool) -> None:
        """A part opens."""
        self._refusal = refusal
        self._annotations = []
        self._length = 0
        place = self._place(content_index=len(self._content))
        self._frames.event("response.content_part.added", {**place, "part": self._part("")})
        if refusal:
            self._form = DeltaForm("response.refusal.delta", place, {})
        else:
            self._form = DeltaForm("response.output_text.delta", place, {"logprobs": []})

    def delta(self, text: str) -> None:
        self._length += len(text)
        super().delta(text)

    def citation(self, citation: Citation) -> None:
        """A source of the open text; one that has no address has no form here."""
        note = self._annotation(citation)
        if note is None:
            return
        place = self._place(
            content_index=len(self._content), annotation_index=len(self._annotations)
        )
        self._annotations.append(note)
        self._frames.event("response.output_text.annotation.added", {**place, "annotation": note})

    def end(self, *, complete: bool) -> None:
        """The part closes."""
        text = self._text()
        place = self._place(content_index=len(self._content))
        if self._refusal:
            self._frames.event("response.refusal.done", {**place, "refusal": text})
        else:
            done = {**place, "text": text, "logprobs": []}
            self._frames.event("response.output_text.done", done)
        part = self._part(text)
        self._frames.event("response.content_part.done", {**place, "part": part})
        self._content.append(part)
        self._complete = complete

    def close(self) -> Raw:
        """The item is done."""
        return self._done(self._item(COMPLETED if self._complete else INCOMPLETE))

    def _item(self, status: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": self._content,
        }

    def _part(self, text: str) -> dict[str, Any]:
        if self._refusal:
            return {"type": "refusal", "refusal": text}
        notes = self._annotations
        return {"type": "output_text", "text": text, "annotations": notes, "logprobs": []}

    def _annotation(self, citation: Citation) -> Raw | dict[str, Any] | None:
        if citation.origin == DIALECT_ID:
            return citation.raw
        if not citation.url:
            return None
        known = citation.start >= 0
        return {
            "type": "url_citation",
            "url": citation.url,
            "title": citation.title,
            "start_index": citation.start if known else self._length,
            "end_index": citation.end if known and citation.end >= 0 else self._length,
        }


class ReasoningWriter(ItemWriter):
    """
    Thinking, whose text goes into `summary`: that is what clients show.

    It opens when there is something to say, for its id is that of its state where nothing was sent yet (T75).
    """

    def start(self) -> None:
        """The item begins."""
        self._added({"id": self._id, "type": "reasoning", "summary": []})

    def delta(self, text: str) -> None:
        if self._form is None:
            place = self._place(summary_index=0)
            part = {"type": "summary_text", "text": ""}
            self._frames.event("response.reasoning_summary_part.added", {**place, "part": part})
            self._form = DeltaForm("response.reasoning_summary_text.delta", place, {})
        super().delta(text)

    def end(self, content: str, item_id: str) -> Raw:
        """
        The item is done.

        Args:
            content: `encrypted_content`.
            item_id: The id of its state, for an answer that comes whole; "" for none.
        """
        summary = []
        if self._form is not None:
            text = self._text()
            place = self._place(summary_index=0)
            part = {"type": "summary_text", "text": text}
            summary.append(part)
            self._frames.event("response.reasoning_summary_text.done", {**place, "text": text})
            self._frames.event("response.reasoning_summary_part.done", {**place, "part": part})
        return self._done(
            {
                "id": item_id or self._id,
                "type": "reasoning",
                "summary": summary,
                "encrypted_content": content,
            }
        )


class CallWriter(ItemWriter):
    """
    A call of a function or of a custom tool.

    Args:
        head: `call_id`, `name` and, where there is one, `namespace`.
        custom: A custom tool: raw `input` instead of `arguments` (T139).
    """

    def __init__(
        self, frames: Frames, index: int, item_id: str, head: dict[str, str], *, custom: bool
    ) -> None:
        super().__init__(frames, index, item_id)
        self._head = head
        self._kind = "custom_tool_call" if custom else "function_call"
        self._field = "input" if custom else "arguments"
        self._event = (
            f"response.{'custom_tool_call_input' if custom else 'function_call_arguments'}"
        )
        self._form = DeltaForm(f"{self._event}.delta", self._place(), {})
        self._added(self._item("", _RUNNING))

    def end(self, *, complete: bool) -> Raw:
        """The item is done; one that was cut says so and is not repaired (T56)."""
        text = self._text()
        name = {} if self._field == "input" else {"name": self._head["name"]}
        self._frames.event(f"{self._event}.done", {**self._place(), **name, self._field: text})
        return self._done(self._item(text, COMPLETED if complete else INCOMPLETE))

    def _item(self, text: str, status: str) -> dict[str, Any]:
        head = {"id": self._id, "type": self._kind, "status": status}
        return {**head, **self._head, self._field: text}


class SearchWriter(ItemWriter):
    """A call of the client's own tool search: its arguments are an object, and come at the end."""

    def __init__(self, frames: Frames, index: int, item_id: str, call_id: str) -> None:
        super().__init__(frames, index, item_id)
        self._call_id = call_id
        self._added(self._item(Raw(b"{}"), _RUNNING))

    def end(self, *, complete: bool) -> Raw:
        """The item is done."""
        arguments = Raw(arguments_object(self._text()).encode())
        return self._done(self._item(arguments, COMPLETED if complete else INCOMPLETE))

    def _item(self, arguments: Raw, status: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "tool_search_call",
            "status": status,
            "call_id": self._call_id,
            "execution": "client",
            "arguments": arguments,
        }


class RawWriter(ItemWriter):
    """An item that comes whole."""

    def item(self, item: dict[str, Any] | Raw) -> Raw:
        """The item, begun and done."""
        raw = item if isinstance(item, Raw) else Raw(json_bytes(item))
        for kind in (_ADDED, _DONE):
            self._frames.event(kind, {"output_index": self._index, "item": raw})
        return raw


def carrier_item(item_id: str, content: str) -> dict[str, Any]:
    """An empty reasoning item that carries another part's state."""
    return {"id": item_id, "type": "reasoning", "summary": [], "encrypted_content": content}


def own_id(state: Opaque | None, origin: str) -> str:
    """The id that this service's own state goes with."""
    return state.item_id if state is not None and state.origin == origin else ""
