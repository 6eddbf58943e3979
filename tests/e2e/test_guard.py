"""Who is let in at all: names, origins, navigations, permissions; a stranger never causes an upstream call."""

import errno
import json
import socket
from collections.abc import Iterator

import pytest

from korproxy_addons.errors import catalogue
from support.asking import CLIENT_KEY, DIALECTS, ask, question, send
from support.gateway import SimulatedGateway
from support.raw_http import RawReply, asked

pytestmark = pytest.mark.e2e

NATIVE = {
    "openai-chat": "qwen3.8-max",
    "openai-responses": "gpt-6.1-sol",
    "anthropic-messages": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}
OWN_PAGES = ("/", "/_korproxy/health", "/metrics")
# A browser's word on a reply, as an upstream might send it for its own origin.
PERMISSIONS = {
    "access-control-allow-origin": "*",
    "access-control-allow-credentials": "true",
    "access-control-allow-private-network": "true",
    "Access-Control-Expose-Headers": "x-korproxy-account",
    "set-cookie": "session=upstream; Path=/",
    "cross-origin-resource-policy": "cross-origin",
    "clear-site-data": '"*"',
    "refresh": "0; url=http://evil.example/",
}


def completion(port: int, fields: list[tuple[str, str]], host: str = "127.0.0.1") -> RawReply:
    """A request that would be answered by a provider, were it not for its headers."""
    chat = question("openai-chat", NATIVE["openai-chat"])
    body = json.dumps(chat.body).encode()
    sent = [*fields, ("content-type", "application/json")]
    return asked(port, f"POST {chat.path}", sent, body, host)


def refused(gateway: SimulatedGateway, reply: RawReply, status: int, code: str) -> None:
    """Assert a refusal in words, permissions for nobody, and that no provider has heard of it."""
    assert (reply.status, reply.header("x-korproxy-error")) == (status, code), reply.body
    assert code in reply.json["error"]["message"]
    no_permission(reply)
    assert gateway.sim.ledger.entries == []


def no_permission(reply: RawReply) -> None:
    """Assert that a browser is allowed nothing by this reply, and told to keep nothing."""
    names = {name for name, _ in reply.fields}
    assert not any(name.startswith(("access-control-", "cross-origin-")) for name in names)
    assert names.isdisjoint({"set-cookie", "clear-site-data", "refresh", "location"})
    assert reply.header("x-content-type-options") == "nosniff"


@pytest.fixture
def port(either: SimulatedGateway) -> int:
    """Of the gateway."""
    return either.gateway.port


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        ("",),
        ("evil.example:PORT",),
        ("127.evil.com:PORT",),
        ("localhost.evil.com:PORT",),
        ("127.0.0.1.nip.io:PORT",),
        ("127.0.0.1:PORT.evil.com",),
        ("evil@127.0.0.1:PORT",),
        ("localhost.:PORT",),
        ("127.0.0.1",),
        ("localhost:1",),
        ("localhost:0PORT",),
        ("127.1:PORT",),
        ("2130706433:PORT",),
        ("127.0.0.2:PORT",),
        ("0.0.0.0:PORT",),
        ("[::]:PORT",),
        ("[::1]",),
        ("::1:PORT",),
        ("[::ffff:127.0.0.1]:PORT",),
        ("[0:0:0:0:0:0:0:1]:PORT",),
        ("[::1%lo]:PORT",),
        ("127.0.0.1:PORT, evil.example",),
        ("127.0.0.1:PORT", "127.0.0.1:PORT"),
        ("127.0.0.1:PORT", "evil.example"),
    ],
    ids=repr,
)
def test_a_name_that_is_not_ours_is_refused(
    either: SimulatedGateway, port: int, hosts: tuple[str, ...]
) -> None:
    """Only the exact names let a request in, once: a rebound name, a missing or a second one is 421."""
    fields = [("Host", it.replace("PORT", str(port))) for it in hosts]
    refused(either, completion(port, fields), 421, catalogue.HOST_REFUSED.code)
    for page in ("/v1/models", *OWN_PAGES):
        refused(either, asked(port, f"GET {page}", fields), 421, catalogue.HOST_REFUSED.code)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_refusal_is_worded_in_the_dialect_of_the_path(
    either: SimulatedGateway, dialect: str
) -> None:
    """A tool with a wrong base URL is told so in words that it can show."""
    reply = ask(either.url, question(dialect, NATIVE[dialect]), host="korproxy.example")
    assert (reply.status, reply.headers["x-korproxy-error"]) == (421, catalogue.HOST_REFUSED.code)
    error = reply.json["error"]
    assert "korproxy.example" in error["message"]
    assert (reply.json.get("type") == "error") == (dialect == "anthropic-messages")
    assert ("status" in error) == (dialect == "gemini")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost", "[::1]"])
