import pytest

from korproxy_addons.dialects.wrapped_calls import inner_calls


def test_t143_the_calls_inside_keep_their_arguments_as_text() -> None:
    text = (
        '{"tool_uses": [{"recipient_name": "functions.read", "parameters": {"n": 1.0}},'
        ' {"recipient_name": "list"}, {"recipient_name": "functions."}]}'
    )
    assert inner_calls(text) == (("read", '{"n": 1.0}'), ("list", "{}"))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"tool_uses":5}', '{"tool_uses":[{}]}'])
def test_anything_else_wraps_nothing(text: str) -> None:
    assert inner_calls(text) == ()
