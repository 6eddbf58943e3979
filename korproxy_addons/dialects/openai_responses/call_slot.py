"""Calls of the client's tools while they stream; see `slots.py`."""

from msgspec import Raw

from korproxy_addons.dialects.events import PartDelta, PartEnd, PartStart
from korproxy_addons.dialects.model import ToolCallPart
from korproxy_addons.dialects.openai_responses.namespace import qualified
from korproxy_addons.dialects.openai_responses.outcome import INCOMPLETE
from korproxy_addons.dialects.openai_responses.slots import Slot
from korproxy_addons.dialects.openai_responses.wire import TEXT, OutputItem, given
from korproxy_addons.dialects.payload import arguments_text, decode_payload
from korproxy_addons.dialects.wrapped_calls import WRAPPERS, inner_calls
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError


class CallSlot(Slot):
    """
    A call of a client's tool. It opens when id and name are known; what comes before is held.

    Args:
        made_id: The id it gets if the upstream gives none (T57).
        custom: A custom tool: raw input instead of JSON.
    """

    __slots__ = (
        "_call_id",
        "_custom",
        "_given",
        "_held",
        "_item_id",
        "_made_id",
        "_name",
        "_opened",
        "_sent",
    )

    def __init__(self, made_id: str, *, custom: bool) -> None:
        super().__init__()
        self._made_id = made_id
        self._custom = custom
        self._call_id = ""
        self._item_id = ""
        self._name = ""
        self._opened = False
        self._held: list[str] = []
        self._sent = 0  # characters that were said, white space in front included
        self._given = False  # some of them went on

    def head(self, item: OutputItem) -> None:
        """Id and name, where they are said: never overwritten, neither with nothing nor with others."""
        self._call_id = self._call_id or item.call_id or ""
        self._item_id = self._item_id or item.id or ""
        self._name = self._name or qualified(item.namespace or "", item.name or "")
        if self._call_id and self._name and not self._opened and self._name not in WRAPPERS:
            self._open(item.namespace or "")

    def delta(self, text: str) -> None:
        """More of the arguments or the input."""
        self._sent += len(text)
        if not self._given and not self._custom:
            text = text.lstrip()  # white space alone is no arguments
        if not text:
            return
        self._given = True
        if self._opened:
            self.queue.append(PartDelta(text))
        else:
            self._held.append(text)

    def text(self, text: str) -> None:
        """The whole arguments or input."""
        if not self._given and not self._custom and arguments_text(text) == "{}":
            return  # said at the end, if nothing else comes
        if len(text) > self._sent:
            self.delta(text[self._sent :])

    def finish(self, item: OutputItem, raw: Raw) -> None:  # noqa: ARG002 - all of it is in the item
        self.head(item)
        if self._custom:
            self.text(item.input or "")
        elif given(item.arguments):
            self.text(_arguments(item.arguments))
        self.cut(complete=item.status != INCOMPLETE)

    def cut(self, *, complete: bool) -> None:
        self.done = True
        if self._name in WRAPPERS and not self._opened:
            self._unwrap(complete=complete)
            return
        if not self._opened and self._name:
            self._call_id = self._call_id or self._item_id or self._made_id
            self._open("")
        if self._opened:
            self._end(complete=complete)
        elif complete:
            raise KorProxyError(UPSTREAM_INVALID_REPLY, "a tool call without a name")

    def _open(self, namespace: str) -> None:
        self._opened = self.called = True
        self.queue.append(
            PartStart(
                ToolCallPart(
                    self._call_id,
                    self._name,
                    custom=self._custom,
                    item_id=self._item_id,
                    namespace=namespace,
                )
            )
        )
        self.queue += [PartDelta(text) for text in self._held]
        self._held.clear()

    def _end(self, *, complete: bool) -> None:
        if complete and not self._given and not self._custom:
            self.queue.append(PartDelta("{}"))  # a call without arguments (T50)
        self.queue.append(PartEnd(complete=complete))

    def _unwrap(self, *, complete: bool) -> None:
        """The calls inside of a wrapper call that some models write (T143)."""
        inner = inner_calls("".join(self._held)) if complete else ()
        call_id = self._call_id or self._item_id or self._made_id
        if not inner:
            self._call_id = call_id
            self._open("")
            self._end(complete=complete)
            return
        self.called = True
        for number, (name, arguments) in enumerate(inner):
            self.queue += (
                PartStart(ToolCallPart(f"{call_id}_{number}", name)),
                PartDelta(arguments),
                PartEnd(),
            )


def _arguments(raw: Raw) -> str:
    """Arguments as text; some services send the object itself."""
    if bytes(raw)[:1] == b'"':
        return decode_payload(TEXT, raw)
    return bytes(raw).decode("utf-8", "replace")
