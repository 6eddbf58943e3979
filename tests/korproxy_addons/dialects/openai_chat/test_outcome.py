import pytest

from korproxy_addons.dialects.model import FinishReason, Usage
from korproxy_addons.dialects.openai_chat.outcome import Outcome, UsageReader
from korproxy_addons.dialects.openai_chat.reply_wire import Choice, UsageWire, read_chunk
from korproxy_addons.errors.kinds import Kind


def usage_of(*bodies: bytes) -> Usage | None:
    outcome = Outcome()
    for body in bodies:
        chunk = read_chunk(body)
        outcome.take(chunk)
        for choice in chunk.choices or ():
            outcome.take_choice(choice)
    return outcome.usage.usage()


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (
            (
                b'{"usage":{"prompt_tokens":9,"completion_tokens":5,"prompt_tokens_details":'
                b'{"cached_tokens":4,"cache_write_tokens":2},'
                b'"completion_tokens_details":{"reasoning_tokens":3}}}'
            ),
            Usage(9, 4, 2, output_tokens=5, reasoning_tokens=3),
        ),
        (
            b'{"usage":{"prompt_tokens":9,"completion_tokens":5,"prompt_cache_hit_tokens":8}}',
            Usage(9, 8, output_tokens=5),
        ),
        (b'{"choices":[{"usage":{"prompt_tokens":9,"cached_tokens":7}}]}', Usage(9, 7)),
        (b'{"choices":[],"x_groq":{"usage":{"prompt_tokens":9}}}', Usage(9)),
        (
            b'{"usage":{"prompt_tokens":9,"completion_tokens":5,"reasoning_tokens":2}}',
            Usage(9, output_tokens=5, reasoning_tokens=2),
        ),
        (
            b'{"usage":{"prompt_tokens":9,"cache_read_input_tokens":3,"cache_creation_input_tokens":1}}',
            Usage(9, 3, 1),
        ),
        (b'{"usage":{"input_tokens":9,"output_tokens":5}}', Usage(9, output_tokens=5)),
        (b'{"usage":{"prompt_tokens":-3,"completion_tokens":1e3}}', Usage(output_tokens=1000)),
        (b'{"usage":null}', None),
    ],
    ids=["openai", "deepseek", "kimi", "groq", "copilot", "doubleword", "foreign", "odd", "null"],
)
def test_counts_are_found_under_every_name(body: bytes, usage: Usage | None) -> None:
    assert usage_of(body) == usage


def test_xai_states_its_answer_without_reasoning() -> None:
    body = (
        b'{"usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":20,'
        b'"completion_tokens_details":{"reasoning_tokens":6}}}'
    )
    assert usage_of(body) == Usage(10, output_tokens=10, reasoning_tokens=6)


def test_t101_of_two_usages_the_last_value_of_each_field_counts() -> None:
    first = b'{"usage":{"prompt_tokens":9,"completion_tokens":1}}'
    second = b'{"usage":{"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4}}}'
    assert usage_of(first, second) == Usage(9, 4, output_tokens=5)


def test_a_count_without_end_is_no_count() -> None:
    reader = UsageReader()
    reader.take(UsageWire(prompt_tokens=float("inf"), completion_tokens=2))
    assert reader.usage() == Usage(output_tokens=2)


@pytest.mark.parametrize(
    ("words", "called", "refused", "finish"),
    [
        (["stop"], False, False, FinishReason.STOP),
        (["stop"], True, False, FinishReason.TOOL_CALLS),
        (["tool_calls"], False, False, FinishReason.STOP),
        (["function_call"], True, False, FinishReason.TOOL_CALLS),
        (["stop"], False, True, FinishReason.REFUSAL),
        (["length"], True, False, FinishReason.LENGTH),
        (["stop", "tool_calls"], True, False, FinishReason.TOOL_CALLS),
        (["length", "stop"], False, False, FinishReason.LENGTH),
        (["content_filter"], False, False, FinishReason.CONTENT_FILTER),
        (["sensitive"], False, False, FinishReason.CONTENT_FILTER),
        (["", None, "STOP"], False, False, FinishReason.STOP),
        (["something_new"], False, False, FinishReason.STOP),
        ([], True, False, FinishReason.TOOL_CALLS),
    ],
)
def test_t106_the_parts_settle_the_finish_reason(
    words: list[str | None], called: bool, refused: bool, finish: FinishReason
) -> None:
    outcome = Outcome()
    for word in words:
        outcome.take_choice(Choice(finish_reason=word))
    assert outcome.settled(called=called, refused=refused) is finish


def test_t160_an_empty_finish_reason_is_none() -> None:
    outcome = Outcome()
    outcome.take_choice(Choice(finish_reason=""))
    assert outcome.finish is None


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (
            b'{"error":{"message":"m","code":"rate_limit_exceeded"}}',
            Kind.RATE_LIMIT,
            "rate_limit_exceeded",
        ),
        (b'{"choices":[],"error":"boom"}', Kind.INTERNAL, ""),
        (b'{"status":"439","msg":"expired","body":null}', Kind.AUTHENTICATION, "439"),
        (b'{"error_code":8211,"msg":"slow"}', Kind.RATE_LIMIT, "8211"),
        (
            b'{"code":"InvalidApiKey","message":"no","request_id":"r"}',
            Kind.AUTHENTICATION,
            "InvalidApiKey",
        ),
        (b'{"detail":"broken"}', Kind.INTERNAL, ""),
        (b'{"choices":[{"finish_reason":"error"}]}', Kind.INTERNAL, "error"),
        (b'{"choices":[{"error":{"message":"m","code":502}}]}', Kind.INTERNAL, "502"),
    ],
)
def test_t166_errors_inside_a_200_are_seen(body: bytes, kind: Kind, code: str) -> None:
    outcome = Outcome()
    chunk = read_chunk(body)
    outcome.take(chunk)
    for choice in chunk.choices or ():
        outcome.take_choice(choice)
    assert outcome.error is not None
    assert (outcome.error.kind, outcome.error.code) == (kind, code)


@pytest.mark.parametrize(
    "body", [b'{"choices":[],"error":null}', b'{"choices":[],"status":"ok"}', b'{"type":"ping"}']
)
def test_a_chunk_without_choices_is_not_always_an_error(body: bytes) -> None:
    outcome = Outcome()
    outcome.take(read_chunk(body))
    assert outcome.error is None
