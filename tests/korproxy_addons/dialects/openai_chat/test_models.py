import json

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects.openai_chat.models import encode_model, encode_models

SONNET = ModelFacts("claude-x", created_at=5, owner="anthropic")


def test_t173_the_list_has_openais_shape() -> None:
    assert json.loads(encode_models([SONNET, ModelFacts("q")])) == {
        "object": "list",
        "data": [
            {"id": "claude-x", "object": "model", "created": 5, "owned_by": "anthropic"},
            {"id": "q", "object": "model", "created": 0, "owned_by": "korproxy"},
        ],
    }


def test_one_model_is_an_entry_of_the_list() -> None:
    assert json.loads(encode_model(SONNET)) == json.loads(encode_models([SONNET]))["data"][0]
