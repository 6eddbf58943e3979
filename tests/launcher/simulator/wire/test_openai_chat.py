"""Chat Completions answers look like recorded ones."""

import json
from itertools import pairwise
from typing import Any

import pytest

from launcher.simulator.compose import compose
from launcher.simulator.ids import Ids
from launcher.simulator.wire import openai_chat
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
    {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}},
    {"type": "custom", "custom": {"name": "patch"}},
]
PROMPTS = {
    "text": '[[sim text="plain text that goes over several pieces"]]',
    "two tools": '[[sim tool=add args={"a":123456789012345678901234567890}]] [[sim tool=add args={"a":2}]]',
}
OPENAI = openai_chat.ChatHabits()
QWEN = openai_chat.ChatHabits(openai=False, reasoning_field="reasoning_content")


@pytest.fixture(scope="module")
def recorded() -> list[Recording]:
    found = recordings(needs_all_recordings(), "openai_chat", "openai")
    return [r for r in found if r.status == 200]


def body(prompt: str, **fields: Any) -> dict[str, Any]:
    return {
        "model": "gpt-6.1-sol",
        "messages": [{"role": "user", "content": prompt}],
        "tools": TOOLS,
        **fields,
    }


def streamed(
    prompt: str, habits: openai_chat.ChatHabits = OPENAI, *, with_usage: bool = True
) -> str:
    answer = compose(openai_chat.read_turn(body(prompt)))
    frames = openai_chat.stream(answer, "gpt-6.1-sol", 7, Ids(), habits, with_usage=with_usage)
    return b"".join(frames).decode()


def whole(prompt: str, habits: openai_chat.ChatHabits = OPENAI) -> dict[str, Any]:
    answer = compose(openai_chat.read_turn(body(prompt)))
    return openai_chat.whole(answer, "gpt-6.1-sol", 7, Ids(), habits)


def names_of(recorded: list[Recording], *, streaming: bool) -> Names:
    names = Names()
    for each in recorded:
        if streaming and each.streaming:
            for payload in payloads(each.body):
                names.learn(payload, faithful=each.faithful)
        elif not streaming and isinstance(each.body, dict):
            names.learn(each.body, faithful=each.faithful)
    return names


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_streamed_names_and_their_order_are_recorded_ones(
    recorded: list[Recording], prompt: str
) -> None:
    names = names_of(recorded, streaming=True)
    assert {k: v for p in payloads(streamed(prompt)) for k, v in names.strange(p).items()} == {}


@pytest.mark.parametrize(
    "prompt", [*PROMPTS.values(), '[[sim tool=patch input="x"]]'], ids=[*PROMPTS, "custom"]
)
def test_names_of_a_whole_answer_are_recorded_ones(recorded: list[Recording], prompt: str) -> None:
    assert names_of(recorded, streaming=False).strange(json.loads(json.dumps(whole(prompt)))) == {}


def test_the_framing_is_the_recorded_one(recorded: list[Recording]) -> None:
    real = set().union(*(framings(r.body) for r in recorded if r.streaming))
    assert framings(streamed(PROMPTS["text"])) <= real
    assert streamed(PROMPTS["text"]).endswith("\n\ndata: [DONE]\n\n")


def steps(stream: str) -> set[tuple[str, str]]:
    """Which kind of chunk follows which, repetitions folded."""
    kinds = []
    for chunk in payloads(stream):
        choice = (chunk["choices"] or [{"delta": {"usage": 1}}])[0]
        kind = "+".join(choice["delta"]) or "nothing"
        for call in choice["delta"].get("tool_calls") or ():
            kind += " opens" if "id" in call else " goes on"
        kinds.append(kind if choice.get("finish_reason") is None else f"{kind}, finished")
    return set(pairwise(("begin", *run_lengths_left_out(kinds), "end")))


def test_the_order_of_chunks_is_a_recorded_one(recorded: list[Recording]) -> None:
    real = set().union(*(steps(r.body) for r in recorded if r.streaming))
    ours = steps(streamed(PROMPTS["text"]))
    assert {(a.replace("+refusal", ""), b.replace("+refusal", "")) for a, b in ours} <= {
        (a.replace("+refusal", ""), b.replace("+refusal", "")) for a, b in real
    }
    assert ("tool_calls opens", "tool_calls goes on") in steps(
        streamed(PROMPTS["two tools"])
    ) & real


def test_the_usage_chunk_comes_only_when_asked_for_and_last() -> None:
    asked = payloads(streamed(PROMPTS["text"]))
    assert asked[-1]["choices"] == []
    assert asked[-1]["usage"]["total_tokens"] == sum(
        asked[-1]["usage"][name] for name in ("prompt_tokens", "completion_tokens")
    )
    assert all(chunk["usage"] is None for chunk in asked[:-1])
    unasked = payloads(streamed(PROMPTS["text"], with_usage=False))
    assert all("usage" not in chunk for chunk in unasked)


def test_whole_and_streamed_calls_are_the_same() -> None:
    joined = ["", ""]
    for chunk in payloads(streamed(PROMPTS["two tools"])):
        for choice in chunk["choices"]:
            for call in choice["delta"].get("tool_calls", ()):
                joined[call["index"]] += call["function"]["arguments"]
    calls = whole(PROMPTS["two tools"])["choices"][0]["message"]["tool_calls"]
    assert joined == [call["function"]["arguments"] for call in calls]
    assert joined[0] == '{"a":123456789012345678901234567890}'


def test_openai_hides_reasoning_and_others_show_it() -> None:
    prompt = '[[sim thinking="deep thought" text="42"]]'
    assert "deep thought" not in streamed(prompt)
    assert whole(prompt)["usage"]["completion_tokens_details"]["reasoning_tokens"] == 3
    shown = payloads(streamed(prompt, QWEN))
    assert [c["choices"][0]["delta"] for c in shown[1:3]] == [
        {"reasoning_content": "deep thought"},
        {"content": "42"},
    ]
    assert whole(prompt, QWEN)["choices"][0]["message"]["reasoning_content"] == "deep thought"
    assert "system_fingerprint" not in shown[0]


def test_a_refused_answer_says_so() -> None:
    assert whole("[[sim finish=refusal]]")["choices"][0]["message"]["refusal"] is not None
    assert whole("[[sim finish=refusal]]")["choices"][0]["finish_reason"] == "content_filter"


def test_reading_a_turn() -> None:
    messages = [
        {"role": "user", "content": "old"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]},
        {"role": "tool", "tool_call_id": "c", "content": "42"},
        {"role": "user", "content": [{"type": "text", "text": "new"}]},
    ]
    given = body(
        "",
        messages=messages,
        tool_choice={"type": "function", "function": {"name": "add"}},
        stop="x",
    )
    turn = openai_chat.read_turn({**given, "max_tokens": 5, "reasoning_effort": "low"})
    assert (turn.prompt, turn.results, turn.forced) == ("new", ("42",), "add")
    assert (turn.stop_strings, turn.max_tokens, turn.thinking) == (("x",), 5, True)
    assert [tool.custom for tool in turn.tools] == [False, True]
    assert openai_chat.read_turn({**given, "tool_choice": "none"}).tools == ()


def test_an_error_inside_a_stream_is_a_frame_without_an_end() -> None:
    assert openai_chat.error_frames({"error": {}}) == [b'data: {"error":{}}\n\n']
