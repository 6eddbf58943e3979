"""Gemini answers look like recorded ones."""

import json
from typing import Any

import pytest

from launcher.simulator.compose import compose
from launcher.simulator.ids import Ids
from launcher.simulator.wire import gemini_content
from support.needs import needs_all_recordings
from support.wire_shape import Names, Recording, framings, payloads, recordings

TOOLS = [
    {"functionDeclarations": [{"name": "add", "parameters": {"type": "OBJECT"}}, {"name": "sub"}]}
]
PROMPTS = {
    "text": '[[sim text="plain text that goes over several pieces"]]',
    "thought and text": '[[sim thinking="hm" text="hello"]]',
    "two tools": '[[sim thinking="hm"]] [[sim tool=add args={"a":1}]] [[sim tool=sub args={"a":2}]]',
}


@pytest.fixture(scope="module")
def recorded() -> list[Recording]:
    found = recordings(needs_all_recordings(), "gemini", "google-gemini", "gemini")
    return [r for r in found if r.status == 200 and "countTokens" not in r.url]


def bodies_of(each: Recording) -> list[dict[str, Any]]:
    if isinstance(each.body, str):
        return payloads(each.body)
    return each.body if isinstance(each.body, list) else [each.body]


def body(prompt: str, **fields: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": prompt}]}], "tools": TOOLS, **fields}


def chunks(prompt: str) -> list[dict[str, Any]]:
    answer = compose(gemini_content.read_turn(body(prompt), "gemini-3.8-flash", stream=True))
    return gemini_content.stream(answer, "gemini-3.8-flash", Ids())


def streamed(prompt: str) -> str:
    return b"".join(gemini_content.sse_frame(chunk) for chunk in chunks(prompt)).decode()


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_streamed_names_and_their_order_are_recorded_ones(
    recorded: list[Recording], prompt: str
) -> None:
    names = Names()
    for each in recorded:
        for payload in bodies_of(each):  # a chunk is a body like a whole one
            names.learn(payload, faithful=each.faithful)
    assert {k: v for p in payloads(streamed(prompt)) for k, v in names.strange(p).items()} == {}


def test_the_framing_is_googles(recorded: list[Recording]) -> None:
    sse = [r for r in recorded if r.streaming and r.faithful and isinstance(r.body, str)]
    real = set().union(*(framings(r.body) for r in sse))
    assert framings(streamed(PROMPTS["text"])) == {"data: J\r\n\r\n"}
    assert "data: J\r\n\r\n" in real


def test_the_spacing_is_googles(recorded: list[Recording]) -> None:
    line = streamed(PROMPTS["text"]).split("\r\n")[0]
    assert line.startswith('data: {"candidates": [{"content": {"parts": [{"text": ')
    assert any('data: {"candidates": [{"content": {"parts": [{"' in str(r.body) for r in recorded)
    assert '],"usageMetadata": {"' in line


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_names_of_a_whole_answer_are_recorded_ones(recorded: list[Recording], prompt: str) -> None:
    names = Names()
    for each in recorded:
        for payload in bodies_of(each):
            names.learn(payload, faithful=each.faithful)
    answer = compose(gemini_content.read_turn(body(prompt), "gemini-3.8-flash", stream=False))
    whole = gemini_content.whole(answer, "gemini-3.8-flash", Ids())
    assert names.strange(json.loads(json.dumps(whole))) == {}


def test_only_the_last_chunk_is_finished_and_counts_everything() -> None:
    bodies = chunks('[[sim thinking="hmhm" text="many pieces of text, more than one of them"]]')
    reasons = [chunk["candidates"][0].get("finishReason") for chunk in bodies]
    assert reasons == [None] * (len(bodies) - 1) + ["STOP"]
    usage = bodies[-1]["usageMetadata"]
    assert usage["thoughtsTokenCount"] == 1
    assert usage["totalTokenCount"] == sum(
        usage[name] for name in ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    )


def test_the_counts_of_a_stream_grow_and_end_with_the_whole() -> None:
    bodies = chunks('[[sim thinking="hm" text="twelve chars" piece=6]]')
    counts = [chunk["usageMetadata"].get("candidatesTokenCount", 0) for chunk in bodies]
    assert counts == [0, 2, 3, 3]


def test_parallel_calls_share_one_content_and_one_signature() -> None:
    last = chunks(PROMPTS["two tools"])[-1]["candidates"][0]
    calls = last["content"]["parts"]
    assert [part["functionCall"]["name"] for part in calls] == ["add", "sub"]
    assert gemini_content.is_own_signature(calls[0]["thoughtSignature"])
    assert "thoughtSignature" not in calls[1]
    assert not gemini_content.is_own_signature("EvsDCvgDAQw51sfO")


def test_an_array_is_one_json_text() -> None:
    frames = gemini_content.array_frames(chunks(PROMPTS["text"]))
    assert len(frames) > 1
    assert json.loads(b"".join(frames)) == chunks(PROMPTS["text"])


def test_reading_a_turn_in_either_case() -> None:
    result = {"function_response": {"name": "add", "response": {"output": "42"}}}
    contents = [
        {"role": "user", "parts": [{"text": "old"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "add", "args": {}}}]},
        {"role": "user", "parts": [result, {"text": "new"}]},
    ]
    given = {
        "contents": contents,
        "tools": [
            {
                "function_declarations": [
                    {"name": "add", "parameters_json_schema": {"type": "object"}}
                ]
            }
        ],
        "tool_config": {
            "function_calling_config": {"mode": "any", "allowed_function_names": ["add"]}
        },
        "generation_config": {
            "max_output_tokens": 9,
            "thinking_config": {"include_thoughts": True},
        },
    }
    turn = gemini_content.read_turn(given, "gemini-3.8-flash", stream=False)
    assert (turn.prompt, turn.results, turn.forced) == ("new", ("42",), "add")
    assert (turn.max_tokens, turn.thinking, turn.tools[0].schema) == (9, True, {"type": "object"})
    lone = gemini_content.read_turn({"contents": {"parts": {"text": "alone"}}}, "m", stream=False)
    assert lone.prompt == "alone"
    none = {**given, "tool_config": {"function_calling_config": {"mode": "NONE"}}}
    assert gemini_content.read_turn(none, "m", stream=False).tools == ()
