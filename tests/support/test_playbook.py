from mitmproxy import http

from support.playbook import Playbook

REQUEST = b"GET / HTTP/1.1\r\nhost: localhost:1337\r\n\r\n"


def test_a_request_leaves_and_its_reply_is_read() -> None:
    book = Playbook()
    book.send(REQUEST)
    assert [request.flow.request.path for request in book.upstream] == ["/"]
    book.reply(book.head(("content-length", "2")), book.data(b"ok"), book.end())
    assert book.read() == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    assert book.read() == b""


def test_hooks_are_answered_and_may_be_held() -> None:
    seen: list[http.HTTPFlow] = []
    book = Playbook(hooks={"request": seen.append})
    book.held = {"request"}
    book.send(REQUEST)
    assert book.upstream == []
    assert len(seen) == 1
    book.let_go()
    assert [request.flow for request in book.upstream] == seen
    assert book.hooked == ["requestheaders", "request", "korproxy_upstream"]
