"""Responses answers look like recorded ones."""

import json
from itertools import pairwise
from typing import Any

import pytest

from launcher.simulator.compose import compose
from launcher.simulator.ids import Ids
from launcher.simulator.wire import openai_responses
from launcher.simulator.wire.openai_responses import Response
from support.needs import needs_all_recordings
from support.wire_shape import (
    Names,
    Recording,
    framings,
    payloads,
    recordings,
    run_lengths_left_out,
)

TOOLS = [
    {"type": "function", "name": "add", "parameters": {"type": "object"}},
    {"type": "custom", "name": "patch"},
    {
        "type": "namespace",
        "name": "ns",
        "tools": [{"type": "function", "name": "inner", "parameters": {}}],
    },
]
PROMPTS = {
    "text": '[[sim text="plain text that goes over several pieces"]]',
    "two tools": '[[sim tool=add args={"a":1}]] [[sim tool=add args={"a":2}]]',
    "reasoning and tool": "[[sim thinking tool=add]]",
    "reasoning and text": '[[sim thinking="hm" text="hello"]]',
}
GENUINE = ("openai", "azure-openai", "chatgpt-codex-backend")


@pytest.fixture(scope="module")
def recorded() -> list[Recording]:
    found = recordings(needs_all_recordings(), "openai_responses", *GENUINE)
    return [r for r in found if r.status == 200]


def body(prompt: str, **fields: Any) -> dict[str, Any]:
    return {
        "model": "gpt-6.1-sol",
        "input": [{"role": "user", "content": prompt}],
        "tools": TOOLS,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "none", "summary": "auto"},
        **fields,
    }


def response(prompt: str, **fields: Any) -> Response:
    given = body(prompt, **fields)
    return Response(compose(openai_responses.read_turn(given)), given, 7, Ids())


def streamed(prompt: str, **fields: Any) -> str:
    return b"".join(response(prompt, **fields).stream()).decode()


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_streamed_names_and_their_order_are_recorded_ones(
    recorded: list[Recording], prompt: str
) -> None:
    names = Names()
    for each in recorded:
        if each.streaming:
            for payload in payloads(each.body):
                names.learn(payload, faithful=each.faithful)
    assert {k: v for p in payloads(streamed(prompt)) for k, v in names.strange(p).items()} == {}


def test_names_of_a_whole_answer_are_recorded_ones(recorded: list[Recording]) -> None:
    names = Names()
    for each in recorded:
        if isinstance(each.body, dict):
            names.learn(each.body, faithful=False)
    for prompt in PROMPTS.values():
        ours = json.loads(json.dumps(response(prompt).whole()))
        # No whole answer with a summary was recorded; the streamed one has it.
        assert names.strange(ours).keys() <= {"", ".output:reasoning.summary:summary_text"}
    everything = set().union(*names.unordered[""])
    assert set(response("Hi").whole()) <= everything
    assert set.intersection(*(set(each) for each in names.unordered[""])) <= set(
        response("Hi").whole()
    )


def test_the_framing_is_the_recorded_one(recorded: list[Recording]) -> None:
    real = set().union(*(framings(r.body) for r in recorded if r.streaming and r.faithful))
    assert framings(streamed(PROMPTS["text"])) <= real


def steps(stream: str) -> set[tuple[str, str]]:
    """Which event follows which, with the kind of item, repetitions folded."""
    events = [f"{p['type']} {p.get('item', {}).get('type', '')}".strip() for p in payloads(stream)]
    return set(pairwise(("begin", *run_lengths_left_out(events), "end")))


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_the_order_of_events_is_a_recorded_one(recorded: list[Recording], prompt: str) -> None:
    real = set().union(*(steps(r.body) for r in recorded if r.streaming))
    assert steps(streamed(prompt)) - real == set()


