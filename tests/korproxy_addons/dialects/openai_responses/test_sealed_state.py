import json
from typing import Any

import pytest

from korproxy_addons.dialects.model import CompactionPart, Opaque
from korproxy_addons.dialects.opaque import SEAL
from korproxy_addons.dialects.openai_responses.carried import (
    call_carrier,
    compaction_carrier,
    encrypted,
)
from korproxy_addons.dialects.openai_responses.sealed_state import without_sealed_state

USER = {"role": "user", "content": "Hi"}
OWN = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}


def reasoning(content: str) -> dict[str, Any]:
    return {"type": "reasoning", "id": "rs_kp1", "summary": [], "encrypted_content": content}


def cleaned(*items: Any, **fields: Any) -> Any:
    body = json.dumps({"model": "m", "input": list(items), **fields}).encode()
    return json.loads(without_sealed_state(body))


@pytest.mark.parametrize(
    "content",
    [
        encrypted(Opaque("anthropic", "S")),
        encrypted(None),
        call_carrier("c", Opaque("google", "G")),
    ],
)
def test_what_others_sealed_goes_with_its_item(content: str) -> None:
    """T71, T76: everything else stays as it was."""
    body = cleaned(USER, reasoning(content), OWN, tools=[], new_field={"a": 1.0})
    assert body == {"model": "m", "input": [USER, OWN], "tools": [], "new_field": {"a": 1.0}}


def test_a_compaction_in_words_becomes_a_message() -> None:
    item = {"type": "compaction", "encrypted_content": compaction_carrier(CompactionPart("so far"))}
    (found,) = cleaned(item)["input"]
    assert (found["role"], found["content"][0]["text"]) == ("user", "so far")
    sealed = CompactionPart(state=Opaque("anthropic", "A"))
    assert (
        cleaned({"type": "compaction", "encrypted_content": compaction_carrier(sealed)})["input"]
        == []
    )


def test_words_that_look_like_a_seal_stay() -> None:
    message = {"role": "user", "content": f"what is {SEAL.decode()}?"}
    assert cleaned(message, reasoning(SEAL.decode() + "!"))["input"][0] == message


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"model":"m"}', b'{"input":"x"}', b'{"input":[5]}']
)
def test_a_body_that_is_not_as_expected_is_left_alone(body: bytes) -> None:
    found = without_sealed_state(body)
    assert found == body or json.loads(found) == json.loads(body)
