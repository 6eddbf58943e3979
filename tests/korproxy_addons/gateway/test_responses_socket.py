"""A client connection that was upgraded: messages in, requests through the layers, events back."""

import json
from typing import Any

import pytest
from mitmproxy import http
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from korproxy_addons.gateway.handshake import switching_headers
from korproxy_addons.gateway.responses_socket import WAITING_MESSAGES
from support.playbook import PlainRefusals, Playbook
from support.socket_client import SocketClient, opening

Json = dict[str, Any]
HOST = "127.0.0.1:1337"
HELLO = {"type": "message", "role": "user", "content": "hello"}
CREATED = b'event: response.created\ndata: {"type":"response.created"}\n\n'
COMPLETED = b'data: {"type":"response.completed","response":{"id":"resp_1"}}\n\n'
SSE = ("content-type", "text/event-stream")


def accept(flow: http.HTTPFlow) -> None:
    """As the gateway's addons would: the upgrade is let through, everything else goes on."""
    if flow.request.method == "GET":
        fields = switching_headers({k.lower(): v for k, v in flow.request.headers.items()})
        flow.response = http.Response.make(101, b"", dict(fields))
        del flow.response.headers["content-length"]
    else:
        # The entrance hides what the client has shown.
        flow.request.headers["authorization"] = "hidden"


class Talk:
    """A connection on which the upgrade is through."""

    def __init__(self, refusals: PlainRefusals | None = None, **hooks: Any) -> None:
        self.book = Playbook(
            refusals or PlainRefusals(10_000, 4_000), {"requestheaders": accept, **hooks}
        )
        self.client = SocketClient()
        head = opening(HOST, "authorization: Bearer secret", "session-id: s1", "x-request-id: r1")
        self.book.send(head)
        head, _, rest = self.book.read().partition(b"\r\n\r\n")
        self.opened = head.decode().lower()
        self.client.read(rest)
        self.book.hooked.clear()

    def ask(self, *values: Any) -> list[Json]:
        """Send messages, and read what comes back at once."""
        self.book.send(*(self.client.message(it) for it in values))
        return self.heard()

    def create(self, **fields: Any) -> list[Json]:
        return self.ask({"type": "response.create", "model": "m", "input": [HELLO], **fields})

    def reply(self, *pieces: Any) -> list[Json]:
        self.book.reply(*pieces)
        return self.heard()

    def served(self) -> list[Json]:
        """A whole good reply to the last request."""
        book = self.book
        return self.reply(book.head(SSE), book.data(CREATED + COMPLETED), book.end())

    def heard(self) -> list[Json]:
        return self.client.read(self.book.read())

    @property
    def request(self) -> http.Request:
        """The last request that was ready to leave."""
        return self.book.upstream[-1].flow.request


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_the_upgrade_is_an_exchange_of_its_own_and_leaves_nothing_behind(talk: Talk) -> None:
    assert talk.opened.startswith("http/1.1 101 ")
    assert "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=" in talk.opened
    assert "content-length" not in talk.opened
    assert talk.book.upstream == []
    assert talk.book.layer.streams == {}


def test_a_message_is_a_post_of_its_own_with_every_hook(talk: Talk) -> None:
    talk.create(store=False)
    assert talk.book.hooked == ["requestheaders", "request", "korproxy_upstream"]
    request = talk.request
    assert (request.method, request.path) == ("POST", "/v1/responses")
    body = json.loads(request.content or b"")
    assert body == {"model": "m", "input": [HELLO], "store": False, "stream": True}
    assert request.headers["content-length"] == str(len(request.content or b""))
    assert request.headers["accept"] == "text/event-stream"
    assert request.headers["session-id"] == "s1"
    for name in ("upgrade", "connection", "sec-websocket-key", "openai-beta", "x-request-id"):
        assert name not in request.headers


def test_every_post_brings_the_key_of_the_opening(talk: Talk) -> None:
    """Though the flow of the one before hides it."""
    seen: list[str] = []

    def look(flow: http.HTTPFlow) -> None:
        seen.append(flow.request.headers["authorization"])
        accept(flow)

    talk.book.hooks["requestheaders"] = look
    for _ in range(2):
        talk.create()
        talk.served()
    assert seen == ["Bearer secret", "Bearer secret"]


def test_events_come_back_one_by_one_and_the_exchange_is_closed(talk: Talk) -> None:
    talk.create()
    book = talk.book
    assert [it["type"] for it in talk.reply(book.head(SSE))] == ["korproxy.exchange"]
    assert [it["type"] for it in talk.reply(book.data(CREATED))] == ["response.created"]
    assert [it["type"] for it in talk.reply(book.data(COMPLETED))] == ["response.completed"]
    assert talk.reply(book.end()) == []
    assert book.hooked[-2:] == ["responseheaders", "response"]
    assert book.layer.streams == {}
    assert not book.closed()


def test_the_next_message_goes_on_from_the_reply(talk: Talk) -> None:
    talk.create()
    item = {"type": "message", "role": "assistant", "content": []}
    done = b"data: " + json.dumps({"type": "response.output_item.done", "item": item}).encode()
    book = talk.book
    talk.reply(book.head(SSE), book.data(done + b"\n\n" + COMPLETED), book.end())
    talk.create(previous_response_id="resp_1")
    assert json.loads(talk.request.content or b"")["input"] == [HELLO, item, HELLO]


