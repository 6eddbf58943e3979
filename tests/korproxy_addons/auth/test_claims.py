import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.auth.claims import claims_of, expiry_of, facts_of


def jwt(claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{body}.signature"


def test_what_chatgpt_says_of_a_login() -> None:
    claims = claims_of(
        jwt(
            {
                "sub": "user-1",
                "https://api.openai.com/profile": {"email": "mina@example.com"},
                "https://api.openai.com/auth": {
                    "chatgpt_account_id": "6d1a",
                    "chatgpt_plan_type": "plus",
                    "chatgpt_subscription_active_until": "2026-12-20T00:00:00Z",
                    "organizations": [
                        {"id": "org-2", "title": "Other"},
                        {"id": "org-1", "is_default": True, "title": "Personal"},
                    ],
                },
            }
        )
    )
    assert facts_of(claims) == {
        "email": "mina@example.com",
        "subject": "user-1",
        "account_id": "6d1a",
        "plan": "plus",
        "plan_until": "2026-12-20T00:00:00Z",
        "organization": "Personal",
        "organization_id": "org-1",
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1_800_000_000, 1_800_000_000.0), ("soon", None), (True, None), (-1, None), (None, None)],
)
def test_an_expiry_is_a_number_of_seconds(value: Any, expected: float | None) -> None:
    assert expiry_of(jwt({"exp": value})) == expected


@given(
    st.text() | st.binary().map(lambda it: f"a.{it.hex()}.c") | st.from_regex(r"\A\w+\.\w+\.\w+\Z")
)
def test_anything_else_says_nothing(token: str) -> None:
    assert isinstance(claims_of(token), dict)
    assert expiry_of(token) is None or expiry_of(token)


INNER = st.sampled_from(["chatgpt_account_id", "organizations", "is_default"])
ANY = st.recursive(
    st.none() | st.text() | st.integers(), lambda it: st.lists(it) | st.dictionaries(INNER, it)
)


@given(st.dictionaries(st.sampled_from(["email", "sub", "https://api.openai.com/auth"]), ANY))
def test_facts_are_short_texts_whatever_the_claims_are(claims: dict[str, Any]) -> None:
    facts = facts_of(claims_of(jwt(claims)))
    assert all(0 < len(it) <= 320 and it.isprintable() for it in facts.values())


def test_a_token_of_any_size_is_not_decoded() -> None:
    assert claims_of(jwt({"email": "m" * 100_000})) == {}
    assert claims_of(jwt([1])) == {}
