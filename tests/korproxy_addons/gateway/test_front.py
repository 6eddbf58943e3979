import asyncio
from collections.abc import Iterator

import pytest
from mitmproxy import http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.proxy import commands, events, layers
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import Layer, NextLayer
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import taddons, tflow

from korproxy_addons.gateway.fastpath import CachedDispatch
from korproxy_addons.gateway.front import (
    OPTIONS,
    choose_layer,
    is_gateway_flow,
    listening_on,
    set_options,
    shut_down,
    start_task,
)
from korproxy_addons.gateway.layer import GatewayLayer
from support.playbook import MODE, PlainRefusals, client_connection

HTTP = b"POST /v1/messages HTTP/1.1\r\n"
CLIENT_HELLO = bytes.fromhex("160301")


@pytest.fixture
def master() -> Iterator[taddons.context]:
    """A mitmproxy that can speak TLS, as stock ones can."""
    with taddons.context(Proxyserver(), TlsConfig()) as context:
        yield context


def asked(
    master: taddons.context, data: bytes, *behind: type[Layer], mode: str = MODE
) -> NextLayer:
    """The question which layer is next on a connection whose client has sent `data`."""
    client = client_connection()
    client.proxy_mode = ProxyMode.parse(mode)
    context = Context(client, master.options)
    first = layers.modes.ReverseProxy if mode == MODE else layers.modes.HttpProxy
    first(context)
    for layer in behind:
        layer(context)
    question = NextLayer(context)
    if data:
        question.events = [events.DataReceived(client, data)]
    return question


def chosen(question: NextLayer) -> Layer | None:
    choose_layer(question, PlainRefusals())
    return question.layer


def test_what_the_gateway_cannot_do_without_is_set(master: taddons.context) -> None:
    set_options()
    assert {name: getattr(master.options, name) for name in OPTIONS} == OPTIONS
    assert OPTIONS["http2"] is False
    assert OPTIONS["keep_host_header"] is True


def test_a_plain_connection_gets_the_gateways_layer(master: taddons.context) -> None:
    assert isinstance(chosen(asked(master, HTTP)), GatewayLayer)


class Counts:
    """Counts the hooks it hears of."""

    def __init__(self) -> None:
        self.heard = 0

    def requestheaders(self, _flow: http.HTTPFlow) -> None:
        self.heard += 1


@pytest.mark.parametrize("planned", [False, True])
def test_with_the_fast_path_the_layer_handles_hooks_itself(
    master: taddons.context,
    planned: bool,
) -> None:
    """Without it each hook goes out, for mitmproxy to make a task of it."""
    counts = Counts()
    master.master.addons.add(counts)
    if planned:
        CachedDispatch(master.master).install()
    question = asked(master, HTTP)
    question.context.server.address = ("korproxy.invalid", 80)
    layer = chosen(question)
    assert layer is not None
    list(layer.handle_event(events.Start()))
    head = HTTP + b"host: localhost:1337\r\ncontent-length: 5\r\n\r\n"
    said = layer.handle_event(events.DataReceived(question.context.client, head))
    hooks = [it.name for it in said if isinstance(it, commands.StartHook)]
    assert (hooks, counts.heard) == (([], 1) if planned else (["requestheaders"], 0))


def test_nothing_is_chosen_before_the_client_has_said_a_word(master: taddons.context) -> None:
    assert chosen(asked(master, b"")) is None


def test_what_mitmproxy_put_there_itself_gives_way(master: taddons.context) -> None:
    """Its guess from the first bytes may be a layer that knows nothing of us."""
    question = asked(master, HTTP, layers.TCPLayer)
    layer = chosen(question)
    assert isinstance(layer, GatewayLayer)
    assert [type(it) for it in question.context.layers[:2]] == [
        layers.modes.ReverseProxy,
        GatewayLayer,
    ]
    assert not any(isinstance(it, layers.TCPLayer) for it in question.context.layers)


def test_a_client_that_speaks_tls_is_met_with_it(master: taddons.context) -> None:
    assert isinstance(chosen(asked(master, CLIENT_HELLO)), layers.ClientTLSLayer)


def test_without_an_addon_for_tls_there_is_none() -> None:
    with taddons.context(Proxyserver()) as bare:
        assert isinstance(chosen(asked(bare, CLIENT_HELLO)), GatewayLayer)


def test_a_connection_of_another_mode_is_left_alone(master: taddons.context) -> None:
    question = asked(master, HTTP, mode="regular")
    assert chosen(question) is None
    flow = tflow.tflow()
    for mode, ours in (("regular", False), (MODE, True)):
        flow.client_conn.proxy_mode = ProxyMode.parse(mode)
        assert is_gateway_flow(flow) is ours


def test_a_task_runs_in_the_masters_loop_and_is_not_lost(master: taddons.context) -> None:
    async def run() -> list[int]:
        done: list[int] = []

        async def work() -> None:
            done.append(1)

        await start_task(work(), "test's")
        return done

    assert asyncio.run(run()) == [1]


def test_the_listeners_are_known_once_they_listen(master: taddons.context) -> None:
    async def run() -> list[tuple[str, int]]:
        master.options.mode = ["reverse:http://korproxy.invalid@127.0.0.1:0"]
        server: Proxyserver = master.master.addons.get("proxyserver")
        assert await server.setup_servers()
        try:
            return listening_on()
        finally:
            await server.servers.update([])

    assert listening_on() == []
    ((host, port),) = asyncio.run(run())
    assert host == "127.0.0.1"
    assert port > 0


def test_the_master_ends_when_told_to(
    master: taddons.context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(master.master, "shutdown", lambda: ended.append(1))
    shut_down()
    assert ended == [1]
