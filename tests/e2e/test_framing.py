"""Requests that two readers could take for different ones: refused in JSON or hung up on, never passed on."""

import json
import socket
import ssl

import pytest

from korproxy_addons.errors import catalogue
from support.asking import question
from support.gateway import SimulatedGateway, StockMitmdump
from support.raw_http import RawConnection, asked, head

pytestmark = pytest.mark.e2e

CHAT = question("openai-chat", "qwen3.8-max", "[[sim text=Aye]]")
BODY = json.dumps(CHAT.body).encode()
SIZE = str(len(BODY))
START = f"POST {CHAT.path} HTTP/1.1"
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
SECOND = head(START, {"Host": "127.0.0.1:PORT", "Content-Length": SIZE}) + BODY


def post(*fields: str, start: str = START, body: bytes = BODY) -> bytes:
    """A request that would be answered but for `fields` or its start; `PORT` stands for the port."""
    lines = [start, "Host: 127.0.0.1:PORT", "Content-Type: application/json", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


LENGTH = f"Content-Length: {SIZE}"
CORPUS = {
    "length and chunks": post(LENGTH, "Transfer-Encoding: chunked"),
    "chunks and length": post("Transfer-Encoding: chunked", "Content-Length: 4", body=CHUNKED),
    "chunks and length 0": post("Content-Length: 0", "Transfer-Encoding: chunked", body=CHUNKED),
    "two lengths": post(LENGTH, "Content-Length: 4"),
    "the same length twice": post(LENGTH, LENGTH),
    "a list of lengths": post(f"Content-Length: {SIZE}, 4"),
    "a signed length": post(f"Content-Length: +{SIZE}"),
    "a negative length": post("Content-Length: -1"),
    "a hexadecimal length": post("Content-Length: 0x10"),
    "a length with an underscore": post(f"Content-Length: {SIZE[0]}_{SIZE[1:]}"),
    "no length in it": post("Content-Length: "),
    "chunks twice": post("Transfer-Encoding: chunked, chunked", body=CHUNKED),
    "two transfer codings": post(
        "Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=CHUNKED
    ),
    "an unknown transfer coding": post("Transfer-Encoding: xchunked", body=CHUNKED),
    "a coding behind the chunks": post("Transfer-Encoding: chunked, identity", body=CHUNKED),
    "a coding with a vertical tab": post("Transfer-Encoding: \vchunked", body=CHUNKED),
    "chunks in HTTP/1.0": post(
        "Transfer-Encoding: chunked", start=START.replace("1.1", "1.0"), body=CHUNKED
    ),
    "a folded line": post("X-Folded: one\r\n two", LENGTH),
    "a folded length": post(f"Content-Length:\r\n {SIZE}"),
    "bare line feeds": post(LENGTH).replace(b"\r\n", b"\n"),
    "one bare line feed": post(f"X-A: b\n{LENGTH}"),
    "a bare carriage return": post(f"X-A: b\r{LENGTH}", LENGTH),
    "a NUL in a value": post("X-A: b\0c", LENGTH),
    "a blank before the colon": post(f"Content-Length : {SIZE}"),
    "a blank before the first name": post(LENGTH).replace(b"\r\nHost", b"\r\n Host"),
    "a line without a colon": post("Nonsense", LENGTH),
    "a line without a name": post(": nothing", LENGTH),
    "a name that is no token": post("X(A): b", LENGTH),
    "another host's address": post(LENGTH, start=f"POST http://evil.example{CHAT.path} HTTP/1.1"),
    "another scheme's address": post(
        LENGTH, start=f"POST https://evil.example{CHAT.path} HTTP/1.1"
    ),
    "a provider's address": post(
        LENGTH, start="POST https://api.openai.com/v1/chat/completions HTTP/1.1"
    ),
    "CONNECT": post(start="CONNECT api.openai.com:443 HTTP/1.1", body=b""),
    "CONNECT to us": post(start="CONNECT 127.0.0.1:PORT HTTP/1.1", body=b""),
    "a path without its slash": post(LENGTH, start=START.replace("/v1", "v1", 1)),
    "two blanks": post(LENGTH, start=START.replace(" HTTP", "  HTTP")),
    "no version": post(LENGTH, start=f"POST {CHAT.path}"),
    "version 2.0": post(LENGTH, start=START.replace("1.1", "2.0")),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    "a chunk of no size": post("Transfer-Encoding: chunked", body=b"\r\n" + CHUNKED),
    "a chunk of negative size": post("Transfer-Encoding: chunked", body=b"-1\r\n" + CHUNKED),
    "a chunk of 0x size": post("Transfer-Encoding: chunked", body=b"0x" + CHUNKED),
    "a chunk that is too long": post(
        "Transfer-Encoding: chunked", body=b"2\r\n" + BODY + b"\r\n0\r\n\r\n"
    ),
    "a chunk size without end": post("Transfer-Encoding: chunked", body=b"1" * 100_000),
    "trailers": post("Transfer-Encoding: chunked", body=CHUNKED[:-2] + b"Host: evil\r\n\r\n"),
    "no HTTP at all": b"\0\1\2\3\r\n\r\n",
}


@pytest.mark.parametrize("case", CORPUS)
def test_a_request_that_could_be_read_in_two_ways(either: SimulatedGateway, case: str) -> None:
    """It is refused in JSON or hung up on, and what is smuggled behind it is not served either."""
    port = either.gateway.port
    own = str(port).encode()
    with RawConnection(port) as connection:
        connection.send((CORPUS[case] + SECOND).replace(b"PORT", own))
        reply = connection.reply()
        if reply is not None:
            assert 400 <= reply.status < 500, reply.body
            assert reply.json["error"]["message"]
            assert reply.header("x-korproxy-error").startswith("KP-REQ-")
            assert "mitmproxy" not in reply.body.decode()
        connection.socket.shutdown(socket.SHUT_WR)
        assert b"200 OK" not in connection.rest()
    assert either.sim.ledger.entries == []


def test_the_same_request_well_framed_is_answered(either: SimulatedGateway) -> None:
    """With a length, with chunks, twice on one connection, with our own address as its target: all are sound."""
    port = either.gateway.port
    own = str(port).encode()
    sound = [
        post(LENGTH),
        post("Transfer-Encoding: chunked", body=CHUNKED),
        post("Transfer-Encoding: chunked", body=CHUNKED.replace(b"\r\n", b";name=value\r\n", 1)),
        post(LENGTH, start=f"POST http://127.0.0.1:PORT{CHAT.path} HTTP/1.1"),
        b"\r\n" + post(LENGTH),
        post(LENGTH, start=START.replace("1.1", "1.2")),  # whose connection is not kept
    ]
    with RawConnection(port) as connection:
        for request in sound:
            connection.send(request.replace(b"PORT", own))
            reply = connection.reply()
            assert reply is not None
            assert (reply.status, b"Aye" in reply.body) == (200, True), reply.body
    assert len(either.sim.ledger.entries) == len(sound)


def test_two_requests_sent_at_once_are_two(either: SimulatedGateway) -> None:
    """Each gets its own answer, in order: one upstream request for one client request."""
    port = either.gateway.port
    questions = [json.dumps({**CHAT.body, "n": 1, "messages": [
        {"role": "user", "content": f"[[sim text=number-{number}]]"}]}).encode()
        for number in range(3)]  # fmt: skip
    requests = [post(f"Content-Length: {len(body)}", body=body) for body in questions]
    with RawConnection(port) as connection:
        connection.send(b"".join(requests).replace(b"PORT", str(port).encode()))
        connection.socket.settimeout(20)
        text = b""
        while text.count(b"number-2") < 1:
            text += connection.socket.recv(65_536)
    assert [text.find(b"number-%d" % number) > 0 for number in range(3)] == [True] * 3
    assert text.find(b"number-0") < text.find(b"number-1") < text.find(b"number-2")
    assert len(either.sim.ledger.entries) == 3


@pytest.mark.parametrize("alpn", [["h2", "http/1.1"], ["http/1.1"], []], ids=["h2", "h1", "none"])
def test_behind_tls_the_same_rules_hold(either: SimulatedGateway, alpn: list[str]) -> None:
    """
    Under mitmdump, a client that speaks TLS is served over HTTP/1.1, and its names are checked as any other's.

    The engine has no certificates: it hangs up at once, so that the client can say what is wrong.
    """
    port = either.gateway.port
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the certificate is of an authority made a moment ago
    if alpn:
        context.set_alpn_protocols(alpn)
    if not isinstance(either.gateway, StockMitmdump):
        with (
            socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
            pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"),
        ):
            context.wrap_socket(plain, server_hostname="localhost")
        return
    for name, status in ((f"localhost:{port}", 200), ("evil.example", 421)):
        with (
            socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as client,
        ):
            assert client.selected_alpn_protocol() != "h2"
            client.sendall(head("GET /_korproxy/health HTTP/1.1", {"Host": name}))
            assert client.recv(65_536).startswith(f"HTTP/1.1 {status} ".encode())
    assert either.sim.ledger.entries == []


def test_a_tls_greeting_that_is_none_is_hung_up_on(either: SimulatedGateway) -> None:
    """A record that begins like TLS and is something else ends the connection."""
    with RawConnection(either.gateway.port) as connection:
        connection.send(b"\x16\x03\x01\x00\x05hello" + post(LENGTH))
        assert b"HTTP/1.1 200" not in connection.rest()
    assert either.sim.ledger.entries == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([("X-A", "a" * 100_000)], 431),
        ([(f"X-{number}", "a" * 100) for number in range(2000)], 431),
        ([(f"X-{number}", "a") for number in range(200)], 431),
        ([(f"X-{number}", "a") for number in range(100)], 200),
        ([("X-A", "a" * 30_000)], 200),
    ],
    ids=["one long", "long in all", "too many", "many", "rather long"],
)
def test_a_head_has_its_limits(
    either: SimulatedGateway, fields: list[tuple[str, str]], status: int
) -> None:
    """Too long or too many header lines are 431, before any of them is looked at."""
    port = either.gateway.port
    own = [("Host", f"127.0.0.1:{port}"), ("content-type", "application/json")]
    reply = asked(port, f"POST {CHAT.path}", [*own, *fields], BODY)
    assert reply.status == status
    if status == 431:
        assert reply.header("x-korproxy-error") == catalogue.HEADERS_TOO_LARGE.code
        assert reply.json["error"]["message"]
        assert either.sim.ledger.entries == []


def test_a_path_has_its_limit(either: SimulatedGateway) -> None:
    """So has the request line."""
    port = either.gateway.port
    reply = asked(port, "GET /" + "a" * 100_000, [("Host", f"127.0.0.1:{port}")])
    assert (reply.status, reply.json["error"]["code"]) == (431, catalogue.HEADERS_TOO_LARGE.code)
