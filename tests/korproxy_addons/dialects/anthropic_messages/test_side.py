import json

import pytest

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects.anthropic_messages import side
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError


def test_t173_models_stand_in_a_list_of_this_shape() -> None:
    known = ModelFacts("claude-a", "Claude A", 1_700_000_000, context_tokens=9, max_output_tokens=5)
    assert json.loads(side.encode_models([known, ModelFacts("claude-b")])) == {
        "data": [
            {
                "type": "model",
                "id": "claude-a",
                "display_name": "Claude A",
                "created_at": "2023-11-14T22:13:20Z",
                "max_input_tokens": 9,
                "max_tokens": 5,
            },
            {
                "type": "model",
                "id": "claude-b",
                "display_name": "claude-b",
                "created_at": "1970-01-01T00:00:00Z",
            },
        ],
        "has_more": False,
        "first_id": "claude-a",
        "last_id": "claude-b",
    }
    assert json.loads(side.encode_models([]))["first_id"] is None
    assert json.loads(side.encode_model(known))["id"] == "claude-a"


def test_t171_a_count_is_read_and_written() -> None:
    assert side.read_count(side.encode_count(12)) == 12


@pytest.mark.parametrize("body", [b"", b"{}", b'{"input_tokens":-1}', b'{"input_tokens":"1"}'])
def test_a_count_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(KorProxyError) as caught:
        side.read_count(body)
    assert caught.value.spec is UPSTREAM_INVALID_REPLY