def test_numbers_rise_and_items_keep_their_place() -> None:
    events = payloads(streamed("[[sim thinking tool=add]] [[sim tool=patch input=x]]"))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    added = {e["output_index"]: e["item"]["id"] for e in events if e["type"].endswith("item.added")}
    assert len(set(added.values())) == len(added) == 3
    assert all(added[e["output_index"]] == e["item_id"] for e in events if "item_id" in e)


def test_the_final_object_has_the_items_unless_it_shall_not() -> None:
    given = body("Hi")
    answer = compose(openai_responses.read_turn(given))
    full = payloads(b"".join(Response(answer, given, 7, Ids()).stream()).decode())
    empty = payloads(
        b"".join(Response(answer, given, 7, Ids(), empty_output=True).stream()).decode()
    )
    assert full[-1]["response"]["output"] == [full[-2]["item"]]
    assert empty[-1]["response"]["output"] == []
    assert empty[-2]["item"]["content"][0]["text"] == full[-2]["item"]["content"][0]["text"]


def test_a_freeform_tool_gets_raw_text() -> None:
    events = payloads(streamed('[[sim tool=patch input="*** Begin Patch\\nx"]]'))
    kinds = [event["type"] for event in events]
    assert "response.custom_tool_call_input.done" in kinds
    item = next(e["item"] for e in events if e["type"] == "response.output_item.done")
    assert (item["type"], item["input"]) == ("custom_tool_call", "*** Begin Patch\nx")


def test_a_tool_of_a_namespace_is_called_with_it() -> None:
    (item,) = response("[[sim tool=inner]]").whole()["output"]
    assert (item["name"], item["namespace"]) == ("inner", "ns")


def test_an_answer_cut_short_is_incomplete() -> None:
    last = payloads(streamed("[[sim tokens=9]]", max_output_tokens=4))[-1]
    assert (last["type"], last["response"]["status"]) == ("response.incomplete", "incomplete")
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["response"]["usage"]["output_tokens"] == 4


def test_reasoning_is_shown_and_sealed_only_when_asked_for() -> None:
    bare = response("[[sim thinking]]", include=[], reasoning={"effort": "low"}).whole()["output"][
        0
    ]
    assert (bare["summary"], "encrypted_content" in bare) == ([], False)
    full = response("[[sim thinking=why]]").whole()["output"][0]
    assert full["summary"] == [{"type": "summary_text", "text": "why"}]
    assert openai_responses.is_own_encrypted(full["encrypted_content"])
    assert not openai_responses.is_own_encrypted(full["encrypted_content"] + "x")
    assert not openai_responses.is_own_encrypted("gAAAAABp-r_xmA0U")


def test_a_failure_ends_the_stream_in_its_own_way() -> None:
    (frame,) = response("Hi").failed("server_error", "Oops", 4)
    (event,) = payloads(frame.decode())
    assert (event["type"], event["sequence_number"]) == ("response.failed", 4)
    assert event["response"]["error"] == {"code": "server_error", "message": "Oops"}
    (bare,) = openai_responses.error_frames("server_error", "Oops", 4)
    assert bare.startswith(b'event: error\ndata: {"type":"error","code":"server_error"')


def test_reading_a_turn() -> None:
    items = [
        {"role": "user", "content": "old"},
        {"type": "function_call", "call_id": "c", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "42"},
        {
            "type": "additional_tools",
            "tools": [{"type": "function", "name": "late", "parameters": {}}],
        },
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "new"}]},
    ]
    turn = openai_responses.read_turn(
        body("", input=items, tool_choice={"type": "custom", "name": "patch"})
    )
    assert (turn.prompt, turn.results, turn.forced) == ("new", ("42",), "patch")
    assert [tool.name for tool in turn.tools] == ["add", "patch", "inner", "late"]
    assert openai_responses.read_turn({"model": "m", "input": "plain"}).prompt == "plain"
    allowed = {"type": "allowed_tools", "mode": "required", "tools": []}
    assert openai_responses.read_turn(body("", tool_choice=allowed)).forced == ""
