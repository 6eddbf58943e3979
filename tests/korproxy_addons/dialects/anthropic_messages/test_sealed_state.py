import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.anthropic_messages import DIALECT
from korproxy_addons.dialects.anthropic_messages.carried import EMPTY_SEAL
from korproxy_addons.dialects.model import Opaque
from korproxy_addons.dialects.opaque import SEAL, sealed

THEIRS = sealed(Opaque("openai", "blob"))
SEALED = {"type": "thinking", "thinking": "theirs", "signature": THEIRS}
OWN = {"type": "thinking", "thinking": "own", "signature": "c2ln"}
CALL = {"type": "tool_use", "id": "a", "name": "go", "input": {"n": 1.0}}
RESULT = {"type": "tool_result", "tool_use_id": "a", "content": "ok"}
BUDGET = {"type": "enabled", "budget_tokens": 2048}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content) or "Hello"}


def assistant(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(content)}


def unsealed(**fields: Any) -> dict[str, Any]:
    body = json.dumps({"model": "m", **fields}).encode()
    found: dict[str, Any] = json.loads(DIALECT.without_sealed(body))
    return found


def test_t71_sealed_thinking_goes_and_own_thinking_stays() -> None:
    hidden = {"type": "redacted_thinking", "data": THEIRS}
    unsigned = {"type": "thinking", "thinking": "plain", "signature": EMPTY_SEAL}
    text = {"type": "text", "text": "a"}
    turns = [user(), assistant(SEALED, OWN, hidden, unsigned, text), user()]
    found = unsealed(messages=turns, of_tomorrow=[1])
    assert found["messages"] == [user(), assistant(OWN, text), user()]
    assert found["of_tomorrow"] == [1]


def test_a_turn_of_nothing_else_goes() -> None:
    assert unsealed(messages=[user(), assistant(SEALED), user()])["messages"] == [user(), user()]


def test_words_that_hold_a_seal_stay() -> None:
    text = {"type": "text", "text": THEIRS}
    result = {**RESULT, "content": THEIRS}
    turns = [user(text), assistant(CALL), user(result), {"role": "user", "content": THEIRS}]
    assert unsealed(messages=turns)["messages"] == turns


def test_made_up_citations_go() -> None:
    real = {"type": "page_location", "cited_text": "x"}
    made = {"type": "web_search_result_location", "encrypted_index": EMPTY_SEAL}
    both = {"type": "text", "text": "a", "citations": [made, real]}
    only = {"type": "text", "text": "b", "citations": [made]}
    (turn,) = unsealed(messages=[assistant(both, only)])["messages"]
    assert turn["content"] == [{**both, "citations": [real]}, {"type": "text", "text": "b"}]


def test_t179_numbers_keep_their_form() -> None:
    body = (
        b'{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"'
        + THEIRS.encode()
        + b'"},{"type":"tool_use","id":"a","name":"go","input":{"n":12345678901234567890,"x":1.0}}]}]}'
    )
    assert b'{"n":12345678901234567890,"x":1.0}' in DIALECT.without_sealed(body)


def test_t71_thinking_by_budget_is_turned_off_where_the_current_calls_lack_it() -> None:
    turns = [user(), assistant(SEALED, CALL), user(RESULT)]
    edits = [{"type": "clear_thinking_20251015"}, {"type": "clear_tool_uses_20250919"}]
    found = unsealed(messages=turns, thinking=BUDGET, context_management={"edits": edits})
    assert "thinking" not in found
    assert found["context_management"] == {"edits": edits[1:]}
    alone = unsealed(messages=turns, thinking=BUDGET, context_management={"edits": edits[:1]})
    assert "context_management" not in alone


@pytest.mark.parametrize(
    ("turns", "thinking"),
    [
        # the calls are of an earlier turn
        ([user(), assistant(SEALED, CALL), user(RESULT), assistant(OWN), user()], BUDGET),
        # the current calls begin with thinking
        ([user(), assistant(SEALED, OWN, CALL), user(RESULT)], BUDGET),
        # adaptive thinking needs no such beginning
        ([user(), assistant(SEALED, CALL), user(RESULT)], {"type": "adaptive"}),
        ([user(), assistant(SEALED, {"type": "text", "text": "a"}), user()], BUDGET),
    ],
)
def test_thinking_stays_on_elsewhere(turns: list[Any], thinking: dict[str, Any]) -> None:
    management = {"edits": [{"type": "clear_thinking_20251015"}]}
    found = unsealed(messages=turns, thinking=thinking, context_management=management)
    assert (found["thinking"], found["context_management"]) == (thinking, management)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"messages":5}', b'{"messages":[5]}'])
def test_what_is_no_request_passes(body: bytes) -> None:
    assert DIALECT.without_sealed(body) == body


@given(st.binary(max_size=60))
def test_it_never_raises(data: bytes) -> None:
    DIALECT.without_sealed(b'{"messages":[{"content":[' + data + SEAL + b"]}]}")


def test_a_history_of_one_turn_alone_is_the_current_one() -> None:
    found = unsealed(messages=[assistant(SEALED, CALL), user(RESULT)], thinking=BUDGET)
    assert "thinking" not in found
    assert "context_management" not in found


def test_context_edits_that_need_no_thinking_stay() -> None:
    turns = [user(), assistant(SEALED, CALL), user(RESULT)]
    management = {"edits": [{"type": "clear_tool_uses_20250919"}]}
    found = unsealed(messages=turns, thinking=BUDGET, context_management=management)
    assert found["context_management"] == management
