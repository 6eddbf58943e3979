import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from mitmproxy import http

from korproxy_addons.gateway import stream
from korproxy_addons.gateway.stream import TransformFailedError, guarded
from support.playbook import HookFunction, PlainRefusals, Playbook

HOST = b"host: localhost:1337\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
POST_HEAD = b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 10\r\n\r\n"
CHUNKED_HEAD = b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n"
CHUNKED_REPLY = ("transfer-encoding", "chunked")


def answering(status: int = 401, body: bytes = b'{"no":1}') -> HookFunction:
    def answer(flow: http.HTTPFlow) -> None:
        flow.response = http.Response.make(status, body)

    return answer


# Refusals while the body is still to come


@pytest.mark.parametrize("head", [POST_HEAD, CHUNKED_HEAD])
def test_an_early_refusal_is_out_before_the_body_is_in(head: bytes) -> None:
    book = Playbook(hooks={"requestheaders": answering()})
    book.send(head)
    reply = book.read()
    assert reply.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert b"\r\nconnection: close\r\n" in reply
    assert reply.endswith(b'{"no":1}')
    assert book.hooked == ["requestheaders", "responseheaders", "response"]
    assert not book.closed()


def test_the_body_of_a_refused_request_runs_into_the_ground() -> None:
    """The client is still sending: closing on it would reset the connection and lose the answer."""
    book = Playbook(hooks={"requestheaders": answering()})
    book.send(POST_HEAD, b"01234")
    book.read()
    assert not book.closed()
    book.send(b"56789")
    assert book.closed()
    assert book.read() == b""
    assert book.upstream == []
    assert "request" not in book.hooked


def test_who_goes_on_sending_after_a_refusal_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "DISCARD_LIMIT_BYTES", 100)
    book = Playbook(hooks={"requestheaders": answering()})
    book.send(CHUNKED_HEAD)
    for _ in range(2):
        book.send(b"32\r\n" + bytes(0x32) + b"\r\n")
    assert not book.closed()
    book.send(b"1\r\nx\r\n")
    assert book.closed()
    assert book.hooked.count("response") == 1
    assert "error" not in book.hooked


def test_a_client_may_leave_with_its_refusal() -> None:
    book = Playbook(hooks={"requestheaders": answering()})
    book.send(POST_HEAD)
    book.leave()
    assert book.closed()
    assert book.hooked.count("response") == 1


def test_an_early_refusal_of_a_request_without_a_body_keeps_the_connection() -> None:
    book = Playbook(hooks={"requestheaders": answering()})
    book.send(GET + GET)
    assert book.read().count(b"401 Unauthorized") == 2
    assert not book.closed()


def test_a_refused_client_that_asked_first_is_not_told_to_go_on() -> None:
    def refuse(flow: http.HTTPFlow) -> None:
        del flow.request.headers["expect"]
        answering()(flow)

    book = Playbook(hooks={"requestheaders": refuse})
    book.send(POST_HEAD.replace(b"\r\n\r\n", b"\r\nexpect: 100-continue\r\n\r\n"))
    assert book.read().startswith(b"HTTP/1.1 401 ")


# The size of the body


def test_a_body_at_the_limit_passes() -> None:
    book = Playbook(PlainRefusals(body_bytes=10))
    book.send(POST_HEAD + b"0123456789")
    assert len(book.upstream) == 1


def test_a_chunked_body_over_the_limit_is_refused_while_it_comes() -> None:
    book = Playbook(PlainRefusals(body_bytes=10))
    book.send(CHUNKED_HEAD, b"a\r\n0123456789\r\n")
    assert book.read() == b""
    book.send(b"1\r\nx\r\n")
    assert book.read().startswith(b"HTTP/1.1 413 ")
    assert book.hooked == ["requestheaders", "responseheaders", "response"]
    book.send(b"5\r\nagain\r\n", b"0\r\n\r\n")
    assert book.read() == b""
    assert book.closed()
    assert book.upstream == []


@pytest.mark.parametrize(
    "wish",
    [
        {"body_size_limit": "1"},
        {"stream_large_bodies": "1"},
        {"body_size_limit": "1", "stream_large_bodies": "1"},
    ],
)
def test_mitmproxy_s_own_limits_do_not_touch_requests(wish: dict[str, Any]) -> None:
    """Theirs ends in an HTML page, or in a request that leaves before it is whole."""
    book = Playbook(**wish)
    book.send(CHUNKED_HEAD, b"5\r\nhello\r\n")
    assert book.upstream == []
    book.send(b"5\r\nagain\r\n0\r\n\r\n")
    assert [it.flow.request.raw_content for it in book.upstream] == [b"helloagain"]


def test_no_addon_can_have_a_request_streamed() -> None:
    def stream_it(flow: http.HTTPFlow) -> None:
        flow.request.stream = True

    book = Playbook(hooks={"requestheaders": stream_it})
    book.send(POST_HEAD, b"01234")
    assert book.upstream == []
    book.send(b"56789")
    assert [it.flow.request.raw_content for it in book.upstream] == [b"0123456789"]


def test_an_addon_that_wants_to_stream_what_it_refuses_gets_the_refusal() -> None:
    """In mitmproxy these two together are an exception, and the client waits for ever."""

    def both(flow: http.HTTPFlow) -> None:
        flow.request.stream = True
        answering()(flow)

    book = Playbook(hooks={"requestheaders": both})
    book.send(POST_HEAD)
    assert book.read().startswith(b"HTTP/1.1 401 ")


