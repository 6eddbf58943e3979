import json

import pytest
from mitmproxy import http

from korproxy_addons.gateway.reader import PIPELINED_LIMIT_BYTES
from support.cut import cut
from support.playbook import PlainRefusals, Playbook

HOST = b"host: localhost:1337\r\n"
GET = b"GET /v1/models HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = b"POST /v1/messages HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n"


def refused(book: Playbook, status: int) -> bytes:
    """The refusal that was written: JSON, and the connection closed behind it; its head's first line."""
    head, _, body = book.read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nconnection: close" in head
    assert b"\r\ncontent-length: %d" % len(body) in head
    assert json.loads(body) == {"refused": "framing"}
    assert book.closed()
    return head


def test_a_head_over_the_limit_is_refused() -> None:
    book = Playbook(PlainRefusals(header_bytes=1000))
    book.send(b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"y" * 1000 + b"\r\n\r\n")
    refused(book, 431)
    assert book.hooked == []


def test_a_head_without_end_is_refused_at_the_limit() -> None:
    """Not when the client is done sending it, which it may never be."""
    book = Playbook(PlainRefusals(header_bytes=1000))
    book.send(b"GET / HTTP/1.1\r\n" + HOST)
    for _ in range(200):
        book.send(b"x: y\r\n")
    refused(book, 431)
    assert len(book.refusals.heads[0]) == 1000


def test_only_the_head_counts_against_its_limit() -> None:
    book = Playbook(PlainRefusals(body_bytes=5000, header_bytes=200))
    book.send(b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 3000\r\n\r\n" + b"b" * 3000)
    assert [it.flow.request.raw_content for it in book.upstream] == [b"b" * 3000]


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"x: y\r z\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"x: y\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"x: y\x00z\r\n\r\n",
    ],
)
def test_a_head_that_two_readers_could_read_differently_is_refused(head: bytes) -> None:
    for pieces in ([head], list(cut(head, 1))):
        book = Playbook()
        book.send(*pieces)
        refused(book, 400)
        assert book.upstream == []


