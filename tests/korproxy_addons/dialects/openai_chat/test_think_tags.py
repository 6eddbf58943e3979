import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.openai_chat.think_tags import ThinkTags
from support.cut import cut


def split(text: str, size: int = 0) -> tuple[str, str]:
    tags = ThinkTags()
    told = [
        tags.feed(piece.decode("latin-1"))
        for piece in cut(text.encode("latin-1"), size or len(text) or 1)
    ]
    told.append(tags.close())
    return "".join(pair[0] for pair in told), "".join(pair[1] for pair in told)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 7])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<think>hm</think>\n\nYes", ("hm", "Yes")),
        ("\n <think>a < b</thin</think>c", ("a < b</thin", "c")),
        ("Yes <think>no</think>", ("", "Yes <think>no</think>")),
        ("<think>cut off </thi", ("cut off </thi", "")),
        ("<thin", ("", "<thin")),
        ("<think></think>", ("", "")),
        ("<think>a</think>b</think>", ("a", "b</think>")),
        (" \n", ("", " \n")),
        ("", ("", "")),
    ],
)
def test_t82_reasoning_in_tags_is_told_from_words(
    text: str, told: tuple[str, str], size: int
) -> None:
    assert split(text, size) == told


@given(st.text("<>/think ab\n", max_size=40), st.integers(1, 8))
def test_cutting_changes_nothing(text: str, size: int) -> None:
    assert split(text, size) == split(text)
