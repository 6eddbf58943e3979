"""Content of a message for a Chat upstream: text and media."""

from typing import Any, Final

from msgspec.structs import replace

from korproxy_addons.config.habits import Habits, ModelFacts
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.media import (
    audio_format,
    data_url,
    document_text,
    file_name,
    mime_of,
)
from korproxy_addons.dialects.model import (
    CompactionPart,
    MediaKind,
    MediaPart,
    Part,
    RefusalPart,
    ServerToolPart,
    TextPart,
    UnknownPart,
)
from korproxy_addons.dialects.openai_chat.decode_tools import DIALECT_ID

_LOST: Final = {
    MediaKind.IMAGE: Feature.IMAGE,
    MediaKind.DOCUMENT: Feature.DOCUMENT,
    MediaKind.AUDIO: Feature.AUDIO,
    MediaKind.VIDEO: Feature.VIDEO,
}
# OpenAI's own API takes these two formats only.
_AUDIO_TYPES: Final = frozenset({"wav", "mp3"})
OPENAI: Final = "openai"


class ContentWriter:
    """
    Writes parts for one upstream.

    Args:
        habits: What it accepts.
        facts: What its model accepts.
        losses: Gets what cannot be said.
    """

    __slots__ = ("_facts", "_habits", "_losses")

    def __init__(self, habits: Habits, facts: ModelFacts, losses: Losses) -> None:
        self._habits = habits
        self._facts = facts
        self._losses = losses

    def content(self, parts: tuple[Part, ...]) -> str | list[Any]:
        """A `content`: a string where one text says it all, else a list."""
        pieces = [piece for part in parts for piece in self._pieces(part)]
        if not pieces:
            return ""
        if len(pieces) == 1 and isinstance(pieces[0], dict) and pieces[0].get("type") == "text":
            text: str = pieces[0]["text"]
            return text
        return pieces

    def text(self, parts: tuple[Part, ...]) -> str:
        """A `content` that may be a string only: media in it are lost."""
        out = ""
        cited = False
        for part in parts:
            for piece in self._words(part):
                # a service that cites splits its text in mid-sentence; other texts are of their own
                together = cited or out[-1:].isspace() or piece[:1].isspace()
                out += piece if together or not out else f"\n\n{piece}"
            cited = isinstance(part, TextPart) and bool(part.citations)
            if isinstance(part, TextPart) and part.cache is not None:
                self._losses.add(Feature.CACHE_MARKER)
        return out

    def media(self, part: MediaPart) -> Any:
        """A file; a note in words where the upstream does not take it."""
        if part.cache is not None:
            self._losses.add(Feature.CACHE_MARKER)
        if part.cite:
            self._losses.add(Feature.CITATIONS, "of a document")
        if part.kind is MediaKind.DOCUMENT and part.text:
            return _text(_document_text(part))
        known = self._facts.inputs
        if known and part.kind not in known:
            if words := document_text(part):  # which it takes as what they are
                return _text(_document_text(replace(part, text=words)))
            return self._left_out(part, "the model takes none")
        if part.kind is MediaKind.IMAGE:
            return self._image(part)
        if part.kind is MediaKind.AUDIO:
            return self._audio(part)
        return self._document(part) if part.kind is MediaKind.DOCUMENT else self._video(part)

    def _pieces(self, part: Part) -> list[Any]:
        if isinstance(part, TextPart):
            if part.cache is not None:
                self._losses.add(Feature.CACHE_MARKER)
            return [_text(part.text)]
        if isinstance(part, MediaPart):
            return [self.media(part)]
        if isinstance(part, UnknownPart) and part.origin == DIALECT_ID and part.type != "audio":
            return [part.raw]
        return [_text(text) for text in self._words(part)]

    def _words(self, part: Part) -> list[str]:
        """What a part says in words, where nothing else can be said of it."""
        if isinstance(part, MediaPart):
            piece = self._left_out(part, "this place takes text only")
            return [str(piece["text"])]
        if isinstance(part, ServerToolPart):
            self._losses.add(Feature.SERVER_TOOL_HISTORY, part.type)
        elif isinstance(part, UnknownPart):
            self._losses.add(Feature.UNKNOWN_PART, part.type)
        elif isinstance(part, CompactionPart):
            if part.state is not None:
                self._losses.add(Feature.FOREIGN_STATE, part.state.origin)
        elif not isinstance(part, TextPart | RefusalPart):
            return []
        return [part.text] if part.text else []

    def _image(self, part: MediaPart) -> Any:
        if part.file_id:
            return self._file_id(part)
        if part.url and not (self._habits.image_urls and _is_web(part.url)):
            return self._left_out(part, "the upstream takes no such URL")
        if part.text:
            return self._left_out(part, "it has no content")
        image = {"url": data_url(part)}
        if part.detail in {"low", "high", "auto", "original"}:
            image["detail"] = part.detail
        elif part.detail:
            self._losses.add(Feature.MEDIA_DETAIL, part.detail)
        return {"type": "image_url", "image_url": image}

    def _audio(self, part: MediaPart) -> Any:
        form = audio_format(mime_of(part))
        if not part.base64 or not form:
            return self._left_out(part, "only content in a known format is taken")
        if self._habits.state_origin == OPENAI and form not in _AUDIO_TYPES:
            return self._left_out(part, f"the format {form} is not taken")
        return {"type": "input_audio", "input_audio": {"data": part.base64, "format": form}}

    def _document(self, part: MediaPart) -> Any:
        if part.file_id:
            return self._file_id(part)
        if not part.base64:
            return self._left_out(part, "a URL of a document cannot be sent")
        file = {"filename": file_name(part), "file_data": data_url(part)}
        return {"type": "file", "file": file}

    def _video(self, part: MediaPart) -> Any:
        # OpenAI itself takes no video; DashScope and vLLM take it in this form
        if (
            self._habits.state_origin == OPENAI
            or part.file_id
            or (part.url and not _is_web(part.url))
        ):
            return self._left_out(part, "the upstream takes no video")
        return {"type": "video_url", "video_url": {"url": data_url(part)}}

    def _file_id(self, part: MediaPart) -> Any:
        if part.origin != self._habits.state_origin or part.kind is not MediaKind.DOCUMENT:
            return self._left_out(part, "a file stored at another place")
        return {"type": "file", "file": {"file_id": part.file_id}}

    def _left_out(self, part: MediaPart, why: str) -> dict[str, Any]:
        self._losses.add(_LOST[part.kind], why)
        named = f" {part.name!r}" if part.name else ""
        return _text(f"[{part.kind.value}{named} left out: {why}]")


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _document_text(part: MediaPart) -> str:
    """A document in words, with what is known about it before it."""
    return "\n".join(line for line in (part.name, part.context, part.text) if line)


def _is_web(url: str) -> bool:
    return url[:8].lower().startswith(("https://", "http://"))
