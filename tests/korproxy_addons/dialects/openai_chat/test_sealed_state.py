import json

import pytest

from korproxy_addons.dialects.model import Opaque
from korproxy_addons.dialects.opaque import SEAL, sealed
from korproxy_addons.dialects.openai_chat.sealed_state import without_sealed

SEALED = sealed(Opaque("google", "c2ln"))


def test_t71_seals_go_and_everything_else_keeps_its_bytes() -> None:
    detail = {"type": "reasoning.encrypted", "id": "kor-0-2", "data": SEALED}
    own = {"type": "reasoning.encrypted", "data": "mine"}
    turn = {
        "role": "assistant",
        "content": None,
        "reasoning_content": "hm",
        "reasoning_details": [detail, own],
        "tool_calls": [
            {
                "id": "x",
                "function": {"name": "f", "arguments": '{"a": 1.0}'},
                "extra_content": {"google": {"thought_signature": SEALED}},
            },
            {"id": "y", "extra_content": {"google": {"thought_signature": "mine"}}},
        ],
    }
    only = {"role": "assistant", "content": "a", "reasoning_details": [detail]}
    body = {"model": "m", "messages": [{"role": "user", "content": "q"}, turn, only], "seed": 1.0}
    out = without_sealed(json.dumps(body).encode())
    assert SEAL not in out
    assert b'"seed":1.0' in out
    clean = json.loads(out)
    assert clean["messages"][0] == body["messages"][0]  # type: ignore[index]
    assert clean["messages"][1]["reasoning_details"] == [own]
    assert clean["messages"][1]["reasoning_content"] == "hm"
    assert "extra_content" not in clean["messages"][1]["tool_calls"][0]
    assert clean["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"a": 1.0}'
    assert clean["messages"][1]["tool_calls"][1] == turn["tool_calls"][1]  # type: ignore[index]
    assert clean["messages"][2] == {"role": "assistant", "content": "a"}


def test_a_seal_in_words_is_words() -> None:
    body = {"messages": [{"role": "user", "content": f"what is {SEALED}?"}]}
    assert json.loads(without_sealed(json.dumps(body).encode())) == body


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"[]", b'{"messages":5}', b'{"x":1}', SEAL,
        b'{"messages":[{"reasoning_details":5,"x":"%b"}]}' % SEAL,
        b'{"messages":["%b"]}' % SEAL,
    ],
)  # fmt: skip
def test_a_body_that_is_no_request_passes(body: bytes) -> None:
    assert without_sealed(body) == body
