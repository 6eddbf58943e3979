import pytest

from korproxy_addons.dialects.gemini.finish import (
    BROKEN,
    FILTERS,
    broken_error,
    finish_of,
    word_of,
)
from korproxy_addons.dialects.model import FinishReason
from korproxy_addons.errors.kinds import Kind


@pytest.mark.parametrize("word", [*sorted(FILTERS), "A_FILTER_OF_TOMORROW"])
def test_t109_every_filter_is_one(word: str) -> None:
    assert finish_of(word) is FinishReason.CONTENT_FILTER


def test_the_plain_words() -> None:
    assert finish_of("STOP") is FinishReason.STOP
    assert finish_of("MAX_TOKENS") is FinishReason.LENGTH


@pytest.mark.parametrize(
    ("finish", "word"),
    [
        (FinishReason.STOP, "STOP"),
        (FinishReason.STOP_SEQUENCE, "STOP"),
        (FinishReason.TOOL_CALLS, "STOP"),
        (FinishReason.PAUSE, "STOP"),
        (FinishReason.LENGTH, "MAX_TOKENS"),
        (FinishReason.CONTEXT_LENGTH, "MAX_TOKENS"),
        (FinishReason.CONTENT_FILTER, "SAFETY"),
        (FinishReason.REFUSAL, "SAFETY"),
    ],
)
def test_t108_each_reason_has_a_word(finish: FinishReason, word: str) -> None:
    assert word_of(finish, "") == word


def test_a_filter_keeps_its_word() -> None:
    assert word_of(FinishReason.CONTENT_FILTER, "RECITATION") == "RECITATION"
    assert word_of(FinishReason.CONTENT_FILTER, "cyber_policy") == "SAFETY"


def test_t62_what_is_broken_says_so() -> None:
    assert "MALFORMED_FUNCTION_CALL" in BROKEN
    error = broken_error("MALFORMED_FUNCTION_CALL", "the call has no end")
    assert error.kind is Kind.INTERNAL
    assert error.code == "MALFORMED_FUNCTION_CALL"
    assert "the call has no end" in error.message
    assert broken_error("OTHER", "").message.endswith("(OTHER)")
