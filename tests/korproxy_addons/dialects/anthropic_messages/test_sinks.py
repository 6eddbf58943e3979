import json

import pytest
from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.sinks import (
    StreamSink,
    WholeSink,
    Words,
    json_text_of,
)
from support.anthropic_wire import events_of

TEXT = {"type": "text", "text": ""}
CALL = {"type": "tool_use", "id": "a", "name": "go", "input": {}}


def blocks(sink: WholeSink) -> object:
    return json.loads(json.dumps(sink.blocks, default=lambda raw: json.loads(bytes(raw))))


def test_blocks_of_a_stream_are_numbered_without_gaps() -> None:
    sink = StreamSink()
    data = b"".join(
        [
            sink.open(TEXT),
            sink.add(Words.TEXT, 'a"\n'),
            sink.cite(Raw(b'{"type":"page_location"}')),
            sink.close(),
            sink.open(CALL),
            sink.add(Words.INPUT, "{}"),
            sink.close(),
        ]
    )
    assert events_of(data) == [
        {"type": "content_block_start", "index": 0, "content_block": TEXT},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": 'a"\n'},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "citations_delta", "citation": {"type": "page_location"}},
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": CALL},
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": "{}"},
        },
        {"type": "content_block_stop", "index": 1},
    ]


def test_the_same_steps_fold_into_blocks() -> None:
    sink = WholeSink()
    sink.open(TEXT)
    sink.add(Words.TEXT, "a")
    sink.add(Words.TEXT, "b")
    sink.cite(Raw(b'{"type":"page_location"}'))
    sink.close()
    sink.open(CALL)
    sink.add(Words.INPUT, '{"x"')
    sink.add(Words.INPUT, ":1.0}")
    sink.close()
    assert blocks(sink) == [
        {"type": "text", "text": "ab", "citations": [{"type": "page_location"}]},
        {"type": "tool_use", "id": "a", "name": "go", "input": {"x": 1.0}},
    ]
    assert TEXT["text"] == ""  # the shell is everybody's


def test_t179_arguments_are_not_dumped_again() -> None:
    sink = WholeSink()
    sink.open(CALL)
    sink.add(Words.INPUT, '{"n":12345678901234567890, "x":1.0, "e":1E3}')
    sink.close()
    assert bytes(sink.blocks[0]["input"]) == b'{"n":12345678901234567890, "x":1.0, "e":1E3}'


@pytest.mark.parametrize("arguments", ['{"a":1', "", "[", '"text"'])
def test_t56_half_a_call_is_no_call_in_a_whole_body(arguments: str) -> None:
    sink = WholeSink()
    sink.open(CALL)
    if arguments:
        sink.add(Words.INPUT, arguments)
    sink.close(complete=False)
    assert sink.blocks == []


def test_a_cut_call_whose_arguments_are_whole_stays() -> None:
    sink = WholeSink()
    sink.open(CALL)
    sink.add(Words.INPUT, '{"a":1}')
    sink.close(complete=False)
    assert len(sink.blocks) == 1


def test_text_that_is_cut_stays() -> None:
    sink = WholeSink()
    sink.open(TEXT)
    sink.add(Words.TEXT, "half")
    sink.close(complete=False)
    assert blocks(sink) == [{"type": "text", "text": "half"}]


def test_json_text_never_raises() -> None:
    assert json_text_of('{"a":"ü\ud83d"}') == '{"a":"ü?"}'.encode()
