"""
Every internal of mitmproxy 12.2 that `gateway/` relies on, by name.

When one of these fails after an upgrade, read what changed before anything else: the rest of the tests may well pass while
the gateway is open to something that mitmproxy used to stop.
"""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from mitmproxy import addonmanager, connection, hooks, http, log, master, optmanager, version
from mitmproxy.addons import errorcheck, proxyserver
from mitmproxy.coretypes import multidict
from mitmproxy.net import tls as net_tls
from mitmproxy.net.http import status_codes
from mitmproxy.proxy import commands, context, events, layer, mode_servers, server
from mitmproxy.proxy.layers import ClientTLSLayer
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers.http import _base, _events, _hooks, _http1
from mitmproxy.proxy.layers.modes import ReverseProxy
from mitmproxy.proxy.mode_specs import ProxyMode, ReverseMode
from mitmproxy.proxy.utils import ReceiveBuffer
from mitmproxy.test import tflow
from mitmproxy.utils import asyncio_utils, signals

from korproxy_addons.gateway.front import OPTIONS
from support.playbook import Playbook


def context_of_a_client() -> context.Context:
    return Playbook().layer.context.fork()


def test_it_is_the_version_the_gateway_was_written_for() -> None:
    """A change here is a change of everything below: `gateway/fastpath.py` names it too."""
    assert version.VERSION.startswith("12.2.")


SIGNATURES: list[tuple[Callable[..., Any], str]] = [
    (http_layers.HttpLayer.__init__, "(self, context, mode)"),
    (http_layers.HttpLayer._handle_event, "(self, event)"),
    (http_layers.HttpLayer.event_to_child, "(self, child, event)"),
    (http_layers.HttpLayer.make_stream, "(self, stream_id)"),
    (http_layers.HttpLayer.get_connection, "(self, event, *, reuse)"),
    (http_layers.HttpStream.__init__, "(self, context, stream_id)"),
    (http_layers.HttpStream.state_wait_for_request_headers, "(self, event)"),
    (http_layers.HttpStream.state_consume_request_body, "(self, event)"),
    (http_layers.HttpStream.state_wait_for_response_headers, "(self, event)"),
    (http_layers.HttpStream.state_stream_response_body, "(self, event)"),
    (http_layers.HttpStream.start_request_stream, "(self)"),
    (http_layers.HttpStream.start_response_stream, "(self)"),
    (http_layers.HttpStream.check_body_size, "(self, request)"),
    (http_layers.HttpStream.check_killed, "(self, emit_error_hook)"),
    (http_layers.HttpStream.send_response, "(self, already_streamed)"),
    (http_layers.HttpStream.flow_done, "(self)"),
    (http_layers.HttpStream.handle_protocol_error, "(self, event)"),
    (http_layers.HttpStream.make_server_connection, "(self)"),
    (_http1.Http1Server.__init__, "(self, context)"),
    (_http1.Http1Server.read_headers, "(self, event)"),
    (_http1.Http1Server.read_body, "(self, event)"),
    (_http1.Http1Server.wait, "(self, event)"),
    (_http1.Http1Server.done, "(self, event)"),
    (_http1.Http1Server.make_pipe, "(self)"),
    (_http1.should_make_pipe, "(request, response)"),
    (_http1.Http1Server.send, "(self, event)"),
    (_base.HttpConnection.__init__, "(self, context, conn)"),
    (_base.ReceiveHttp.__init__, "(self, event)"),
    (_events.RequestProtocolError.__init__, "(self, stream_id, message, code)"),
    (_events.ResponseProtocolError.__init__, "(self, stream_id, message, code)"),
    (_events.ResponseHeaders.__init__, "(self, stream_id, response, end_stream)"),
    (_events.ResponseData.__init__, "(self, stream_id, data)"),
    (_events.ResponseEndOfMessage.__init__, "(self, stream_id)"),
    (_events.RequestHeaders.__init__, "(self, stream_id, request, end_stream, replay_flow)"),
    (_events.RequestData.__init__, "(self, stream_id, data)"),
    (_events.RequestEndOfMessage.__init__, "(self, stream_id)"),
    (http_layers.DropStream.__init__, "(self, stream_id)"),
    (http_layers.SendHttp.__init__, "(self, event, connection)"),
    (http_layers.GetHttpConnectionCompleted.__init__, "(self, command, reply)"),
    (server.ConnectionHandler.server_event, "(self, event)"),
    (server.ConnectionHandler.drain_writers, "(self)"),
    (server.TimeoutWatchdog.disarm, "(self)"),
    (addonmanager.AddonManager.register, "(self, addon)"),
    (addonmanager.AddonManager.remove, "(self, addon)"),
    (addonmanager.AddonManager.clear, "(self)"),
    (addonmanager.AddonManager.trigger_event, "(self, event)"),
    (addonmanager.AddonManager.handle_lifecycle, "(self, event)"),
    (addonmanager.AddonManager._iter_hooks, "(self, addon, event)"),
    (addonmanager.safecall, "()"),
    (addonmanager.traverse, "(chain)"),
    (asyncio_utils.create_task, "(coro, *, name, keep_ref, client)"),
    (net_tls.starts_like_tls_record, "(d)"),
    (context.Context.fork, "(self)"),
    (errorcheck.ErrorCheck.__init__, "(self, repeat_errors_on_stderr)"),
]


