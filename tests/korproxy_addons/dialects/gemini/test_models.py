import json

import pytest

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects.gemini.models import (
    encode_count,
    encode_model,
    encode_models,
    read_count,
)
from korproxy_addons.errors.exceptions import KorProxyError
from support.gemini_sdk import needs_sdk, sdk_client

FACTS = ModelFacts("gemini-3.8-flash", "Flash", context_tokens=1_048_576, max_output_tokens=65_536)


def test_t173_the_list_has_geminis_shape() -> None:
    listed = json.loads(encode_models([FACTS, ModelFacts("claude-x")]))
    assert listed == {
        "models": [
            {
                "name": "models/gemini-3.8-flash",
                "version": "",
                "displayName": "Flash",
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            },
            {
                "name": "models/claude-x",
                "version": "",
                "displayName": "claude-x",
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            },
        ]
    }


def test_the_sdk_reads_one_model() -> None:
    needs_sdk()
    client = sdk_client(encode_model(FACTS), "application/json")
    model = client.models.get(model="gemini-3.8-flash")
    assert model.name == "models/gemini-3.8-flash"
    assert model.input_token_limit == 1_048_576
    listed = sdk_client(encode_models([FACTS, FACTS]), "application/json")
    assert [each.display_name for each in listed.models.list()] == ["Flash", "Flash"]


def test_t172_a_count_both_ways() -> None:
    assert encode_count(8) == b'{"totalTokens":8}'
    assert read_count(encode_count(8)) == 8
    assert read_count(b'{"total_tokens":3,"promptTokensDetails":[]}') == 3


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"totalTokens":"x"}', b"[" * 2000])
def test_a_count_that_is_none(body: bytes) -> None:
    with pytest.raises(KorProxyError) as refused:
        read_count(body)
    assert refused.value.spec.code == "KP-PROV-102"