def test_a_body_may_hold_what_a_head_may_not() -> None:
    book = Playbook()
    book.send(b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 9\r\n\r\n\n\x00\r \n\n\r\n\n")
    assert len(book.upstream) == 1


@pytest.mark.parametrize(
    "head",
    [
        b"nonsense\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"\x00\xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon here\r\n\r\n",
        b"GET / HTTP/1.1\r\n: no name\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"content-length: five\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"content-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked, chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: xchunked\r\n\r\n",
    ],
)
def test_what_is_no_request_gets_an_answer_in_json(head: bytes) -> None:
    book = Playbook()
    book.send(head)
    refused(book, 400)
    assert book.upstream == []


@pytest.mark.parametrize(
    "fields",
    [
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        b"content-length: 5\r\ncontent-length: 6\r\n",
        b"content-length: 5\r\ncontent-length: 5\r\n",
        b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: identity\r\ncontent-length: 5\r\n",
        b"con tent: 1\r\n",
    ],
)
def test_a_body_that_two_readers_could_read_differently_is_refused(fields: bytes) -> None:
    """Request smuggling: the answer to each is 400, never a guess."""
    book = Playbook()
    book.send(b"POST /v1/messages HTTP/1.1\r\n" + HOST + fields + b"\r\n5\r\nhello\r\n0\r\n\r\n")
    refused(book, 400)
    assert book.upstream == []


@pytest.mark.parametrize(
    "body",
    [b"x\r\n", b"5;ext\r\nhello!!\r\n", b"-1\r\n", b"fffffffffffffffffffff\r\n"],
)
def test_a_chunked_body_that_is_none_gets_an_answer(body: bytes) -> None:
    """mitmproxy would close the connection without a word."""
    book = Playbook()
    book.send(CHUNKED, body)
    refused(book, 400)
    assert book.upstream == []
    assert book.hooked == ["requestheaders", "error"]


def test_trailers_get_an_answer() -> None:
    """In mitmproxy they are an exception, and the client waits for ever."""
    book = Playbook()
    book.send(CHUNKED + b"2\r\nok\r\n0\r\nx-trailer: y\r\n\r\n")
    head = refused(book, 400)
    assert b"railers" in head
    assert book.hooked == ["requestheaders", "error"]


def test_a_line_between_chunks_may_not_go_on_for_ever() -> None:
    book = Playbook(PlainRefusals(header_bytes=1000))
    book.send(CHUNKED + b"2\r\nok\r\n")
    for _ in range(20):
        book.send(b"1" * 100)
    refused(book, 400)


def test_the_head_is_shown_to_who_words_the_refusal() -> None:
    """So that the answer can be in the dialect of the path."""
    book = Playbook()
    book.send(b"POST /v1/messages HTTP/1.1\r\n" + HOST + b"content-length: x\r\n\r\n")
    assert book.refusals.heads[0].startswith(b"POST /v1/messages ")


def test_any_cut_of_a_request_is_the_same_request() -> None:
    whole = CHUNKED + b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n" + GET
    for size in (1, 2, 3, 7, 50):
        book = Playbook()
        book.send(*cut(whole, size))
        (request,) = book.upstream
        assert request.flow.request.raw_content == b"hello!"
        book.reply(book.head(("content-length", "0")), book.end())
        assert [it.flow.request.method for it in book.upstream] == ["POST", "GET"]


def test_an_empty_line_before_a_request_is_skipped() -> None:
    """RFC 9112, section 2.2; h11 would wait for more bytes with the request in hand."""
    book = Playbook()
    book.send(b"\r\n\r\n" + GET)
    book.reply(book.head(("content-length", "0")), book.end())
    book.send(*cut(b"\r\n" + GET, 1))
    assert len(book.upstream) == 2


def test_what_comes_before_the_reply_waits_but_not_without_limit() -> None:
    book = Playbook()
    book.send(GET)
    for _ in range(2 + PIPELINED_LIMIT_BYTES // 65_536):
        book.send(bytes(65_536))
    assert book.closed()
    assert book.upstream[0].stream.gone


def test_a_request_that_came_early_is_served_after_the_first() -> None:
    book = Playbook()
    book.send(GET + GET.replace(b"models", b"other"))
    assert len(book.upstream) == 1
    book.reply(book.head(("content-length", "1")), book.data(b"1"), book.end())
    assert [it.flow.request.path for it in book.upstream] == ["/v1/models", "/v1/other"]
    book.reply(book.head(("content-length", "1")), book.data(b"2"), book.end())
    assert book.read().count(b"HTTP/1.1 200 OK") == 2
    assert not book.closed()


def test_an_answer_after_100_continue_is_still_an_answer() -> None:
    """`100 Continue` is a head, but not the one the client waits for."""
    book = Playbook()
    book.send(CHUNKED.replace(b"\r\n\r\n", b"\r\nexpect: 100-continue\r\n\r\n"))
    assert book.read().startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    book.send(b"nonsense\r\n")
    refused(book, 400)


def test_a_broken_body_after_the_answer_only_closes() -> None:
    def answer(flow: http.HTTPFlow) -> None:
        flow.response = http.Response.make(401, b"no")

    book = Playbook(hooks={"requestheaders": answer})
    book.send(CHUNKED)
    assert book.read().endswith(b"no")
    book.send(b"nonsense\r\n")
    assert book.read() == b""
    assert book.closed()
    assert book.hooked.count("response") == 1
    assert "error" not in book.hooked


def test_a_head_that_never_ends_and_a_client_that_leaves() -> None:
    book = Playbook()
    book.send(b"GET / HT")
    book.leave()
    assert book.closed()
    assert book.read() == b""
    assert book.hooked == []


def test_a_connect_or_an_upgrade_is_no_way_out() -> None:
    book = Playbook()
    book.send(b"CONNECT evil.com:443 HTTP/1.1\r\nhost: evil.com\r\n\r\n")
    refused(book, 400)
    assert book.upstream == []


def test_an_addon_that_switches_who_did_not_ask_ends_the_connection() -> None:
    def switch(flow: http.HTTPFlow) -> None:
        flow.response = http.Response.make(101)

    book = Playbook(hooks={"requestheaders": switch})
    book.send(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert book.read().startswith(b"HTTP/1.1 101 ")
    assert book.closed()
    assert book.layer.streams == {}