def test_our_own_names_are_let_in(either: SimulatedGateway, port: int, name: str) -> None:
    """Every name of the loopback works with the port, in any case."""
    assert completion(port, [("Host", f"{name}:{port}")]).status == 200


def test_both_loopbacks_listen_and_nothing_else_does(either: SimulatedGateway, port: int) -> None:
    """A tool may resolve `localhost` to either address; a neighbour on the network reaches neither."""
    loopbacks: tuple[str, ...] = ("127.0.0.1",)
    if "hosts" in either.gateway.ready:  # elsewhere it is mitmdump's options that say where
        # A container may have no IPv6; then there is nobody whom that address could serve.
        loopbacks += ("::1",) if has_ipv6() else ()
        assert tuple(either.gateway.ready["hosts"]) == loopbacks
    for address in loopbacks:
        for name in ("127.0.0.1", "[::1]", "localhost"):
            assert completion(port, [("Host", f"{name}:{port}")], address).status == 200
    for address in own_addresses():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, port), timeout=5)


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    with socket.socket(socket.AF_INET6) as probe:
        return probe.connect_ex(("::1", 9)) in (0, errno.ECONNREFUSED)


def own_addresses() -> Iterator[str]:
    """This machine's addresses that others could use; none where it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: only the way there is looked up
        except OSError:
            return
        yield probe.getsockname()[0]


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://evil.example",
        "http://evil.example:PORT",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://127.0.0.1:PORT.evil.example",
        "http://127.0.0.1:PORT@evil.example",
        "https://127.0.0.1:1",
        "file://",
        "chrome-extension://abcdefghijklmnop",
        "ftp://127.0.0.1:PORT",
        "127.0.0.1:PORT",
    ],
)
def test_a_page_from_elsewhere_is_refused(either: SimulatedGateway, port: int, origin: str) -> None:
    """Whatever method and path it tries: an `Origin` that is not ours is 403."""
    fields = [("Host", f"127.0.0.1:{port}"), ("Origin", origin.replace("PORT", str(port)))]
    refused(either, completion(port, fields), 403, catalogue.ORIGIN_REFUSED.code)
    own = ("Origin", f"http://127.0.0.1:{port}")
    refused(either, completion(port, [own, *fields]), 403, catalogue.ORIGIN_REFUSED.code)
    for page in ("/v1/models", *OWN_PAGES):
        refused(either, asked(port, f"GET {page}", fields), 403, catalogue.ORIGIN_REFUSED.code)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "", "anything"])
def test_a_browser_that_says_so_itself_is_believed(
    either: SimulatedGateway, port: int, site: str
) -> None:
    """No `Origin` comes with an image or a script, but `Sec-Fetch-Site` does."""
    fields = [("Host", f"127.0.0.1:{port}"), ("Sec-Fetch-Site", site)]
    refused(either, completion(port, fields), 403, catalogue.ORIGIN_REFUSED.code)
    refused(either, asked(port, "GET /v1/models", fields), 403, catalogue.ORIGIN_REFUSED.code)


def test_our_own_origin_is_let_in(either: SimulatedGateway, port: int) -> None:
    """A page of the gateway's own may ask it, as may a program that sends none of these headers."""
    for own in ((), (("Origin", f"http://localhost:{port}"), ("Sec-Fetch-Site", "same-origin"))):
        assert completion(port, [("Host", f"localhost:{port}"), *own]).status == 200


