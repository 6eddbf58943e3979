import pytest

from korproxy_addons.dialects.error_text import MESSAGE_LIMIT
from korproxy_addons.dialects.openai_responses.error_words import (
    OVERFLOW,
    cleaned,
    kind_of_status,
    wait_in_words,
)
from korproxy_addons.errors.kinds import Kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.INVALID_REQUEST),
        (401, Kind.AUTHENTICATION),
        (402, Kind.BILLING),
        (404, Kind.NOT_FOUND),
        (413, Kind.TOO_LARGE),
        (422, Kind.INVALID_REQUEST),
        (429, Kind.RATE_LIMIT),
        (500, Kind.INTERNAL),
        (502, Kind.INTERNAL),
        (503, Kind.OVERLOADED),
        (504, Kind.TIMEOUT),
        (0, Kind.INTERNAL),
    ],
)
def test_the_family_of_a_status(status: int, kind: Kind) -> None:
    assert kind_of_status(status) is kind


@pytest.mark.parametrize(
    ("message", "wait_s"),
    [
        ("Please try again in 11.5s.", 11.5),
        ("try again in 200ms", 0.2),
        ("Try again in 6m0s", 360),
        ("try again in 1h2m", 3720),
        ("try again in 2h", 7200),
        ("Try again later.", None),
        ("", None),
    ],
)
def test_a_wait_in_words(message: str, wait_s: float | None) -> None:
    """T164"""
    assert wait_in_words(message) == (None if wait_s is None else pytest.approx(wait_s))


@pytest.mark.parametrize(
    "message",
    [
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "The input token count (1050000) exceeds the maximum number of tokens allowed",
        "This model's maximum context length is 8192 tokens.",
    ],
)
def test_a_prompt_that_is_too_long_in_many_words(message: str) -> None:
    """T168"""
    assert OVERFLOW.search(message)


def test_other_limits_are_no_overflow() -> None:
    assert not OVERFLOW.search("max_tokens exceeds the limit of the model")


@pytest.mark.parametrize(
    ("message", "clean"),
    [
        ("Incorrect API key provided: sk-inval****-key.", "Incorrect API key provided: [key]."),
        ("token eyJhbGciOiJ.eyJzdWIiOiI.sig here", "token [token] here"),
        ("sent Bearer abcdef123456 to us", "sent Bearer [token] to us"),
        ("account mina@example.com is blocked", "account [e-mail] is blocked"),
        ("see https://chatgpt.com/backend-api/codex/responses.", "see [link]."),
        ("two\n  lines", "two lines"),
    ],
)
def test_what_must_not_be_repeated(message: str, clean: str) -> None:
    """T169"""
    assert cleaned(message) == clean


def test_a_message_has_a_limit() -> None:
    assert len(cleaned("x" * 100_000)) == MESSAGE_LIMIT
