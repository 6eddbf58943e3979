import msgspec
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.model import Opaque, ThinkingPart
from korproxy_addons.dialects.opaque import sealed
from korproxy_addons.dialects.openai_chat.reasoning_details import Detail, detail_of, thinking_of

STATE = Opaque("anthropic", "c2ln")


def detail(shell: ThinkingPart, state: Opaque, start: int, end: int) -> Detail:
    return msgspec.convert(detail_of(shell, state, start, end), Detail)


THOUGHTS = st.lists(
    st.tuples(
        st.text(alphabet="abc ü🙂", max_size=6),
        st.none() | st.builds(Opaque, st.just("anthropic"), st.text("xyz", min_size=1)),
        st.booleans(),
    ),
    max_size=5,
)


@given(THOUGHTS)
def test_t70_every_part_with_state_comes_back_as_it_was(
    thoughts: list[tuple[str, Opaque | None, bool]],
) -> None:
    text = ""
    details: list[Detail] = []
    signed: list[ThinkingPart] = []
    for words, state, summary in thoughts:
        start = len(text)
        text += words
        if state is not None:
            part = ThinkingPart(words, state, is_summary=summary)
            details.append(detail(part, state, start, len(text)))
            signed.append(part)
    found = thinking_of(text, details)
    assert [part for part in found if part.state] == signed


def test_words_without_state_between_and_behind_are_kept_and_separators_are_not() -> None:
    text = "one\n\ntwo\n\nthree"
    found = thinking_of(text, [detail(ThinkingPart(""), STATE, 5, 8)])
    assert found == (ThinkingPart("one\n\n"), ThinkingPart("two", STATE), ThinkingPart("\n\nthree"))
    both = [detail(ThinkingPart(""), STATE, 0, 3), detail(ThinkingPart(""), STATE, 5, 8)]
    assert thinking_of("one\n\ntwo", both) == (
        ThinkingPart("one", STATE),
        ThinkingPart("two", STATE),
    )


def test_t72_hidden_thinking_has_state_and_no_words() -> None:
    hidden = ThinkingPart("", STATE, redacted=True)
    assert thinking_of("", [detail(hidden, STATE, 0, 0)]) == (hidden,)


def test_details_of_others_give_their_words_if_nothing_else_does() -> None:
    others = [
        Detail("reasoning.text", text="a"),
        Detail("reasoning.summary", summary="b"),
        Detail("reasoning.encrypted", data="gAAA", id="rs_1"),
    ]
    assert thinking_of("", others) == (ThinkingPart("ab"),)
    assert thinking_of("c", others) == (ThinkingPart("c"),)
    assert thinking_of("", []) == ()


def test_a_forged_place_cannot_reach_outside_the_text() -> None:
    far = Detail("reasoning.encrypted", data=sealed(STATE), id="kor-9-5")
    assert thinking_of("abc", [far]) == (ThinkingPart("abc"), ThinkingPart("", STATE))
