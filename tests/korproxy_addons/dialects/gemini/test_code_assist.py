"""Gemini CLI's Google login: its envelope taken off requests and put around answers."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import Inbound, ReplyContext
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.gemini.code_assist import EnvelopedReply, Opened, opened
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.passing import PassThrough
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind
from support.cut import cut

GEMINI = dialect("gemini")
CONTENTS = [{"role": "user", "parts": [{"text": "hi"}]}]


def unwrapped(value: Any, **words: Any) -> Opened:
    return opened(Inbound(json.dumps(value).encode(), **words))


def test_t163_a_request_comes_out_of_its_envelope() -> None:
    found = unwrapped(
        {
            "model": "gemini-3.8-flash",
            "project": "p",
            "user_prompt_id": "up-1",
            "request": {"contents": CONTENTS, "tools": [], "session_id": "s-1"},
        },
        path_stream=True,
    )
    assert json.loads(found.inbound.body) == {"contents": CONTENTS, "tools": []}
    assert (found.inbound.path_model, found.inbound.path_stream) == ("gemini-3.8-flash", True)
    assert (found.session, found.prompt_id) == ("s-1", "up-1")


def test_a_count_names_its_model_inside() -> None:
    found = unwrapped({"request": {"model": "models/gemini-3.8-flash", "contents": CONTENTS}})
    assert found.inbound.path_model == "gemini-3.8-flash"
    assert json.loads(found.inbound.body) == {"contents": CONTENTS}
    assert (found.session, found.prompt_id) == ("", "")


def test_numbers_and_order_inside_stay_as_they_were() -> None:
    inner = '{"contents":[],"generationConfig":{"seed":12345678901234567890,"temperature":1.0}}'
    body = f'{{"model":"m","request":{inner}}}'.encode()
    assert opened(Inbound(body)).inbound.body == inner.encode()


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"request":null}', b'{"request":[]}', b'{"request":"x"}', b'{"model":7}', b"["],
)
def test_what_is_no_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(KorProxyError) as refused:
        opened(Inbound(body))
    assert refused.value.spec in (catalogue.FIELD_INVALID, catalogue.NOT_JSON)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_an_envelope_or_a_korproxy_error(body: bytes) -> None:
    try:
        opened(Inbound(body))
    except KorProxyError:
        return


# --- answers

CHUNKS = [
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "A\u2028"}]}}]},
    {"candidates": [{"content": {"role": "model", "parts": []}, "finishReason": "STOP"}]},
]
STREAM = b"".join(b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n" for chunk in CHUNKS)


def reply(*, streamed: bool, sse: bool = True) -> EnvelopedReply:
    context = ReplyContext(streamed, "m", IdSource("seed"), 0, sse=sse)
    return EnvelopedReply(PassThrough(GEMINI, context), streamed=streamed, sse=sse)


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_t163_every_chunk_of_a_stream_is_wrapped(size: int) -> None:
    translator = reply(streamed=True)
    out = b"".join(translator.feed(piece) for piece in cut(STREAM, size)) + translator.close()
    frames = [json.loads(line[6:]) for line in out.split(b"\r\n") if line]
    assert frames == [{"response": chunk} for chunk in CHUNKS]
    assert (translator.over, translator.error, translator.finish) == (True, None, "stop")
    assert (translator.usage, translator.model, translator.mistake) == (None, "", None)
    assert translator.keep_alive() == b""


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_every_element_of_an_array_is_wrapped(size: int) -> None:
    translator = reply(streamed=True, sse=False)
    out = b"".join(translator.feed(piece) for piece in cut(STREAM, size)) + translator.close()
    assert json.loads(out) == [{"response": chunk} for chunk in CHUNKS]


@pytest.mark.parametrize("size", [1, 4096])
def test_a_whole_answer_is_wrapped(size: int) -> None:
    translator = reply(streamed=False)
    body = msgspec.json.encode(CHUNKS[1])
    out = b"".join(translator.feed(piece) for piece in cut(body, size)) + translator.close()
    assert json.loads(out) == {"response": CHUNKS[1]}


def test_nothing_becomes_no_half_envelope() -> None:
    assert reply(streamed=False).close() == b""


@pytest.mark.parametrize("sse", [True, False])
def test_an_error_in_a_stream_has_no_envelope(sse: bool) -> None:
    translator = reply(streamed=True, sse=sse)
    out = translator.feed(STREAM[: STREAM.index(b"\r\n\r\n") + 4])
    out += translator.fail(ReplyError(Kind.OVERLOADED, "busy"))
    last = json.loads(out)[-1] if not sse else json.loads(out.strip().split(b"data: ")[-1])
    assert last["error"]["status"] == "UNAVAILABLE"
    assert (translator.over, translator.error is not None) == (True, True)