@pytest.mark.parametrize(
    "origin", [None, "http://127.0.0.1:PORT", "http://evil.example"], ids=["none", "own", "foreign"]
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/_korproxy/health", "*"])
def test_no_preflight_is_granted(
    either: SimulatedGateway, port: int, path: str, origin: str | None
) -> None:
    """Whoever asks for permission gets none, so that a page's own headers or JSON cannot be sent at all."""
    fields = [
        ("Host", f"127.0.0.1:{port}"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type, authorization"),
        ("Access-Control-Request-Private-Network", "true"),
    ]
    if origin is not None:
        fields.append(("Origin", origin.replace("PORT", str(port))))
    reply = asked(port, f"OPTIONS {path}", fields)
    assert reply.status in ((403,) if origin == "http://evil.example" else (404, 405))
    no_permission(reply)
    assert either.sim.ledger.entries == []


@pytest.mark.parametrize(
    "fields",
    [
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "nested-navigate"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Dest": "image"},
    ],
    ids=lambda it: "-".join(it.values()),
)
def test_a_browser_is_never_shown_what_came_from_a_provider(
    either: SimulatedGateway, port: int, fields: dict[str, str]
) -> None:
    """Even an address that somebody typed: a provider's words would be a page of our origin."""
    own = {"Host": f"127.0.0.1:{port}", **fields}
    refused(either, completion(port, list(own.items())), 403, catalogue.ORIGIN_REFUSED.code)
    for path in ("/v1/models", "/v1beta/models", "/v1/responses", "/"):
        reply = asked(port, f"GET {path}", own)
        if path == "/":
            assert reply.status == 200
            no_permission(reply)
        else:
            assert reply.status == 403
    assert either.sim.ledger.entries == []


def test_the_page_for_people_runs_nothing(either: SimulatedGateway, port: int) -> None:
    """Who opens the address in a browser reads where to point a tool, and no script can be in that page."""
    fields = {"Host": f"localhost:{port}", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
    reply = asked(port, "GET /", fields)
    assert (reply.status, reply.header("content-type")) == (200, "text/html; charset=utf-8")
    assert f"http://localhost:{port}/v1".encode() in reply.body
    assert "default-src 'none'" in reply.header("content-security-policy")


@pytest.mark.parametrize("kind", ["whole", "stream", "crossing", "error", "models"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_an_upstream_permits_a_browser_is_not_passed_on(
    either: SimulatedGateway, dialect: str, kind: str
) -> None:
    """Its cookies and permissions are for its own origin; on ours they would open the gateway to every page."""
    if kind == "error":
        either.sim.script("status", status=400, headers=PERMISSIONS)
    else:
        either.sim.script("headers", headers=PERMISSIONS, count=None)
    other = "gemini" if dialect == "openai-chat" else "openai-chat"
    model = NATIVE[other if kind == "crossing" else dialect]
    asking = question(dialect, model, stream=kind == "stream")
    if kind == "models":
        path = "/v1beta/models" if dialect == "gemini" else "/v1/models"
        reply = send(either.url, "GET", path, None, asking.headers)
    else:
        reply = ask(either.url, asking)
        sent = either.sim.wait(lambda entries: bool(entries) and entries[-1].finished)
        assert sent[-1].verdict in ("headers", "status")
    assert reply.status == (400 if kind == "error" else 200)
    fields = tuple(reply.headers.items())
    no_permission(RawReply(reply.status, fields, reply.body))
    assert "upstream" not in reply.headers.get("set-cookie", "")


def test_the_gateways_own_replies_permit_nothing(either: SimulatedGateway, port: int) -> None:
    """Pages, errors, refusals: none says a word to a browser."""
    host = ("Host", f"127.0.0.1:{port}")
    for start in (*(f"GET {page}" for page in OWN_PAGES), "GET /nothing", "DELETE /v1/messages"):
        no_permission(asked(port, start, [host]))
        no_permission(asked(port, start, [host, ("Authorization", f"Bearer {CLIENT_KEY}")]))