@pytest.mark.parametrize(
    ("function", "expected"), SIGNATURES, ids=[it.__qualname__ for it, _ in SIGNATURES]
)
def test_a_function_takes_what_it_took(function: Callable[..., Any], expected: str) -> None:
    parameters = inspect.signature(function).parameters.values()
    shown: list[str] = []
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        shown.append(parameter.name)
    assert f"({', '.join(shown)})" == expected


GENERATORS = [
    http_layers.HttpLayer._handle_event,
    http_layers.HttpLayer.event_to_child,
    http_layers.HttpLayer.make_stream,
    http_layers.HttpLayer.get_connection,
    http_layers.HttpStream.check_body_size,
    http_layers.HttpStream.check_killed,
    http_layers.HttpStream.send_response,
    http_layers.HttpStream.flow_done,
    http_layers.HttpStream.start_request_stream,
    http_layers.HttpStream.start_response_stream,
    http_layers.HttpStream.handle_protocol_error,
    _http1.Http1Server.read_headers,
    _http1.Http1Server.read_body,
    _http1.Http1Server.send,
    _http1.Http1Server.make_pipe,
]


@pytest.mark.parametrize("function", GENERATORS, ids=lambda it: it.__qualname__)
def test_a_method_is_a_generator_of_commands(function: Callable[..., Any]) -> None:
    assert inspect.isgeneratorfunction(inspect.unwrap(function))


@pytest.mark.parametrize(
    "name",
    ["state_errored", "state_done", "state_consume_request_body", "state_consume_response_body"],
)
def test_a_stream_has_its_states(name: str) -> None:
    assert callable(getattr(http_layers.HttpStream, name))


def test_a_stream_holds_its_request_while_it_comes() -> None:
    stream = http_layers.HttpStream(context_of_a_client(), 1)
    assert isinstance(stream.request_body_buf, ReceiveBuffer)
    stream.request_body_buf += b"abc"
    assert len(stream.request_body_buf) == 3
    stream.request_body_buf.clear()
    assert len(stream.request_body_buf) == 0
    assert stream.client_state == stream.server_state == stream.state_uninitialized


def test_the_layer_s_tables() -> None:
    it = http_layers.HttpLayer(context_of_a_client(), http_layers.HTTPMode.transparent)
    assert (it.streams, it.connections, it.command_sources) == ({}, {}, {})


def test_a_blocking_command_pauses_its_layer_alone_and_events_wait() -> None:
    """`GatewayStream` yields hooks in its own states and counts on it."""

    class Asking(layer.Layer):
        def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
            if isinstance(event, events.Start):
                yield _hooks.HttpRequestHook(tflow.tflow())
                yield commands.Log("after")
            else:
                yield commands.Log("event")

    it = Asking(context_of_a_client())
    (hook,) = it.handle_event(events.Start())
    assert isinstance(hook, _hooks.HttpRequestHook)
    assert vars(hook)["blocking"] is it
    assert list(it.handle_event(events.ConnectionClosed(it.context.client))) == []
    shown = [
        command.message
        for command in it.handle_event(events.HookCompleted(hook))
        if isinstance(command, commands.Log)
    ]
    assert shown == ["after", "event"]


