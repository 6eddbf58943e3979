"""
A conversation with `GatewayLayer` without sockets: bytes of the client in, what mitmproxy would do out.

Hooks are answered as a master answers them: the test's functions see the data, then the layer goes on.
"""

from collections.abc import Callable
from typing import Any

from mitmproxy import connection, http, options
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.mode_specs import ProxyMode

from korproxy_addons.gateway.fastpath import Unfinished
from korproxy_addons.gateway.layer import GatewayLayer, LegEvent, UpstreamHook, UpstreamRequest
from korproxy_addons.gateway.messages import headers_of, new_response
from korproxy_addons.gateway.socket_history import SocketHistory

type HookFunction = Callable[[Any], None]

MODE = "reverse:http://korproxy.invalid@127.0.0.1:1337"


class PlainRefusals:
    """Answers that tests recognise."""

    def __init__(self, body_bytes: int = 100, header_bytes: int = 1000) -> None:
        self.body_bytes = body_bytes
        self.header_bytes = header_bytes
        self.heads: list[bytes] = []
        self.sockets = SocketHistory()

    def body_limit_bytes(self, flow: http.HTTPFlow) -> int:
        return self.body_bytes

    def header_limit_bytes(self) -> int:
        return self.header_bytes

    def message_limit_bytes(self) -> int:
        return self.body_bytes

    def body_too_large(self, flow: http.HTTPFlow) -> http.Response:
        return http.Response.make(413, b'{"refused":"body"}')

    def addon_failed(self, flow: http.HTTPFlow) -> http.Response:
        return http.Response.make(500, b'{"refused":"addon"}')

    def bad_framing(self, head: bytes, status: int, message: str) -> http.Response:
        self.heads.append(head)
        return http.Response.make(status, b'{"refused":"framing"}', {"x-why": message})


def client_connection() -> connection.Client:
    """A client that came in by the gateway's door."""
    return connection.Client(
        peername=("127.0.0.1", 50000),
        sockname=("127.0.0.1", 1337),
        timestamp_start=0.0,
        state=ConnectionState.OPEN,
        proxy_mode=ProxyMode.parse(MODE),
    )


class Playbook:
    """
    One client connection.

    Args:
        refusals: What the layer asks for an answer.
        hooks: By name, what is called with a hook's data.
        at_once: Hooks are handled by the layer itself, as with the fast path.
        set_options: Options of mitmproxy that differ from the default.

    Attributes:
        written: What the client was sent since `read` was called last.
        hooked: Names of the hooks that fired, in their order.
        upstream: The requests that were ready to leave.
        held: Names of hooks that stay unanswered until `let_go`.
    """

    def __init__(
        self,
        refusals: PlainRefusals | None = None,
        hooks: dict[str, HookFunction] | None = None,
        *,
        at_once: bool = False,
        **set_options: Any,
    ) -> None:
        opts = options.Options()
        Proxyserver().load(opts)
        opts.update(
            keep_host_header=True, connection_strategy="lazy", websocket=False, rawtcp=False
        )
        opts.update(**set_options)
        self.client = client_connection()
        context = Context(self.client, opts)
        context.server.address = ("korproxy.invalid", 80)
        self.refusals = refusals or PlainRefusals()
        self.layer = GatewayLayer(context, self.refusals, self._begin if at_once else None)
        self.hooks = hooks or {}
        self.written = b""
        self._closed = False
        self.hooked: list[str] = []
        self.upstream: list[UpstreamRequest] = []
        self.held: set[str] = set()
        self._waiting: list[commands.StartHook] = []
        self._tell(events.Start())

    # The client

    def send(self, *data: bytes) -> None:
        """Bytes of the client, each as one read."""
        for piece in data:
            if not self._closed:
                self._tell(events.DataReceived(self.client, piece))

    def leave(self) -> None:
        """The client closes its connection."""
        self.client.state &= ~ConnectionState.CAN_READ
        self._tell(events.ConnectionClosed(self.client))

    def read(self) -> bytes:
        """What was written to the client since the last call."""
        written, self.written = self.written, b""
        return written

    def closed(self) -> bool:
        """Whether the connection was closed from our side."""
        return self._closed

    # The leg

    def reply(self, *pieces: HttpEvent) -> None:
        """Feed the reply to the last request that left."""
        for piece in pieces:
            self._tell(LegEvent(piece))

    def head(self, *fields: tuple[str, str], status: int = 200) -> ResponseHeaders:
        """A reply's head."""
        response = new_response(status, headers_of(fields))
        return ResponseHeaders(self._stream_id, response, end_stream=False)

    def data(self, data: bytes) -> ResponseData:
        """A piece of a reply's body."""
        return ResponseData(self._stream_id, data)

    def end(self) -> ResponseEndOfMessage:
        """The end of a reply."""
        return ResponseEndOfMessage(self._stream_id)

    def cut(self) -> ResponseProtocolError:
        """A reply that breaks off."""
        return ResponseProtocolError(self._stream_id, "cut", ErrorCode.GENERIC_SERVER_ERROR)

    @property
    def _stream_id(self) -> int:
        return self.upstream[-1].stream.stream_id

    # mitmproxy's part

    def let_go(self) -> None:
        """Answer the hooks that were held."""
        waiting, self._waiting = self._waiting, []
        self.held.clear()
        for hook in waiting:
            self._tell(events.HookCompleted(hook))

    def _tell(self, event: events.Event) -> None:
        queue = [event]
        while queue:
            for command in self.layer.handle_event(queue.pop(0)):
                queue += self._do(command)

    def _do(self, command: commands.Command) -> list[events.Event]:
        match command:
            case commands.SendData():
                if not self._closed:
                    self.written += command.data
            case commands.CloseConnection():
                if command.connection is not self.client or self._closed:
                    return []  # mitmproxy drops what is for a connection that it does not hold
                self._closed = True
                self.client.state = ConnectionState.CLOSED
                return [events.ConnectionClosed(self.client)]
            case UpstreamHook():
                self.hooked.append(command.name)
                self.upstream.append(command.request)
            case commands.StartHook():
                return self._hook(command)
            case commands.Log():
                pass
            case _:
                raise AssertionError(f"unexpected: {command}")
        return []

    def _begin(self, hook: commands.StartHook) -> Unfinished | None:
        """A hook that is held is kept waiting."""
        if not self._do(hook) and hook.blocking:
            self._waiting.remove(hook)
            left = Unfinished(_nothing(), hook)
            left.blocking = hook.blocking
            return left
        return None

    def _hook(self, hook: commands.StartHook) -> list[events.Event]:
        if isinstance(hook, Unfinished):
            hook.rest.close()
            self._waiting.append(hook)
            return []
        self.hooked.append(hook.name)
        if hook.name in self.hooks:
            self.hooks[hook.name](*hook.args())
        if hook.name in self.held:
            self._waiting.append(hook)
            return []
        return [events.HookCompleted(hook)] if hook.blocking else []


async def _nothing() -> None:
    """What is left of a hook that nobody waits for in here."""
