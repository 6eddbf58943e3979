import gc
import weakref

import pytest
from mitmproxy import http

from support.cut import cut
from support.playbook import PlainRefusals, Playbook

HOST = b"host: localhost:1337\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /v1/messages HTTP/1.1\r\n" + HOST + b"content-length: 5\r\n\r\nhello"
CHUNKED = ("transfer-encoding", "chunked")


def test_a_request_leaves_once_when_it_is_whole() -> None:
    book = Playbook()
    book.send(POST[:-1])
    assert book.upstream == []
    book.send(POST[-1:])
    (request,) = book.upstream
    assert request.flow.request.method == "POST"
    assert request.flow.request.path == "/v1/messages"
    assert request.flow.request.raw_content == b"hello"
    assert request.flow is request.stream.flow
    assert book.hooked == ["requestheaders", "request", "korproxy_upstream"]


def test_a_stream_goes_out_piece_by_piece() -> None:
    book = Playbook()
    book.send(POST)
    book.reply(book.head(("content-type", "text/event-stream"), CHUNKED))
    assert book.read().startswith(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
    for piece in (b"data: 1\n\n", b"data: 2\n\n"):
        book.reply(book.data(piece))
        assert book.read() == b"9\r\n" + piece + b"\r\n"
    book.reply(book.end())
    assert book.read() == b"0\r\n\r\n"
    assert book.hooked[3:] == ["responseheaders", "response"]
    assert not book.closed()


@pytest.mark.parametrize("at_once", [False, True])
def test_hooks_handled_at_once_make_the_same_conversation(at_once: bool) -> None:
    """Requests one after the other, one refused by an addon, one sent with its neighbour, one that the client leaves."""

    def refuse(flow: http.HTTPFlow) -> None:
        if flow.request.path == "/":
            flow.response = http.Response.make(403, b"no")

    book = Playbook(hooks={"request": refuse}, at_once=at_once)
    book.send(POST)
    book.reply(book.head(CHUNKED), book.data(b"1"), book.end())
    book.send(GET)
    book.send(POST + POST)
    book.reply(book.head(("content-length", "0")), book.end())
    book.reply(book.head(("content-length", "0")), book.end())
    book.send(POST)
    book.leave()
    assert book.read() == (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n"
        b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno"
        + b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
        * 2
    )
    served = ["requestheaders", "request", "korproxy_upstream", "responseheaders", "response"]
    refused = ["requestheaders", "request", "responseheaders", "response"]
    left = ["requestheaders", "request", "korproxy_upstream", "error"]
    assert book.hooked == served + refused + served + served + left
    assert book.closed()


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("held", ["requestheaders", "request", "responseheaders", "response"])
def test_a_hook_that_waits_keeps_its_stream_waiting(held: str, at_once: bool) -> None:
    book = Playbook(at_once=at_once)
    book.held.add(held)
    book.send(POST)
    if held.startswith("request"):
        assert book.upstream == []
        book.let_go()
    reply = book.head(("content-length", "1")), book.data(b"x"), book.end()
    book.reply(*reply)
    if held.startswith("response"):
        assert not book.read().endswith(b"x") or held == "response"
        book.let_go()
        book.send(POST)
        assert len(book.upstream) == 2
    else:
        assert book.read().endswith(b"\r\n\r\nx")


def test_nothing_is_asked_of_mitmproxy_s_own_upstream() -> None:
    """The playbook fails on any command it does not know, `OpenConnection` among them."""
    book = Playbook(connection_strategy="eager")
    book.send(POST)
    book.reply(book.head(("content-length", "0")), book.end())
    assert len(book.upstream) == 1


def test_a_connection_serves_request_after_request() -> None:
    book = Playbook()
    for number in range(5):
        book.send(POST)
        body = b"%d" % number
        book.reply(book.head(("content-length", "1")), book.data(body), book.end())
        assert book.read().endswith(b"\r\n\r\n" + body)
    assert [it.stream.stream_id for it in book.upstream] == [1, 3, 5, 7, 9]
    assert not book.closed()


def test_a_long_connection_collects_nothing() -> None:
    book = Playbook()
    flows: list[weakref.ref[http.HTTPFlow]] = []
    for _ in range(20):
        book.send(POST)
        flows.append(weakref.ref(book.upstream[-1].flow))
        book.reply(book.head(("content-length", "0")), book.end())
        book.upstream.clear()
    assert len(book.layer.connections) <= 2
    assert book.layer.streams == {}
    assert book.layer.command_sources == {}
    gc.collect()
    assert sum(flow() is not None for flow in flows) <= 1


def test_a_client_that_leaves_is_noticed_at_once() -> None:
    book = Playbook()
    book.send(POST)
    gone: list[bool] = []
    book.upstream[0].stream.on_gone = lambda: gone.append(True)
    book.leave()
    assert gone == [True]
    assert book.upstream[0].stream.gone
    assert book.hooked[-1] == "error"
    book.reply(book.head(CHUNKED), book.data(b"late"), book.end())
    assert book.read() == b""
    assert book.hooked[-1] == "error"


def test_a_client_that_leaves_in_the_middle_of_a_reply_is_noticed_too() -> None:
    book = Playbook()
    book.send(POST)
    book.reply(book.head(CHUNKED), book.data(b"abc"))
    book.leave()
    assert book.upstream[0].stream.gone
    book.reply(book.data(b"late"), book.end())
    assert b"late" not in book.read()
    assert book.hooked.count("error") == 1
    assert "response" not in book.hooked


def test_a_client_that_leaves_while_a_hook_runs_is_noticed_when_it_is_done() -> None:
    book = Playbook()
    book.held = {"request"}
    book.send(POST)
    book.leave()
    book.let_go()
    assert book.upstream == []
    assert book.hooked[-1] == "error"


def test_a_client_that_leaves_before_its_body_is_whole_sends_nothing_on() -> None:
    book = Playbook()
    book.send(POST[:-2])
    book.leave()
    assert book.upstream == []
    assert book.hooked == ["requestheaders", "error"]


def test_a_reply_that_breaks_off_is_no_whole_one() -> None:
    book = Playbook()
    book.send(POST)
    book.reply(book.head(CHUNKED), book.data(b"abc"), book.cut())
    assert book.read().endswith(b"3\r\nabc\r\n")
    assert book.closed()
    assert book.hooked[-1] == "error"


def test_a_reply_that_breaks_off_before_its_head_is_an_error_in_json() -> None:
    book = Playbook()
    book.send(POST)
    book.reply(book.cut())
    assert book.read().endswith(b'{"refused":"framing"}')
    assert book.closed()


def test_a_client_of_http_1_0_is_served_until_the_connection_ends() -> None:
    book = Playbook()
    book.send(b"POST / HTTP/1.0\r\n" + HOST + b"content-length: 5\r\n\r\nhello")
    book.reply(book.head(("connection", "close")), book.data(b"abc"))
    assert book.read().endswith(b"\r\n\r\nabc")
    assert not book.closed()
    book.reply(book.end())
    assert book.read() == b""
    assert book.closed()


def test_the_reply_to_head_has_no_body() -> None:
    book = Playbook()
    book.send(b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n" + GET)
    book.reply(book.head(("content-length", "5")), book.end())
    assert book.read().endswith(b"content-length: 5\r\n\r\n")
    assert [it.flow.request.method for it in book.upstream] == ["HEAD", "GET"]


def test_an_answer_of_a_request_hook_leaves_nothing_to_send() -> None:
    def answer(flow: http.HTTPFlow) -> None:
        flow.response = http.Response.make(400, b"bad")

    book = Playbook(hooks={"request": answer})
    book.send(POST + GET)
    assert book.read().count(b"\r\n\r\nbad") == 2
    assert book.upstream == []
    assert not book.closed()


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_however_the_client_s_bytes_are_cut_the_same_happens(size: int) -> None:
    book = Playbook(PlainRefusals(body_bytes=5))
    book.send(*cut(POST, size))
    book.reply(book.head(("content-length", "2")), book.data(b"ok"), book.end())
    assert book.read() == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def test_an_event_for_a_stream_that_is_over_is_dropped() -> None:
    book = Playbook()
    book.send(POST)
    late = (book.data(b"x"), book.end(), book.cut())
    book.reply(book.head(("content-length", "0")), book.end())
    book.read()
    book.reply(*late)
    assert book.read() == b""
    assert not book.closed()