def test_a_hook_that_does_not_block_is_a_plain_command() -> None:
    assert commands.StartHook.blocking is True
    assert commands.StartHook.__mro__[1:3] == (commands.Command, hooks.Hook)


def test_a_flow_that_is_held_back_says_so() -> None:
    """The fast path waits for it as `ProxyConnectionHandler.handle_hook` does."""
    flow = tflow.tflow()
    assert flow.intercepted is False
    assert inspect.iscoroutinefunction(flow.wait_for_resume)
    source = inspect.getsource(mode_servers.ProxyConnectionHandler.handle_hook)
    assert "await data.wait_for_resume()" in source
    assert "await self.server_event(events.HookCompleted(hook))" in inspect.getsource(
        server.ConnectionHandler.hook_task
    )


def test_what_the_quick_objects_are_put_in_place_of() -> None:
    assert http.Headers.__mro__[1:3] == (multidict.MultiDict, multidict._MultiDict)
    assert vars(multidict._MultiDict).keys().isdisjoint({"get", "__contains__"})
    assert optmanager._Option.__slots__ == (
        "name", "typespec", "value", "_default", "choices", "help",
    )  # fmt: skip
    assert optmanager._Option("x", int, 1, "", None).value is optmanager.unset
    assert "__post_init__" in vars(http.MessageData)
    assert set(vars(context_of_a_client())) == {"client", "options", "server", "layers"}


def test_an_exception_in_an_addon_is_logged_by_this_logger_and_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """All that mitmproxy tells of it; `gateway/addon_failures.py` listens there."""
    with addonmanager.safecall():
        int("no number")
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("mitmproxy.addonmanager", "ERROR")
    assert record.exc_info is not None


def test_a_hook_is_asked_for_its_arguments_before_each_call() -> None:
    source = inspect.getsource(addonmanager.AddonManager.invoke_addon)
    assert "func(*event.args())" in source


def test_which_errors_have_a_status() -> None:
    """`GatewayHttp1Server.send` words those that have one, and cuts at the others."""
    found = {code.name: code.http_status_code() for code in _events.ErrorCode}
    assert found["GENERIC_CLIENT_ERROR"] == found["REQUEST_VALIDATION_FAILED"] == 400
    assert found["DESTINATION_UNKNOWN"] == 400
    assert found["GENERIC_SERVER_ERROR"] == found["RESPONSE_VALIDATION_FAILED"] == 502
    assert found["KILL"] is found["CLIENT_DISCONNECTED"] is None
    assert len(found) == 13


def test_the_reader_s_state_is_a_method_and_its_bytes_a_buffer_of_h11() -> None:
    reader = _http1.Http1Server(context_of_a_client())
    list(reader.handle_event(events.Start()))
    assert reader.state == reader.read_headers
    assert (reader.stream_id, reader.request, reader.response) == (1, None, None)
    reader.buf += b"abc"
    assert bytes(reader.buf) == b"abc"
    assert bytes(reader.buf.maybe_extract_at_most(2) or b"") == b"ab"
    assert len(reader.buf) == 1


def test_the_reader_itself_sends_only_its_page_of_an_error() -> None:
    """`read_headers` of ours takes any `SendData` for that page."""
    reader = _http1.Http1Server(context_of_a_client())
    list(reader.handle_event(events.Start()))
    found = list(reader.handle_event(events.DataReceived(reader.conn, b"nonsense\r\n\r\n")))
    assert [type(it) for it in found] == [commands.SendData, commands.CloseConnection, commands.Log]


def test_the_reader_gives_up_on_trailers_with_this_exception() -> None:
    reader = _http1.Http1Server(context_of_a_client())
    list(reader.handle_event(events.Start()))
    head = b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
    with pytest.raises(NotImplementedError):
        list(reader.handle_event(events.DataReceived(reader.conn, head + b"0\r\na: b\r\n\r\n")))


