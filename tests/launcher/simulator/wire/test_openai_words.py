"""OpenAI's words for problems."""

import pytest

from launcher.simulator.wire.openai_words import place, worded
from launcher.simulator.wire.shape import Problem


def test_places() -> None:
    assert place(("messages", 0, "content", 12, "text")) == "messages[0].content[12].text"


@pytest.mark.parametrize(
    ("problem", "message", "code", "param"),
    [
        (
            Problem(("a",), "missing"),
            "Missing required parameter: 'a'.",
            "missing_required_parameter",
            "a",
        ),
        (Problem(("a", "b"), "extra"), "Unknown parameter: 'a.b'.", "unknown_parameter", "a.b"),
        (
            Problem(("a",), "type", "integer or array", {}),
            "Invalid type for 'a': expected an integer or an array, but got an object instead.",
            "invalid_type",
            "a",
        ),
        (
            Problem(("a",), "type", "object", None),
            "Invalid type for 'a': expected an object, but got null instead.",
            "invalid_type",
            "a",
        ),
        (
            Problem(("a",), "type", "string", True),
            "Invalid type for 'a': expected a string, but got a boolean instead.",
            "invalid_type",
            "a",
        ),
        (
            Problem(("a",), "tag", "'x', 'y'", "z"),
            "Invalid value: 'z'. Supported values are: 'x', 'y'.",
            "invalid_value",
            "a.type",
        ),
        (
            Problem(("a",), "choice", "x, y", "z"),
            "Invalid value: 'z'. Supported values are: 'x', 'y'.",
            "invalid_value",
            "a",
        ),
    ],
)
def test_words(problem: Problem, message: str, code: str, param: str) -> None:
    found = worded(problem)
    assert (found.message, found.code, found.param) == (message, code, param)


def test_bounds_have_codes_of_their_own() -> None:
    codes = [
        worded(Problem(("a",), kind, "4", 9)).code for kind in ("short", "long", "small", "large")
    ]
    assert codes == [
        "empty_array",
        "array_above_max_length",
        "integer_below_min_value",
        "decimal_above_max_value",
    ]
