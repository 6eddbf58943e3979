import pytest

from korproxy_addons.dialects.model import Usage
from korproxy_addons.dialects.openai_responses.usage import decoded_usage, encoded_usage
from korproxy_addons.dialects.openai_responses.wire import (
    InputDetails,
    OutputDetails,
    UsageBody,
)
from support.responses_wire import USAGE, USAGE_BODY


def test_counts_there_and_back() -> None:
    body = UsageBody(130, 9, InputDetails(100, 20), OutputDetails(4))
    assert decoded_usage(body) == USAGE
    assert encoded_usage(USAGE) == USAGE_BODY


def test_details_are_written_even_if_they_are_nothing() -> None:
    """T103: strict clients want them."""
    body = encoded_usage(Usage(input_tokens=3, output_tokens=2))
    assert body is not None
    assert body["input_tokens_details"] == {"cached_tokens": 0, "cache_write_tokens": 0}
    assert body["output_tokens_details"] == {"reasoning_tokens": 0}


@pytest.mark.parametrize("body", [None, UsageBody()])
def test_no_counts_are_not_zero_counts(body: UsageBody | None) -> None:
    assert decoded_usage(body) is None
    assert encoded_usage(None) is None


def test_no_count_is_negative() -> None:
    assert decoded_usage(UsageBody(-3, 2.0)) == Usage(output_tokens=2)
