import json
from typing import Any

import pytest

from korproxy_addons.dialects.gemini.sealed_state import without_sealed
from korproxy_addons.dialects.model import Opaque
from korproxy_addons.dialects.opaque import SEAL, sealed
from korproxy_addons.errors.exceptions import KorProxyError

FOREIGN = sealed(Opaque("anthropic", "sig"))
OWN = "T3du"


def cleaned(parts: Any, key: str = "thoughtSignature") -> Any:
    body = json.dumps({"contents": [{"role": "model", "parts": parts}], "x": 1.0}).encode()
    out = without_sealed(body)
    assert SEAL not in out or b"text" in out
    contents = json.loads(out)["contents"]
    return contents[0]["parts"] if contents else []


@pytest.mark.parametrize("key", ["thoughtSignature", "thought_signature"])
def test_t71_a_thought_goes_with_its_foreign_state(key: str) -> None:
    parts = [
        {"text": "plan", "thought": True, key: FOREIGN},
        {"text": "hi", key: FOREIGN},
        {"text": "", key: FOREIGN},
        {key: FOREIGN},
        {"text": "own", "thought": True, key: OWN},
    ]
    assert cleaned(parts) == [{"text": "hi"}, {"text": "own", "thought": True, key: OWN}]


def test_t77_a_call_of_another_model_gets_googles_word() -> None:
    call = {"functionCall": {"name": "f", "args": {"a": 1.0, "b": 12345678901234567890}}}
    (part,) = cleaned([{**call, "thoughtSignature": FOREIGN}])
    assert part == {**call, "thoughtSignature": "skip_thought_signature_validator"}


def test_text_that_looks_like_a_seal_is_text() -> None:
    parts = [{"text": FOREIGN}, {"text": "x", "thoughtSignature": OWN}]
    assert cleaned(parts) == parts


def test_a_content_of_which_nothing_is_left_goes() -> None:
    assert cleaned([{"text": "", "thought": True, "thoughtSignature": FOREIGN}]) == []


def test_everything_else_stays() -> None:
    text = f'{{"a":1.0,"contents":[{{"parts":{{"text":"t","thoughtSignature":"{FOREIGN}"}}}}]}}'
    out = without_sealed(text.encode())
    assert json.loads(out) == {"a": 1.0, "contents": [{"parts": [{"text": "t"}]}]}
    assert b'"a":1.0' in out
    plain = b'{ "contents": [] }'
    assert without_sealed(plain) is plain


def test_the_request_inside_a_count_is_cleaned_too() -> None:
    """T172"""
    inner = {"contents": [{"parts": [{"text": "t", "thoughtSignature": FOREIGN}]}, 5, {"parts": 5}]}
    out = without_sealed(json.dumps({"generateContentRequest": inner}).encode())
    assert json.loads(out) == {
        "generateContentRequest": {"contents": [{"parts": [{"text": "t"}]}, 5, {"parts": 5}]}
    }


@pytest.mark.parametrize(
    "odd", [{"contents": FOREIGN}, {"contents": [FOREIGN]}, {"contents": [{"parts": FOREIGN}]}]
)
def test_odd_shapes_do_not_break_it(odd: Any) -> None:
    assert json.loads(without_sealed(json.dumps(odd).encode())) == odd


def test_a_body_that_is_none() -> None:
    with pytest.raises(KorProxyError):
        without_sealed(b"[" + SEAL)
    # deeper than Python's own calls may go, and within what a Python 3.12 lets the JSON reader (1498)
    deep = b'{"generateContentRequest":' * 1400 + b'"' + SEAL + b'"' + b"}" * 1400
    assert without_sealed(deep).count(SEAL) == 1
