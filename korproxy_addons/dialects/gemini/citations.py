"""
Where an answer's words come from: Google's grounding metadata to citations and back.

On the wire sources and the stretches of text they support are two lists; a citation is one stretch with one
source, `raw` being the source as Google writes it. Stretches are counted in bytes there, in characters here.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from korproxy_addons.dialects.gemini.wire import DIALECT_ID, Candidate, is_null
from korproxy_addons.dialects.model import Citation, Source, WebSearch

_UNKNOWN: Final = -1


class _Source(Struct):
    uri: str | None = None
    title: str | None = None


class _GroundingChunk(Struct, rename="camel"):
    web: _Source | None = None
    retrieved_context: _Source | None = None
    maps: _Source | None = None


class _Segment(Struct, rename="camel"):
    part_index: int | None = None
    start_index: int | None = None
    end_index: int | None = None
    text: str | None = None


class _Support(Struct, rename="camel"):
    segment: _Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class _Grounding(Struct, rename="camel"):
    web_search_queries: list[str] | None = None
    grounding_chunks: list[Raw] | None = None
    grounding_supports: list[_Support] | None = None


class _Recitation(Struct, rename="camel"):
    uri: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class _Recitations(Struct, rename="camel"):
    citation_sources: list[_Recitation] | None = None
    citations: list[_Recitation] | None = None


class PlacedCitation(Struct):
    """A citation whose stretch is in bytes, and the part it says it belongs to (None: not said)."""

    citation: Citation
    part_index: int | None = None


_GROUNDING: Final = msgspec.json.Decoder(_Grounding)
_CHUNK: Final = msgspec.json.Decoder(_GroundingChunk)
_RECITATIONS: Final = msgspec.json.Decoder(_Recitations)


def citations_of(candidate: Candidate) -> list[PlacedCitation]:
    """The citations of a chunk. What cannot be read is left out: an answer does not fail for its sources."""
    found: list[PlacedCitation] = []
    try:
        if not is_null(candidate.grounding_metadata):
            found += _grounded(_GROUNDING.decode(candidate.grounding_metadata))
        if not is_null(candidate.citation_metadata):
            found += _recited(_RECITATIONS.decode(candidate.citation_metadata))
    except (ValueError, RecursionError):
        return found
    return found


def web_search_of(candidate: Candidate, known: WebSearch) -> WebSearch:
    """
    What is known of Google's own search after one more chunk.

    Args:
        candidate: Of the chunk.
        known: What the earlier ones told: queries and pages may come apart, and again.
    """
    if is_null(candidate.grounding_metadata):
        return known
    try:
        grounding = _GROUNDING.decode(candidate.grounding_metadata)
    except (ValueError, RecursionError):
        return known
    queries = "; ".join(query for query in grounding.web_search_queries or () if query)
    pages = [_source(chunk) for chunk in grounding.grounding_chunks or ()]
    sources = dict.fromkeys([*known.sources, *(Source(url, title) for url, title in pages if url)])
    return WebSearch(queries or known.query, tuple(sources))


def in_characters(citations: Iterable[Citation], pieces: Sequence[str]) -> list[Citation]:
    """Citations whose stretches were in bytes of a part's text, which is given in pieces."""
    text = "".join(pieces)
    if text.isascii():
        return list(citations)
    data = text.encode("utf-8", "replace")
    return [
        replace(
            citation,
            start=_characters(data, citation.start),
            end=_characters(data, citation.end),
        )
        for citation in citations
    ]


def grounding_of(
    parts: Iterable[tuple[int | None, Sequence[Citation], str]],
) -> dict[str, Any] | None:
    """
    `groundingMetadata` for the citations of some parts, or None if there are none.

    Args:
        parts: Number of each part (None if it is not to be said), its citations and its text.
    """
    chunks: dict[bytes, int] = {}
    supports: list[tuple[dict[str, Any], list[int]]] = []
    for number, citations, text in parts:
        for citation in citations:
            chunk = bytes(_chunk_of(citation))
            index = chunks.setdefault(chunk, len(chunks))
            segment = _segment(citation, number, text)
            if supports and supports[-1][0] == segment and index not in supports[-1][1]:
                supports[-1][1].append(index)
            else:
                supports.append((segment, [index]))
    if not chunks:
        return None
    return {
        "groundingChunks": [Raw(chunk) for chunk in chunks],
        "groundingSupports": [
            {"segment": segment, "groundingChunkIndices": indices} for segment, indices in supports
        ],
    }


def _grounded(grounding: _Grounding) -> list[PlacedCitation]:
    chunks = grounding.grounding_chunks or []
    sources = [_source(chunk) for chunk in chunks]
    used: set[int] = set()
    found = []
    for support in grounding.grounding_supports or []:
        segment = support.segment or _Segment()
        start, end = _stretch(segment.start_index, segment.end_index)
        for index in support.grounding_chunk_indices or []:
            if not 0 <= index < len(chunks):
                continue
            used.add(index)
            url, title = sources[index]
            citation = Citation(
                DIALECT_ID, chunks[index].copy(), url, title, segment.text or "", start, end
            )
            found.append(PlacedCitation(citation, segment.part_index))
    for index, (url, title) in enumerate(sources):
        if index not in used:
            found.append(PlacedCitation(Citation(DIALECT_ID, chunks[index].copy(), url, title)))
    return found


def _recited(recitations: _Recitations) -> list[PlacedCitation]:
    found = []
    for each in recitations.citation_sources or recitations.citations or []:
        start, end = _stretch(each.start_index, each.end_index)
        citation = Citation(
            DIALECT_ID, Raw(), each.uri or "", each.title or "", start=start, end=end
        )
        found.append(PlacedCitation(replace(citation, raw=_chunk_of(citation))))
    return found


def _characters(data: bytes, place: int) -> int:
    return place if place < 0 else len(data[:place].decode("utf-8", "ignore"))


def _stretch(start: int | None, end: int | None) -> tuple[int, int]:
    """Start and end; a start of 0 is not written, and without an end nothing is known."""
    return (_UNKNOWN, _UNKNOWN) if end is None else (start or 0, end)


def _source(chunk: Raw) -> tuple[str, str]:
    try:
        form = _CHUNK.decode(chunk)
    except (ValueError, RecursionError):
        return "", ""
    source = form.web or form.retrieved_context or form.maps or _Source()
    return source.uri or "", source.title or ""


def _chunk_of(citation: Citation) -> Raw:
    if citation.origin == DIALECT_ID and bytes(citation.raw):
        return citation.raw
    web = {"uri": citation.url, "title": citation.title}
    return Raw(msgspec.json.encode({"web": {key: text for key, text in web.items() if text}}))


def _segment(citation: Citation, number: int | None, text: str) -> dict[str, Any]:
    segment: dict[str, Any] = {} if number is None else {"partIndex": number}
    if citation.end >= 0:
        start = max(0, citation.start)
        segment["startIndex"] = len(text[:start].encode("utf-8", "replace"))
        segment["endIndex"] = len(text[: citation.end].encode("utf-8", "replace"))
    if citation.cited_text:
        segment["text"] = citation.cited_text
    return segment
