import pytest

from korproxy_addons.dialects.anthropic_messages.usage import (
    UsageTally,
    finish_of,
    service_tier_of,
    stop_reason_of,
    wire_usage,
)
from korproxy_addons.dialects.anthropic_messages.wire import (
    WireCacheCreation,
    WireOutputDetails,
    WireUsage,
)
from korproxy_addons.dialects.model import FinishReason, Usage


@pytest.mark.parametrize("finish", FinishReason)
def test_every_finish_has_a_stop_reason(finish: FinishReason) -> None:
    expected = FinishReason.REFUSAL if finish is FinishReason.CONTENT_FILTER else finish
    assert finish_of(stop_reason_of(finish)) is expected


@pytest.mark.parametrize("word", ["", None, "of_tomorrow"])
def test_an_unknown_stop_reason_is_a_plain_stop(word: str | None) -> None:
    assert finish_of(word) is FinishReason.STOP


def test_t96_cached_tokens_are_part_of_the_input() -> None:
    tally = UsageTally()
    tally.take(
        WireUsage(
            input_tokens=10,
            cache_creation_input_tokens=20,
            cache_read_input_tokens=100,
            cache_creation=WireCacheCreation(5),
            output_tokens=9,
            output_tokens_details=WireOutputDetails(4),
        )
    )
    assert tally.usage() == Usage(130, 100, 20, 5, 0, 9, 4)


def test_t95_cached_tokens_are_no_part_of_the_input_on_the_wire() -> None:
    usage = Usage(130, 100, 20, 5, 0, 9, 4)
    tally = UsageTally()
    wire = wire_usage(usage)
    assert wire["input_tokens"] == 10
    tally.take(
        WireUsage(wire["input_tokens"], 20, 100, WireCacheCreation(5), 9, WireOutputDetails(4))
    )
    assert tally.usage() == usage
    assert wire_usage(Usage(input_tokens=5, cached_tokens=9))["input_tokens"] == 0


def test_no_count_is_negative_or_larger_than_its_whole() -> None:
    tally = UsageTally()
    tally.take(
        WireUsage(
            input_tokens=-3,
            cache_creation_input_tokens=2,
            cache_creation=WireCacheCreation(50),
            output_tokens=1.0,
            output_tokens_details=WireOutputDetails(9),
        )
    )
    assert tally.usage() == Usage(2, 0, 2, 2, 0, 1, 1)


def test_nothing_said_is_no_usage() -> None:
    tally = UsageTally()
    tally.take(None)
    assert tally.usage() is None
    tally.take(WireUsage(output_tokens=3))
    tally.take(WireUsage())
    assert tally.usage() == Usage(output_tokens=3)


@pytest.mark.parametrize(
    ("tier", "word"), [("standard", "standard"), ("default", "standard"), ("flex", ""), ("", "")]
)
def test_a_tier_that_this_dialect_does_not_know_is_not_said(tier: str, word: str) -> None:
    assert service_tier_of(tier) == word
