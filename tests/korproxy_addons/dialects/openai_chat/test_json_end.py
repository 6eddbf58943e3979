import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.openai_chat.json_end import JsonEnd

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='{}[]"\\aé', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('"{}\\x', max_size=4), inner)
    ),
)


@given(st.dictionaries(st.text('"{}\\x', max_size=4), VALUES), st.integers(1, 5), st.text('{}x" '))
def test_an_object_is_complete_at_its_last_bracket_and_never_before(
    value: dict[str, object], size: int, rest: str
) -> None:
    text = json.dumps(value)
    end = JsonEnd()
    taken = 0
    for start in range(0, len(text) + len(rest), size):
        assert end.complete == (taken == len(text))
        taken += end.feed((text + rest)[start : start + size])
    assert end.complete
    assert taken == len(text)


@pytest.mark.parametrize(
    "text", ['{"a":1', '{"a":"}', '{"a":"\\"}', "[{}", "", " ", "5", '"{}"', "}"]
)
def test_t56_what_may_go_on_is_not_complete(text: str) -> None:
    end = JsonEnd()
    assert end.feed(text) == len(text)
    assert not end.complete


def test_a_value_without_a_bracket_has_not_started() -> None:
    end = JsonEnd()
    end.feed('"a{b" 5')
    assert not end.started
    end.feed("{")
    assert end.started
