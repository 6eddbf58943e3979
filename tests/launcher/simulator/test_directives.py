"""What a prompt can ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.simulator.directives import Directives, WantedCall, read


def test_words_of_several_directives_add_up() -> None:
    found = read(
        'a [[sim text="ü \\n ]] 🌍" delay_ms=2.5]] b [[sim thinking piece=5 cached=7 finish=refusal]]'
    )
    assert (found.text, found.delay_ms, found.thinking) == (
        "ü \n ]] 🌍",
        2.5,
        "The user wants an example.",
    )
    assert (found.piece, found.cached, found.finish) == (5, 7, "refusal")


def test_parallel_tools_keep_their_order_and_arguments() -> None:
    found = read(
        '[[sim tool=a args={"x":[1,{"y":"]]"}]}]] [[sim tool=b]] [[sim tool=c input="raw"]]'
    )
    assert found.calls == [
        WantedCall("a", {"x": [1, {"y": "]]"}]}),
        WantedCall("b"),
        WantedCall("c", None, "raw"),
    ]


@pytest.mark.parametrize(
    "prompt",
    ["[[sim nonsense]]", "[[sim text=", '[[sim text="open', "[[sim tool=a args={]]", "[[sim text= ]]", "[[sim text", "[[sim ÿ]]"],
)  # fmt: skip
def test_what_nobody_understands_is_an_error(prompt: str) -> None:
    with pytest.raises(ValueError, match="directive"):
        read(prompt)


def test_a_short_prompt_may_ask_in_words() -> None:
    assert read("Please use the read_file tool.").calls == [WantedCall("read_file")]
    assert read("Use the tool!").calls == [WantedCall(None)]
    assert read("Use the tool! " + "x" * 300).calls == []
    assert read('use the tool [[sim text="no"]]').calls == []


def test_sizes() -> None:
    found = read("[[sim tokens=3 bytes=5 unicode empty]]")
    assert (found.tokens, found.size_bytes, found.unicode, found.empty) == (3, 5, True, True)
    assert found.any_content
    assert not read("[[sim thinking=off]]").any_content


@given(st.text(alphabet="ab[] \n{}\"'", max_size=40))
def test_other_text_is_left_alone(text: str) -> None:
    assert read(text) == Directives()
