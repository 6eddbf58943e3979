import pytest

from korproxy_addons.dialects.openai_chat.reply_wire import read_chunk
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError


def test_what_does_not_fit_counts_as_absent_and_what_can_be_read_is_read() -> None:
    chunk = read_chunk(
        b'{"id":7,"model":["x"],"choices":[{"index":"1","finish_reason":5,"delta":{"content":{"a":1},'
        b'"refusal":"no","tool_calls":[{"index":2.0,"id":9,"function":{"name":"f",'
        b'"arguments":{"n":12345678901234567890,"x":1.0}}},3]}}],"usage":{"prompt_tokens":"12",'
        b'"completion_tokens":"many"}}'
    )
    assert chunk.id == "7"
    assert chunk.model is None
    assert chunk.choices is not None
    choice = chunk.choices[0]
    assert (choice.index, choice.finish_reason) == (1, "5")
    assert choice.delta is not None
    assert (choice.delta.content, choice.delta.refusal) == (None, "no")
    assert choice.delta.tool_calls is not None
    call, other = choice.delta.tool_calls
    assert (call.index, call.id) == (2, "9")
    assert call.function is not None
    assert call.function.arguments == '{"n":12345678901234567890,"x":1.0}', "T179"
    assert (other.index, other.function) == (None, None)
    assert chunk.usage is not None
    assert (chunk.usage.prompt_tokens, chunk.usage.completion_tokens) == (12, None)


def test_t178_half_a_surrogate_pair_does_not_stop_the_reading() -> None:
    chunk = read_chunk(b'{"choices":[{"delta":{"content":"a\\ud83d"}}]}')
    assert chunk.choices is not None
    assert chunk.choices[0].delta is not None
    content = chunk.choices[0].delta.content
    assert isinstance(content, str)
    assert content[0] == "a"
    assert len(content) == 2


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"ping", b'"a"', b"{", b'{"a":', b"\xff", b"[" * 9999]
)
def test_t170_what_is_no_object_is_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(KorProxyError) as caught:
        read_chunk(data)
    assert caught.value.spec is UPSTREAM_INVALID_REPLY
