"""From a turn to an answer."""

import json
from typing import Any

import pytest

from launcher.simulator.answer import Finish, Text, Thinking, Tool, ToolCall, Turn
from launcher.simulator.compose import UNICODE_TEXT, compose
from launcher.simulator.tokens import tokens_of_text

TOOLS = (
    Tool("read", {"required": ["path"], "properties": {"path": {"type": "string"}}}),
    Tool("patch", custom=True),
)


def turn(prompt: str = "Hi", **changes: Any) -> Turn:
    usual: dict[str, Any] = {
        "model": "m",
        "stream": False,
        "prompt": prompt,
        "results": (),
        "tools": TOOLS,
        "forced": None,
        "max_tokens": None,
        "stop_strings": (),
        "thinking": False,
        "schema": None,
        "input_tokens": 100,
    }
    return Turn(**{**usual, **changes})


def test_by_itself_it_names_the_model() -> None:
    answer = compose(turn())
    assert answer.parts == (Text("Hello! This is m on the simulator."),)
    assert (answer.finish, answer.input_tokens) == (Finish.END, 100)


def test_results_are_quoted() -> None:
    assert compose(turn("", results=("4", "5"))).parts == (Text("The tool answered: 4\n5"),)


def test_a_directive_after_a_result_wins() -> None:
    assert compose(turn("[[sim text=new]]", results=("4",))).parts == (Text("new"),)


@pytest.mark.parametrize(("forced", "called"), [("", "read"), ("patch", "patch")])
def test_a_forced_call(forced: str, called: str) -> None:
    (call,) = compose(turn(forced=forced)).parts
    assert isinstance(call, ToolCall)
    assert call.name == called


def test_arguments_fit_the_schema_unless_given() -> None:
    (made,) = compose(turn("[[sim tool=read]]")).parts
    assert made == ToolCall("read", '{"path":"a.py"}')
    (given,) = compose(turn('[[sim tool=read args={"path": "ü"}]]')).parts
    assert given == ToolCall("read", '{"path":"ü"}')
    (raw,) = compose(turn('[[sim tool=patch input="*** x"]]')).parts
    assert raw == ToolCall("patch", "*** x", custom=True)


def test_a_tool_nobody_offers_is_not_called() -> None:
    answer = compose(turn("[[sim tool=other]]"))
    assert answer.finish is Finish.END
    assert isinstance(answer.parts[0], Text)


def test_thinking_text_and_parallel_calls_in_this_order() -> None:
    answer = compose(turn('[[sim thinking text="first" tool=read]] [[sim tool=patch]]'))
    assert [type(part) for part in answer.parts] == [Thinking, Text, ToolCall, ToolCall]
    assert answer.finish is Finish.TOOLS
    expected = sum(
        tokens_of_text(text)
        for text in ("The user wants an example.", "first", "read", '{"path":"a.py"}')
    )
    assert answer.output_tokens == expected + tokens_of_text("patch") + tokens_of_text("kor")
    assert answer.thinking_tokens == 7


def test_thinking_as_the_request_says() -> None:
    assert isinstance(compose(turn(thinking=True)).parts[0], Thinking)
    assert isinstance(compose(turn("[[sim thinking=off]]", thinking=True)).parts[0], Text)


def test_sizes_are_exact() -> None:
    assert compose(turn("[[sim tokens=77]]")).output_tokens == 77
    (text,) = compose(turn("[[sim bytes=1003]]")).parts
    assert len(text.text.encode()) == 1003 if isinstance(text, Text) else False
    assert compose(turn("[[sim unicode]]")).parts == (Text(UNICODE_TEXT),)
    assert {len(c.encode()) for c in UNICODE_TEXT} == {1, 2, 3, 4}
    empty = compose(turn("[[sim empty]]"))
    assert (empty.parts, empty.output_tokens) == ((), 0)


def test_limits_and_stop_strings_cut() -> None:
    cut = compose(turn("[[sim tokens=9]]", max_tokens=4))
    assert (cut.finish, cut.output_tokens) == (Finish.LENGTH, 4)
    stopped = compose(turn("[[sim text=abcdef]]", stop_strings=("e", "c")))
    assert (stopped.parts, stopped.finish, stopped.stop_string) == (
        (Text("ab"),),
        Finish.STOP_STRING,
        "c",
    )
    at_once = compose(turn("[[sim text=abc]]", stop_strings=("a",)))
    assert (at_once.parts, at_once.stop_string) == ((), "a")


def test_a_schema_is_followed() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    (text,) = compose(turn(schema=schema)).parts
    assert isinstance(text, Text)
    assert json.loads(text.text) == {"n": 1}


def test_the_cache_holds_no_more_than_the_prompt() -> None:
    assert compose(turn("[[sim cached=500]]")).cached_tokens == 100


@pytest.mark.parametrize("word", ["refusal", "length", "pause"])
def test_other_ends(word: str) -> None:
    assert compose(turn(f"[[sim finish={word}]]")).finish == Finish(word)
