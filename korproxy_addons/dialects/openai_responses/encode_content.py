"""Parts of messages and results for an upstream."""

from collections.abc import Iterable
from typing import Any, Final

from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.media import audio_format, data_url, file_name
from korproxy_addons.dialects.model import (
    MediaKind,
    MediaPart,
    TextPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.openai_responses.raw_items import without_nulls
from korproxy_addons.dialects.openai_responses.wire import DIALECT_ID, ORIGIN

type Json = dict[str, Any]

_FEATURES: Final = {
    MediaKind.IMAGE: Feature.IMAGE,
    MediaKind.DOCUMENT: Feature.DOCUMENT,
    MediaKind.AUDIO: Feature.AUDIO,
    MediaKind.VIDEO: Feature.VIDEO,
}
_DETAILS: Final = frozenset({"auto", "low", "high", "original"})
_SAID: Final = ("http:", "https:", "data:")


class ContentEncoder:
    """
    Writes content parts.

    Args:
        target: The upstream.
        losses: Gets what it cannot take.
    """

    def __init__(self, target: Target, losses: Losses) -> None:
        self._habits = target.habits
        self._inputs = target.facts.inputs
        self._losses = losses

    def text(self, part: TextPart, kind: str) -> Json:
        """Text: `input_text`, or `output_text` with the sources that this dialect named."""
        if part.cache is not None:
            self._losses.add(Feature.CACHE_MARKER)
        found: Json = {"type": kind, "text": part.text}
        if kind == "output_text":
            notes = [note.raw for note in part.citations if note.origin == DIALECT_ID]
            if notes:
                found["annotations"] = notes
        return found

    def media(self, part: MediaPart, *, result: bool = False) -> list[Json]:
        """
        Media; what the upstream cannot look at is a note that says so (T129).

        Args:
            part: The media.
            result: It is part of a result, which takes no sound.
        """
        if part.cache is not None:
            self._losses.add(Feature.CACHE_MARKER)
        found = self._media(part, result=result)
        if found is None:
            self._losses.add(_FEATURES[part.kind], "left out")
            return [{"type": "input_text", "text": f"[{part.kind} left out]"}]
        if part.context:
            return [{"type": "input_text", "text": part.context}, found]
        return [found]

    def unknown(self, part: UnknownPart) -> list[Any]:
        """A part that only its own dialect can say."""
        if part.origin == DIALECT_ID:
            return [without_nulls(part.raw)]
        self._losses.add(Feature.UNKNOWN_PART, part.type)
        return [{"type": "input_text", "text": part.text}] if part.text else []

    def output(self, part: ToolResultPart) -> str | list[Any]:
        """
        What a call gave back: text, or parts if there is more than text (T66).

        That it failed is said in the text: there is no field for it (T67).
        """
        if part.cache is not None:
            self._losses.add(Feature.CACHE_MARKER)
        texts = [piece.text for piece in part.content if isinstance(piece, TextPart | UnknownPart)]
        if part.is_error and not (texts and texts[0].lower().startswith("error")):
            texts[:1] = [f"Error: {texts[0]}" if texts else "Error"]
        plain = all(
            isinstance(piece, TextPart)
            or (isinstance(piece, UnknownPart) and piece.origin != DIALECT_ID)
            for piece in part.content
        )
        if plain and (len(texts) <= 1 or not self._habits.state_origin):
            return "\n".join(texts)
        return self._parts(part.content, texts)

    def _parts(
        self, content: Iterable[TextPart | MediaPart | UnknownPart], texts: list[str]
    ) -> str | list[Any]:
        words = iter(texts)
        parts: list[Any] = []
        for piece in content:
            if isinstance(piece, MediaPart):
                parts += self.media(piece, result=True)
            elif isinstance(piece, UnknownPart):
                next(words, "")
                parts += self.unknown(piece)
            else:
                parts.append({"type": "input_text", "text": next(words, "")})
        parts += [{"type": "input_text", "text": word} for word in words]
        return parts or ""

    def _media(self, part: MediaPart, *, result: bool) -> Json | None:
        if part.file_id and not (part.origin == ORIGIN == self._habits.state_origin):
            return None
        if part.cite:
            self._losses.add(Feature.CITATIONS, "of a document")
        match part.kind:
            case MediaKind.IMAGE:
                return self._image(part)
            case MediaKind.DOCUMENT:
                return _document(part)
            case MediaKind.AUDIO if not result:
                return self._audio(part)
        return None

    def _image(self, part: MediaPart) -> Json | None:
        if self._inputs and "image" not in self._inputs:
            return None
        found: Json = {"type": "input_image"}
        if part.detail in _DETAILS:
            found["detail"] = part.detail
        elif part.detail:
            self._losses.add(Feature.MEDIA_DETAIL, "detail")
        if part.file_id:
            return {**found, "file_id": part.file_id}
        if part.url and not (self._habits.image_urls and part.url.startswith(_SAID)):
            return None
        return {**found, "image_url": data_url(part)}

    def _audio(self, part: MediaPart) -> Json | None:
        form = audio_format(part.mime)
        if not part.base64 or not form or (self._inputs and "audio" not in self._inputs):
            return None
        return {"type": "input_audio", "input_audio": {"data": part.base64, "format": form}}


def _document(part: MediaPart) -> Json | None:
    """A file by its content, its address or its id (T126); a text is text."""
    if part.text:
        head = f"{part.name}:\n\n" if part.name else ""
        return {"type": "input_text", "text": head + part.text}
    found: Json = {"type": "input_file"}
    if part.file_id:
        found["file_id"] = part.file_id
    elif part.url:
        if not part.url.startswith(_SAID):
            return None
        found["file_url"] = part.url
    else:
        found |= {"filename": file_name(part), "file_data": data_url(part)}
    return found