# What addons do to the reply


def replying(
    transform: Callable[[bytes], Iterable[bytes] | bytes] | bool, **set_options: Any
) -> Playbook:
    """A book whose reply has its head out, through `transform`."""

    def install(flow: http.HTTPFlow) -> None:
        assert flow.response is not None
        flow.response.stream = transform

    book = Playbook(hooks={"responseheaders": install}, **set_options)
    book.send(GET)
    book.reply(book.head(CHUNKED_REPLY))
    book.read()
    return book


def test_a_transformer_changes_the_pieces_and_has_the_last_word() -> None:
    book = replying(lambda data: data.upper() if data else b"end")
    book.reply(book.data(b"abc"), book.end())
    assert book.read() == b"3\r\nABC\r\n3\r\nend\r\n0\r\n\r\n"


@pytest.mark.parametrize("nothing", [b"", [], [b""], (b"", b"")])
def test_a_transformer_with_nothing_to_say_says_nothing(nothing: bytes | list[bytes]) -> None:
    """In mitmproxy 12.2.3 it would end the body there, and the rest would be read as another reply."""
    book = replying(lambda _: nothing)
    book.reply(book.data(b"abc"), book.data(b"def"))
    assert book.read() == b""
    book.reply(book.end())
    assert book.read() == b"0\r\n\r\n"


def test_a_transformer_may_be_a_generator() -> None:
    book = replying(lambda data: (data[i : i + 1] for i in range(len(data))))
    book.reply(book.data(b"ab"), book.end())
    assert book.read() == b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n"


def crash(_: bytes) -> bytes:
    raise ValueError("canary-in-the-exception")


def crash_at_the_end(data: bytes) -> bytes:
    return data or crash(data)


def crash_later(_: bytes) -> Iterable[bytes]:
    yield b"first"
    crash(b"")


def give_nonsense(_: bytes) -> list[bytes]:
    return [3]  # type: ignore[list-item]


@pytest.mark.parametrize("transform", [crash, crash_at_the_end, crash_later, give_nonsense])
def test_a_transformer_that_raises_cuts_the_reply(
    transform: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """In mitmproxy the client would wait for ever. It must not take the reply for a whole one either."""
    book = replying(transform)
    gone: list[bool] = []
    book.upstream[0].stream.on_gone = lambda: gone.append(True)
    with caplog.at_level(logging.ERROR, "korproxy.stream"):
        book.reply(book.data(b"abc"), book.end())
    assert book.closed()
    assert not book.read().endswith(b"0\r\n\r\n")
    assert gone == [True]
    assert book.hooked[-1] == "error"
    (record,) = caplog.records
    assert record.getMessage() == "response transformer failed"
    assert record.exc_info is not None


def test_after_a_crash_nothing_more_is_said() -> None:
    book = replying(crash)
    book.reply(book.data(b"abc"))
    book.read()
    book.reply(book.data(b"def"), book.end())
    assert book.read() == b""


def test_guarded_lets_only_its_own_exception_out() -> None:
    with pytest.raises(TransformFailedError) as found:
        guarded(crash)(b"x")
    assert isinstance(found.value.__cause__, ValueError)
    assert guarded(lambda data: [bytearray(data), memoryview(data)])(b"a") == [b"a", b"a"]  # type: ignore[list-item]


def test_an_addon_may_put_another_reply_in_place() -> None:
    written: list[bool] = []
    book = Playbook(hooks={"responseheaders": answering(403, b"replaced")})
    book.send(GET)
    book.upstream[0].stream.on_head_written = lambda: written.append(True)
    book.reply(book.head(CHUNKED_REPLY))
    assert written == [True]
    book.reply(book.data(b"replaced"), book.end())
    assert book.read().endswith(b"\r\n\r\nreplaced")
    assert not book.closed()


def test_a_flow_that_an_addon_kills_is_over_for_the_leg_too() -> None:
    book = Playbook(hooks={"responseheaders": http.HTTPFlow.kill})
    book.send(GET)
    gone: list[str] = []
    book.upstream[0].stream.on_gone = lambda: gone.append("gone")
    book.upstream[0].stream.on_head_written = lambda: gone.append("written")
    book.reply(book.head(CHUNKED_REPLY))
    assert gone == ["gone", "written"]
    assert book.closed()
    assert book.read() == b""


def test_a_reply_head_that_mitmproxy_finds_fault_with_is_refused_in_json() -> None:
    book = Playbook()
    book.send(GET)
    book.reply(book.head(CHUNKED_REPLY, ("content-length", "5")))
    assert book.read().startswith(b"HTTP/1.1 502 ")
    assert book.upstream[0].stream.gone
    assert book.closed()


def test_the_leg_learns_when_the_head_is_written_and_not_before() -> None:
    """What it then writes straight to the transport must come behind the head."""
    book = Playbook()
    book.held = {"responseheaders"}
    book.send(GET)
    written: list[bytes] = []
    book.upstream[0].stream.on_head_written = lambda: written.append(book.written)
    book.reply(book.head(CHUNKED_REPLY))
    assert written == []
    book.let_go()
    assert len(written) == 1
    assert written[0].startswith(b"HTTP/1.1 200 OK")