def test_an_empty_piece_still_ends_a_chunked_body() -> None:
    """The reason why nothing of ours hands one on; when this fails, the care can go."""
    reader = _http1.Http1Server(context_of_a_client())
    reader.response = http.Response.make(200, b"", {"transfer-encoding": "chunked"})
    (command,) = reader.send(_events.ResponseData(1, b""))
    assert isinstance(command, commands.SendData)
    assert command.data == b"0\r\n\r\n"


def test_a_response_s_stream_is_false_true_or_a_function() -> None:
    response = http.Response.make(200)
    assert response.stream is False
    response.stream = lambda data: data
    assert callable(response.stream)
    assert "stream" not in response.get_state()


def test_what_a_client_connection_says_of_itself() -> None:
    client = context_of_a_client().client
    assert client.tls is False
    assert isinstance(client.proxy_mode, ReverseMode)
    assert connection.ConnectionState.CAN_WRITE & connection.ConnectionState.OPEN
    assert client.sockname == ("127.0.0.1", 1337)


def test_a_connection_is_a_key_by_itself() -> None:
    one, other = (connection.Server(address=("h", 1)) for _ in range(2))
    assert one != other
    assert len({one, other}) == 2


def test_how_a_handler_is_found_and_what_it_holds() -> None:
    """`LayerSink` writes to its transports."""
    assert proxyserver.Proxyserver().connections == {}
    fields = list(inspect.signature(server.ConnectionIO).parameters)
    assert fields == ["handler", "reader", "writer"]
    assert server.ConnectionHandler.__annotations__["transports"]
    assert server.ConnectionHandler.__annotations__["timeout_watchdog"]
    assert issubclass(mode_servers.ProxyConnectionHandler, server.LiveConnectionHandler)
    assert status_codes.RESPONSES[429] == "Too Many Requests"


def test_a_handler_is_registered_under_its_client_s_id() -> None:
    source = inspect.getsource(mode_servers.AsyncioServerInstance.handle_stream)
    assert "register_connection(handler.layer.context.client.id, handler)" in source


def test_the_next_layer_is_asked_for_with_these_things_in_hand() -> None:
    asked = layer.NextLayer(context_of_a_client())
    assert asked.layer is None
    asked.events.append(events.DataReceived(asked.context.client, b"\x16\x03\x01"))
    assert asked.data_client() == b"\x16\x03\x01"
    assert net_tls.starts_like_tls_record(asked.data_client())
    assert not net_tls.starts_like_tls_record(b"GET")
    assert issubclass(ClientTLSLayer, layer.Layer)
    assert issubclass(ReverseProxy, layer.Layer)


def test_the_options_the_gateway_sets_exist() -> None:
    async def names() -> set[str]:
        it = master.Master(None)
        it.addons.add(proxyserver.Proxyserver())
        it._legacy_log_events.uninstall()
        return set(it.options.keys())

    assert OPTIONS.keys() <= asyncio.run(names())


def test_the_legacy_log_can_be_taken_off_twice() -> None:
    """Once by the fast path, once by the master when it ends."""

    async def twice() -> None:
        it = master.Master(None)
        assert isinstance(it._legacy_log_events, log.LegacyLogEvents)
        it._legacy_log_events.uninstall()
        it._legacy_log_events.uninstall()

    asyncio.run(twice())


def test_a_signal_holds_its_receivers_weakly_and_calls_them_by_name() -> None:
    """So the fast path's receiver is kept by the manager, and its parameter is named `updated`."""

    class Receiver:
        def __init__(self) -> None:
            self.got: list[set[str]] = []

        def receive(self, updated: set[str]) -> None:
            self.got.append(updated)

    signal = signals.SyncSignal(lambda updated: None)
    kept = Receiver()
    signal.connect(kept.receive)
    signal.connect(Receiver().receive)
    signal.send(updated={"a"})
    assert kept.got == [{"a"}]


def test_the_mode_s_name() -> None:
    mode = ProxyMode.parse("reverse:http://korproxy.invalid@127.0.0.1:1337")
    assert isinstance(mode, ReverseMode)
    assert mode.address == ("korproxy.invalid", 80)
