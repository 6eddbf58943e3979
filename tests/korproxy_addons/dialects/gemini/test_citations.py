import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from korproxy_addons.dialects.events import Event, PartCitation
from korproxy_addons.dialects.gemini.citations import (
    citations_of,
    grounding_of,
    in_characters,
)
from korproxy_addons.dialects.gemini.wire import Candidate
from korproxy_addons.dialects.model import Citation
from support.gemini_wire import chunk, decoded, sse, states


def candidate(**fields: Any) -> Candidate:
    return msgspec.json.decode(json.dumps(fields).encode(), type=Candidate)


WEB = {"web": {"uri": "https://a.example", "title": "A"}}
MAPS = {"maps": {"uri": "https://m.example"}}


def test_a_stretch_with_two_sources_is_two_citations() -> None:
    support = {
        "segment": {"startIndex": 1, "endIndex": 4, "text": "abc", "partIndex": 2},
        "groundingChunkIndices": [0, 1, 7, -1],
    }
    found = citations_of(
        candidate(
            groundingMetadata={"groundingChunks": [WEB, MAPS], "groundingSupports": [support]}
        )
    )
    assert [each.part_index for each in found] == [2, 2]
    one = found[0].citation
    assert (one.url, one.title, one.cited_text, one.start, one.end) == (
        "https://a.example",
        "A",
        "abc",
        1,
        4,
    )
    assert json.loads(bytes(one.raw)) == WEB


def test_a_start_of_0_is_not_written_and_no_end_means_unknown() -> None:
    supports = [
        {"segment": {"endIndex": 4}, "groundingChunkIndices": [0]},
        {"segment": {"startIndex": 4}, "groundingChunkIndices": [0]},
        {"groundingChunkIndices": [0]},
        {"segment": {}},
    ]
    found = citations_of(
        candidate(grounding_metadata={"groundingChunks": [WEB], "groundingSupports": supports})
    )
    assert [(each.citation.start, each.citation.end) for each in found] == [
        (0, 4),
        (-1, -1),
        (-1, -1),
    ]


def test_recited_sources_become_citations() -> None:
    source = {"startIndex": 2, "endIndex": 9, "uri": "https://r.example", "license": "mit"}
    for key in ("citationSources", "citations"):
        (found,) = citations_of(candidate(citationMetadata={key: [source]}))
        assert (found.citation.url, found.citation.start) == ("https://r.example", 2)
        assert json.loads(bytes(found.citation.raw)) == {"web": {"uri": "https://r.example"}}


@pytest.mark.parametrize(
    "grounding",
    [
        [],
        "x",
        {"groundingChunks": 5},
        {"groundingChunks": ["x"]},
        {"groundingSupports": [{"a": 1}]},
    ],
)
def test_an_answer_does_not_fail_for_its_sources(grounding: Any) -> None:
    for each in citations_of(candidate(groundingMetadata=grounding)):
        assert each.citation.url == ""


def test_bytes_become_characters() -> None:
    def cited(start: int, end: int) -> Citation:
        return Citation("gemini", Raw(b"{}"), start=start, end=end)

    found = in_characters([cited(0, 2), cited(3, 7), cited(-1, -1), cited(0, 99)], ["é ", "😀x"])
    assert [(each.start, each.end) for each in found] == [(0, 1), (2, 3), (-1, -1), (0, 4)]
    assert in_characters([cited(0, 2)], ["plain"]) == [cited(0, 2)]


def test_what_is_written_reads_back() -> None:
    metadata = {
        "groundingChunks": [WEB, MAPS],
        "groundingSupports": [
            {
                "segment": {"partIndex": 1, "startIndex": 0, "endIndex": 3, "text": "abc"},
                "groundingChunkIndices": [0, 1],
            },
            {"segment": {"partIndex": 1}, "groundingChunkIndices": [1]},
        ],
    }
    found = [each.citation for each in citations_of(candidate(groundingMetadata=metadata))]
    made = json.loads(msgspec.json.encode(grounding_of([(1, found, "abc")])))
    assert made == metadata


def test_no_citations_are_no_grounding() -> None:
    assert grounding_of([]) is None
    assert grounding_of([(None, [], "x")]) is None


def test_a_source_without_an_address_is_still_one() -> None:
    made = grounding_of([(None, [Citation("anthropic-messages", Raw(b"{}"), cited_text="x")], "")])
    assert made is not None
    assert json.loads(msgspec.json.encode(made["groundingChunks"])) == [{"web": {}}]


GROUNDED = {
    "groundingChunks": [
        {"web": {"uri": "https://a.example", "title": "A"}},
        {"retrievedContext": {"uri": "https://b.example", "title": "B"}},
        {"web": {"uri": "https://c.example"}},
    ],
    "groundingSupports": [
        {
            "segment": {"startIndex": 3, "endIndex": 8, "text": "Käse"},
            "groundingChunkIndices": [0, 1],
        }
    ],
}


def cited(events: list[Event]) -> list[tuple[str, int, int]]:
    found = [event.citation for event in events if isinstance(event, PartCitation)]
    return [(each.url, each.start, each.end) for each in found]


def test_citations_belong_to_the_open_text_and_count_characters() -> None:
    last = chunk({"text": "", "thoughtSignature": "QQ=="}, finish="STOP")
    last["candidates"][0]["groundingMetadata"] = GROUNDED
    events = decoded(sse(chunk({"text": "é Käse"}), last))
    assert cited(events) == [
        ("https://a.example", 2, 6),
        ("https://b.example", 2, 6),
        ("https://c.example", -1, -1),
    ]
    assert states(events) == ["QQ=="]


def test_citations_of_a_chunk_without_text() -> None:
    last = chunk(finish="STOP")
    last["candidates"][0]["groundingMetadata"] = GROUNDED
    assert len(cited(decoded(sse(chunk({"text": "é Käse"}), last)))) == 3
    assert cited(decoded(sse(chunk({"functionCall": {"name": "f"}}), last))) == []


def test_a_citation_that_names_its_part_goes_there() -> None:
    first = {"segment": {"partIndex": 0, "endIndex": 1}, "groundingChunkIndices": [0]}
    body = chunk({"text": "one"}, {"functionCall": {"name": "f"}}, {"text": "two"}, finish="STOP")
    body["candidates"][0]["groundingMetadata"] = {**GROUNDED, "groundingSupports": [first]}
    events = decoded(json.dumps(body).encode(), streamed=False)
    kinds = [type(event).__name__ for event in events]
    assert kinds.index("PartCitation") < kinds.index("PartEnd")
    assert cited(events)[0] == ("https://a.example", 0, 1)
