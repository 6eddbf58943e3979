import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.error_text import MESSAGE_LIMIT, shown_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Incorrect API key: sk-inval****-key.", "Incorrect API key: [key]."),
        ("Incorrect API key: sk-proj-abc***xyz1", "Incorrect API key: [key]"),
        ("key sk-ant-api03-abcdefgh12345 is off", "key [key] is off"),
        ("AIzaSyA1234567890abcdefghijklmnop", "[key]"),
        ("ya29.a0AfH6SMBabcdef", "[key]"),
        ("AQ.Ab8RN6IabcdefghijklmnopqrsT", "[key]"),
        ("refresh rt_1a2b3c4d5e failed", "refresh [key] failed"),
        ("token eyJhbGciOiJ.eyJzdWIiOiI.sig here", "token [token] here"),
        ("sent Bearer abcdefghijkl to us", "sent Bearer [token] to us"),
        ("account mina@example.com is blocked", "account [e-mail] is blocked"),
        ("at https://api.example.com/v1/chat?key=1, sir", "at [link], sir"),
        ("(wss://chatgpt.com/backend-api/codex/responses).", "([link])."),
        ("https://cloudcode-pa.googleapis.com/v1internal:generateContent", "[link]"),
        ("POST /v1/x?key=sekret1234&x", "POST /v1/x?key=[key]&x"),
    ],
)
def test_t169_what_is_the_gateways_own_is_not_shown(text: str, shown: str) -> None:
    assert shown_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "You can find your API key at https://platform.openai.com/account/api-keys.",
        "See https://ai.google.dev/gemini-api/docs/rate-limits",
        "Bearer authentication is required",
        "key-value-store and sk-learn are no keys",
        "prompt is too long: 200001 tokens > 200000 maximum",
        "messages.0.content.1: Field required",
        "two\n  lines",
    ],
)
def test_what_helps_the_reader_stays(text: str) -> None:
    assert shown_text(text) == text


def test_a_documentation_host_does_not_cover_what_follows_it() -> None:
    for link in (
        "https://platform.openai.com.evil.example/x",
        "https://ai.google.dev@host.example/",
        "https://platform.openai.com/x?key=1",
    ):
        assert shown_text(link) == "[link]"


@given(st.text(max_size=200))
def test_any_text_can_be_shown_and_encoded(text: str) -> None:
    shown_text(text).encode()


def test_a_text_has_a_limit() -> None:
    assert len(shown_text("x" * 100_000)) == MESSAGE_LIMIT
    assert len(shown_text("sk-1 " * 100_000)) == MESSAGE_LIMIT
