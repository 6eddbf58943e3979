import pytest
from msgspec import Raw

from korproxy_addons.dialects.openai_chat.at_path import decode_at
from korproxy_addons.dialects.openai_chat.wire import MESSAGE, TEXT_OR_PARTS
from korproxy_addons.errors.catalogue import FIELD_INVALID
from korproxy_addons.errors.exceptions import KorProxyError


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"role":5}', "messages[3].role"),
        (b'{"role":"user","tool_calls":[{},{"id":7}]}', "messages[3].tool_calls[1].id"),
        (b"{}", "messages[3]"),
        (b"5", "messages[3]"),
    ],
)
def test_t170_the_error_names_the_field_from_the_root(body: bytes, param: str) -> None:
    with pytest.raises(KorProxyError) as caught:
        decode_at(MESSAGE, Raw(body), "messages[3]")
    assert caught.value.spec is FIELD_INVALID
    assert caught.value.param == param
    assert caught.value.detail.startswith(f"{param}: ")


def test_an_index_follows_its_list_without_a_dot() -> None:
    with pytest.raises(KorProxyError) as caught:
        decode_at(TEXT_OR_PARTS, Raw(b"{}"), "messages[0].content")
    assert caught.value.param == "messages[0].content"


def test_t178_half_a_surrogate_pair_is_replaced() -> None:
    assert decode_at(TEXT_OR_PARTS, Raw(b'"a\\ud83d"'), "x") == "a\ufffd"