def test_a_refusal_by_an_addon_is_an_error_and_the_socket_stays(talk: Talk) -> None:
    def refuse(flow: http.HTTPFlow) -> None:
        flow.response = http.Response.make(403, b'{"error":{"message":"no"}}', {"retry-after": "1"})

    talk.book.hooks["requestheaders"] = refuse
    (said,) = talk.create()
    assert (said["type"], said["status"], said["error"]["message"]) == ("error", 403, "no")
    assert talk.book.upstream == []
    talk.book.hooks["requestheaders"] = accept
    talk.create()
    assert talk.served()[-1]["type"] == "response.completed"


def test_the_history_hears_how_each_request_went() -> None:
    refusals = PlainRefusals(10_000, 4_000)
    talk = Talk(refusals)
    for _ in range(2):
        talk.create()
        talk.reply(talk.book.head(status=500), talk.book.data(b"{}"), talk.book.end())
    assert refusals.sockets.is_failing("s1")
    talk.create()
    talk.served()
    assert not refusals.sockets.is_failing("s1")


def test_a_reply_that_breaks_off_closes_the_socket(talk: Talk) -> None:
    """No event says that it ended, so the client does not take it for a whole one."""
    talk.create()
    assert talk.reply(talk.book.head(SSE), talk.book.data(CREATED), talk.book.cut())
    assert talk.client.kinds == ["korproxy.exchange", "response.created"]
    assert talk.client.close == (1011, "the reply broke off")
    assert talk.book.closed()


def test_a_sign_of_life_is_a_ping(talk: Talk) -> None:
    talk.create()
    talk.reply(talk.book.head(SSE), talk.book.data(b": keep-alive\n\n"))
    assert (talk.client.kinds, talk.client.pings) == (["korproxy.exchange"], 1)


def test_messages_wait_until_the_one_before_is_answered(talk: Talk) -> None:
    create = {"type": "response.create", "model": "m"}
    talk.ask({**create, "input": "1"}, {**create, "input": "2"}, {**create, "input": "3"})
    assert len(talk.book.upstream) == 1
    talk.served()
    assert len(talk.book.upstream) == 2
    talk.served()
    assert [json.loads(it.flow.request.content or b"")["input"][0]["content"] for it in talk.book.upstream] == [
        "1", "2", "3",
    ]  # fmt: skip


def test_only_so_many_messages_may_wait(talk: Talk) -> None:
    for _ in range(WAITING_MESSAGES + 1):
        talk.create()
    assert not talk.book.closed()
    talk.create()
    assert talk.client.close == (1008, "one response at a time")
    assert talk.book.upstream[0].stream.gone


def test_a_client_that_leaves_takes_its_request_with_it(talk: Talk) -> None:
    talk.create()
    talk.book.leave()
    assert talk.book.upstream[0].stream.gone
    assert "error" in talk.book.hooked
    assert talk.book.closed()


def test_a_client_that_closes_is_answered_and_takes_its_request_with_it(talk: Talk) -> None:
    talk.create()
    talk.book.send(talk.client.frame(CloseConnection(code=1000)))
    talk.heard()
    assert talk.client.close == (1000, "")
    assert talk.book.upstream[0].stream.gone
    assert talk.book.closed()


def test_a_ping_of_the_client_is_answered(talk: Talk) -> None:
    talk.book.send(talk.client.frame(Ping(payload=b"x")))
    talk.heard()
    assert talk.client.pongs == 1


def test_a_message_in_pieces_is_one_message(talk: Talk) -> None:
    text = json.dumps({"type": "response.create", "model": "m", "input": "grüße"})
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    last = len(pieces) - 1
    frames = [
        talk.client.frame(TextMessage(data=piece, message_finished=at == last))
        for at, piece in enumerate(pieces)
    ]
    data = b"".join(frames)
    talk.book.send(*(data[at : at + 5] for at in range(0, len(data), 5)))
    assert json.loads(talk.request.content or b"")["input"][0]["content"] == "grüße"


def test_a_message_over_the_limit_closes_the_socket() -> None:
    talk = Talk(PlainRefusals(200, 4_000))
    talk.create(instructions="x" * 200)
    assert talk.client.close == (1009, "the message is too big")
    assert talk.book.upstream == []


def test_bytes_are_no_message(talk: Talk) -> None:
    talk.book.send(talk.client.frame(BytesMessage(data=b"{}")))
    talk.heard()
    assert talk.client.close == (1003, "messages are text")


def test_what_is_no_frame_closes_the_socket(talk: Talk) -> None:
    talk.book.send(b"GET / HTTP/1.1\r\n\r\n")
    talk.heard()
    assert talk.client.close is not None
    assert talk.client.close[0] == 1002
    talk.book.send(b"more")
    assert talk.heard() == []


def test_what_is_no_request_is_refused_in_words_and_the_socket_stays(talk: Talk) -> None:
    (said,) = talk.ask("no json")
    assert (said["type"], said["status"]) == ("error", 400)
    talk.create()
    assert len(talk.book.upstream) == 1


def test_a_gateway_that_is_to_end_closes_the_socket_after_the_reply(talk: Talk) -> None:
    """`connection: close` on a reply says so over HTTP; the client comes again and finds the successor."""
    talk.create()
    book = talk.book
    head = book.head(SSE, ("connection", "close"))
    said = talk.reply(head, book.data(CREATED + COMPLETED), book.end())
    assert said[-1]["type"] == "response.completed"
    assert talk.client.close == (1012, "the gateway restarts")
    assert book.closed()


def test_a_first_message_right_behind_the_opening_is_read() -> None:
    book, client = (
        Playbook(PlainRefusals(10_000, 4_000), {"requestheaders": accept}),
        SocketClient(),
    )
    message = client.message({"type": "response.create", "model": "m", "input": "at once"})
    book.send(opening(HOST) + message)
    assert len(book.upstream) == 1
