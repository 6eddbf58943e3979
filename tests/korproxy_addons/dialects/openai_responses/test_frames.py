import json

from korproxy_addons.dialects.openai_responses.frames import (
    DeltaForm,
    Frames,
    json_bytes,
    text_bytes,
)
from support.responses_wire import payloads


def test_numbers_rise_over_events_and_deltas() -> None:
    """Invariant 3"""
    frames = Frames(streamed=True)
    form = DeltaForm("response.x.delta", {"item_id": "i", "output_index": 0}, {"logprobs": []})
    frames.event("response.created", {"response": {}})
    frames.delta(form, 'a "b"\n')
    frames.raw(b": hi\n\n")
    frames.delta(form, "🙂")
    assert payloads(frames.taken()) == [
        {"type": "response.created", "sequence_number": 0, "response": {}},
        {
            "type": "response.x.delta", "sequence_number": 1, "item_id": "i", "output_index": 0,
            "delta": 'a "b"\n', "logprobs": [],
        },
        {
            "type": "response.x.delta", "sequence_number": 2, "item_id": "i", "output_index": 0,
            "delta": "🙂", "logprobs": [],
        },
    ]  # fmt: skip
    assert frames.taken() == b""


def test_event_lines_say_the_type() -> None:
    frames = Frames(streamed=True)
    frames.event("response.created", {})
    frames.delta(DeltaForm("response.x.delta", {"a": 1}, {}), "b")
    lines = frames.taken().decode().split("\n")
    assert lines[0] == "event: response.created"
    assert "event: response.x.delta" in lines


def test_nothing_is_written_of_an_answer_that_comes_whole() -> None:
    frames = Frames(streamed=False)
    frames.event("response.created", {})
    frames.delta(DeltaForm("x", {"a": 1}, {}), "b")
    frames.raw(b": hi\n\n")
    assert frames.taken() == b""


def test_half_an_emoji_becomes_a_replacement_character() -> None:
    """T178: nothing raises."""
    assert json.loads(text_bytes("a\ud83d")) == "a\ufffd"
    assert json.loads(json_bytes({"a": ["\ude00", {"b": "ok"}, 1]})) == {
        "a": ["\ufffd", {"b": "ok"}, 1]
    }
