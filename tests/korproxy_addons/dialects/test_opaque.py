import re
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.model import Opaque
from korproxy_addons.dialects.opaque import SEAL, sealed, unsealed

STATES = st.builds(Opaque, st.text(max_size=9), st.text(max_size=99), st.text(max_size=9))


@given(STATES)
def test_sealed_state_comes_back_in_either_alphabet_and_can_be_found(state: Opaque) -> None:
    text = sealed(state)
    assert text.startswith(SEAL.decode())
    assert re.fullmatch(r"[A-Za-z0-9_-]+={0,2}", text)  # Google's SDKs decode signatures
    assert len(b64decode(text, altchars=b"-_")) > 0
    standard = text.replace("-", "+").replace("_", "/")
    assert [state] * 3 == [unsealed(text), unsealed(standard), unsealed(text.rstrip("="))]


@pytest.mark.parametrize(
    "text", ["", "EqQBCk", SEAL.decode(), SEAL.decode() + "AAAA", SEAL.decode() + "!é"]
)
def test_what_is_not_ours_is_not_read(text: str) -> None:
    assert unsealed(text) is None
