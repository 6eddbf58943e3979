import asyncio
import gc
import weakref

import pytest
from mitmproxy import options
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.master import Master
from mitmproxy.proxy import events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.layers import ClientTLSLayer, TCPLayer
from mitmproxy.proxy.layers.modes import ReverseProxy, TransparentProxy
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import taddons, tflow

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
from support.flows import client_flow
from support.front_door import front_door
from support.playbook import PlainRefusals, client_connection

HELLO = b"\x16\x03\x01\x00\x05\x01\x00"


def asked(data: bytes, *, behind: type = ReverseProxy) -> NextLayer:
    """What an addon is asked when a connection has sent `data`."""
    context = Context(client_connection(), options.Options())
    behind(context)
    found = NextLayer(context)
    if data:
        found.events.append(events.DataReceived(context.client, data))
    return found


def chosen(found: NextLayer, *, with_tls: bool = True) -> object:
    addons = [Proxyserver(), TlsConfig()] if with_tls else [Proxyserver()]
    with taddons.context(*addons):
        choose_layer(found, PlainRefusals())
    return type(found.layer)


def test_a_connection_gets_the_gateway_s_layer() -> None:
    found = asked(b"GET / HTTP/1.1\r\n")
    assert chosen(found) is GatewayLayer
    assert [type(it) for it in found.context.layers] == [ReverseProxy, GatewayLayer]


def test_what_mitmproxy_chose_before_is_taken_back() -> None:
    found = asked(b"GET / HTTP/1.1\r\n")
    found.layer = TCPLayer(found.context)
    assert chosen(found) is GatewayLayer
    assert [type(it) for it in found.context.layers] == [ReverseProxy, GatewayLayer]


def test_a_client_that_speaks_tls_is_spoken_to_in_tls_first() -> None:
    found = asked(HELLO)
    assert chosen(found) is ClientTLSLayer


def test_where_nobody_can_speak_tls_it_is_a_bad_request() -> None:
    assert chosen(asked(HELLO), with_tls=False) is GatewayLayer


def test_behind_tls_is_the_gateway_whatever_the_first_bytes_look_like() -> None:
    found = asked(HELLO)
    tls = ClientTLSLayer(found.context)
    tls.tls = object()  # type: ignore[assignment]
    assert chosen(found) is GatewayLayer
    assert [type(it) for it in found.context.layers] == [ReverseProxy, ClientTLSLayer, GatewayLayer]


def test_a_connection_that_has_said_nothing_waits() -> None:
    assert chosen(asked(b"")) is type(None)


def test_another_mode_of_the_same_mitmproxy_is_left_alone() -> None:
    found = asked(b"GET / HTTP/1.1\r\n", behind=TransparentProxy)
    assert chosen(found) is type(None)
    regular = tflow.tflow()
    regular.client_conn.proxy_mode = ProxyMode.parse("regular")
    assert not is_gateway_flow(regular)
    assert is_gateway_flow(client_flow())


def test_the_options_are_set() -> None:
    with taddons.context(Proxyserver()) as context:
        context.options.update(keep_host_header=False, http2=True)
        set_options()
        assert {name: getattr(context.options, name) for name in OPTIONS} == OPTIONS


def test_listeners_are_told_and_the_master_ends() -> None:
    async def run() -> None:
        async with front_door(lambda *_: asyncio.sleep(0)) as door:
            assert listening_on() == [("127.0.0.1", door.port)]
        master = Master(options.Options())
        running = asyncio.create_task(master.run())
        await asyncio.sleep(0)
        shut_down()
        async with asyncio.timeout(10):
            await running

    asyncio.run(run())


def test_a_task_is_kept_while_it_runs() -> None:
    """The loop alone holds it weakly, and nobody else need hold it."""

    async def run() -> None:
        done = asyncio.Event()
        go_on: asyncio.Future[None] = asyncio.Future()
        waiting = weakref.ref(go_on)

        async def work(until: asyncio.Future[None]) -> None:
            await until
            done.set()

        assert start_task(work(go_on), "a name").get_name().startswith("a name")
        await asyncio.sleep(0)
        del go_on
        gc.collect()
        again = waiting()
        assert again is not None
        again.set_result(None)
        async with asyncio.timeout(10):
            await done.wait()

    asyncio.run(run())


@pytest.mark.parametrize("name", ["keep_host_header", "validate_inbound_headers"])
def test_what_guards_the_door_is_on(name: str) -> None:
    assert OPTIONS[name] is True
