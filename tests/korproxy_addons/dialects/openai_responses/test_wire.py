import json

import pytest
from msgspec import Raw

from korproxy_addons.dialects.openai_responses.wire import EVENT, RESPONSE, given


@pytest.mark.parametrize(("raw", "there"), [(b"", False), (b"null", False), (b"{}", True)])
def test_null_is_absent(raw: bytes, there: bool) -> None:
    """T182"""
    assert given(Raw(raw)) is there


def test_any_field_may_be_null_or_unknown() -> None:
    """T182"""
    fields = dict.fromkeys(("output_index", "delta", "item", "response", "obfuscation"))
    assert EVENT.decode(json.dumps({"type": "x", **fields})).delta is None
    answer = RESPONSE.decode(b'{"usage":null,"output":null,"error":null,"more":[1]}')
    assert answer.usage is None
    assert not given(answer.error)
