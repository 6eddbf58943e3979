import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.surrogates import (
    SurrogateJoiner,
    escaped_stand_in,
    halves_again,
)


def stand_in(surrogate: str) -> str:
    found: str = json.loads(b'"' + escaped_stand_in(ord(surrogate)) + b'"')
    return found


@given(
    st.text(st.characters(max_codepoint=0x10F7FF, exclude_categories=["Cs"])),
    st.lists(st.integers(0, 50)),
)
def test_text_cut_inside_its_emoji_comes_out_whole(text: str, cuts: list[int]) -> None:
    """T178: as JSON escapes it may be cut between the halves of any pair."""
    units = [
        text.encode("utf-16-be", "surrogatepass")[i : i + 2]
        for i in range(0, 2 * len(text.encode("utf-16-be")) // 2, 2)
    ]
    halves = [unit.decode("utf-16-be", "surrogatepass") for unit in units]
    characters = [stand_in(half) if "\ud800" <= half <= "\udfff" else half for half in halves]
    edges = [0, *sorted(cut % (len(characters) + 1) for cut in cuts), len(characters)]
    joiner = SurrogateJoiner()
    out = [joiner.feed("".join(characters[a:b])) for a, b in itertools.pairwise(edges)]
    assert text == "".join(out) + joiner.close()


def test_a_half_that_stays_alone_becomes_a_replacement_character() -> None:
    joiner = SurrogateJoiner()
    assert joiner.feed("a" + stand_in("\ud83d")) == "a"
    assert joiner.feed("b" + stand_in("\ude00") + "c") == "\ufffdb\ufffdc"
    assert joiner.feed(stand_in("\ud83d")) == ""
    assert joiner.close() == "\ufffd"
    assert joiner.close() == ""


def test_every_stand_in_is_a_character_of_its_own() -> None:
    assert len({stand_in(chr(code)) for code in range(0xD800, 0xE000)}) == 2048


@given(st.integers(0xD800, 0xDFFF), st.text(alphabet='a\\"{ü', max_size=4))
def test_t178_a_stand_in_in_json_text_is_the_half_s_escape_again(half: int, before: str) -> None:
    text = json.dumps({"a": before}, ensure_ascii=False)[:-2]
    stand_in = escaped_stand_in(half).decode()
    assert halves_again(f'{text}{stand_in}"}}') == f'{text}\\u{half:04x}"}}'


def test_what_looks_like_a_stand_in_in_text_about_json_stays() -> None:
    quoted = json.dumps({"a": "\\uDbFe\\uDc3d"})
    assert halves_again(quoted) == quoted
    character = json.dumps({"a": "\U0010f83d"})
    assert halves_again(character) == character
    assert halves_again('{"a":"\\ud83d\\ude00"}') == '{"a":"\\ud83d\\ude00"}'
