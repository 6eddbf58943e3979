"""Items of an answer that come whole: made images, compactions, tools that the service ran."""

from typing import Final

from msgspec import Raw

from korproxy_addons.dialects.events import PartEnd, PartStart, WholePart
from korproxy_addons.dialects.media import sniffed_mime
from korproxy_addons.dialects.model import MediaKind, MediaPart, ServerToolPart
from korproxy_addons.dialects.openai_responses.carried import compaction_of
from korproxy_addons.dialects.openai_responses.slots import Slot
from korproxy_addons.dialects.openai_responses.web_search import SEARCH_CALL, web_search_of
from korproxy_addons.dialects.openai_responses.wire import DIALECT_ID, OutputItem

COMPACTIONS: Final = frozenset({"compaction", "compaction_summary", "context_compaction"})
IMAGE_CALL: Final = "image_generation_call"


class WholeSlot(Slot):
    """
    An item whose steps are of no one's interest; it is given when it is done.

    Args:
        origin: Service whose state it may hold (`Habits.state_origin`).
    """

    __slots__ = ("_origin",)

    def __init__(self, origin: str) -> None:
        super().__init__()
        self._origin = origin

    def finish(self, item: OutputItem, raw: Raw) -> None:
        part = self._part(item, raw)
        if part is not None:
            self.queue += (PartStart(part), PartEnd())
        self.done = True

    def cut(self, *, complete: bool) -> None:  # noqa: ARG002 - half of such an item is nothing
        self.done = True

    def _part(self, item: OutputItem, raw: Raw) -> WholePart | None:
        if item.type == IMAGE_CALL and item.result:
            return made_image(item.result)
        if item.type in COMPACTIONS:
            if not item.encrypted_content or not self._origin:
                return None
            return compaction_of(item.encrypted_content, item.id or "", self._origin)
        return ServerToolPart(
            DIALECT_ID,
            self._origin,
            item.type or "",
            item.call_id or item.id or "",
            raw,
            search=web_search_of(item.action) if item.type == SEARCH_CALL else None,
        )


def made_image(base64: str) -> MediaPart:
    """The part for an image that the service made (T128)."""
    mime = sniffed_mime(base64) or "image/png"
    return MediaPart(MediaKind.IMAGE, mime=mime, base64=base64)
