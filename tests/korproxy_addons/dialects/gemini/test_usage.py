import msgspec
import pytest

from korproxy_addons.dialects.gemini.usage import counts_of, usage_of
from korproxy_addons.dialects.gemini.wire import UsageMetadata
from korproxy_addons.dialects.model import Usage


def read(text: bytes) -> Usage | None:
    return usage_of(msgspec.json.decode(text, type=UsageMetadata))


def test_t97_output_is_the_answer_and_its_thoughts() -> None:
    usage = read(
        b'{"promptTokenCount":100,"candidatesTokenCount":20,"thoughtsTokenCount":7,'
        b'"cachedContentTokenCount":60,"toolUsePromptTokenCount":30,"totalTokenCount":157}'
    )
    assert usage == Usage(
        input_tokens=130,
        cached_tokens=60,
        tool_use_tokens=30,
        output_tokens=27,
        reasoning_tokens=7,
    )
    assert usage is not None
    assert usage.total_tokens == 157


def test_t97_thoughts_that_the_answer_holds_count_once() -> None:
    """The first thinking models counted so, as their totals say; without a total it is as it always is."""
    counts = b'"promptTokenCount":80,"candidatesTokenCount":150,"thoughtsTokenCount":70'
    usage = read(b'{%b,"totalTokenCount":230}' % counts)
    assert usage == Usage(input_tokens=80, output_tokens=150, reasoning_tokens=70)
    for rest in (b"", b',"totalTokenCount":300'):
        usage = read(b"{%b%b}" % (counts, rest))
        assert usage == Usage(input_tokens=80, output_tokens=220, reasoning_tokens=70)


def test_both_cases_and_odd_numbers_are_read() -> None:
    usage = read(b'{"prompt_token_count":"12","candidatesTokenCount":3.0,"total_token_count":15}')
    assert usage == Usage(input_tokens=12, output_tokens=3)


@pytest.mark.parametrize(
    "text", [b'{"trafficType":"ON_DEMAND"}', b"{}", b'{"promptTokenCount":"many"}']
)
def test_counts_that_count_nothing(text: bytes) -> None:
    assert read(text) is None


@pytest.mark.parametrize("text", [b'{"promptTokenCount":-5}', b'{"promptTokenCount":0}'])
def test_no_count_is_negative(text: bytes) -> None:
    assert read(text) == Usage()


def test_a_number_of_any_length_is_no_danger() -> None:
    assert read(b'{"promptTokenCount":"%b","totalTokenCount":1}' % (b"9" * 5000)) == Usage()


@pytest.mark.parametrize(
    "usage",
    [
        Usage(),
        Usage(input_tokens=9, output_tokens=2),
        Usage(
            input_tokens=130,
            cached_tokens=60,
            tool_use_tokens=30,
            output_tokens=27,
            reasoning_tokens=7,
        ),
    ],
)
def test_t104_counts_come_back(usage: Usage) -> None:
    counts = counts_of(usage, "standard")
    assert read(msgspec.json.encode(counts)) == usage
    parts = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    total = sum(counts.get(name, 0) for name in (*parts, "toolUsePromptTokenCount"))
    assert counts["totalTokenCount"] == total
    assert counts["serviceTier"] == "standard"


def test_counts_of_another_service_are_never_negative() -> None:
    assert counts_of(Usage(output_tokens=1, reasoning_tokens=5), "")["candidatesTokenCount"] == 0
