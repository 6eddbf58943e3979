"""
A client stream of mitmproxy whose upstream leg is one non-blocking hook.

mitmproxy reads the client, runs the addons and keeps the flow. Where it would open an upstream connection,
`GatewayLayer` hands the stream a virtual one: the finished request becomes a single `UpstreamHook`, and a task of ours
feeds the reply back as `LegEvent`s. The proxy core is never paused, so a client that leaves is noticed at once.

Everything here leans on internals of mitmproxy 12.2; `tests/korproxy_addons/gateway/test_internals.py` names each one.
"""

from dataclasses import dataclass
from typing import Any

from mitmproxy import http
from mitmproxy.connection import Server
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import (
    GetHttpConnection,
    GetHttpConnectionCompleted,
    HttpLayer,
    HTTPMode,
)
from mitmproxy.proxy.layers.http._base import HttpConnection, HttpEvent
from mitmproxy.proxy.layers.http._events import RequestEndOfMessage, RequestProtocolError

from korproxy_addons.gateway.fastpath import Begin, Unfinished
from korproxy_addons.gateway.messages import open_server
from korproxy_addons.gateway.reader import Commands, GatewayHttp1Server, Refusals
from korproxy_addons.gateway.stream import GatewayStream

__all__ = [
    "GatewayLayer",
    "GatewayStream",
    "LegEvent",
    "Refusals",
    "UpstreamHook",
    "UpstreamRequest",
    "VirtualUpstream",
]


@dataclass
class UpstreamRequest:
    """A request that is ready to leave: its flow, and the stream to feed the reply to."""

    flow: http.HTTPFlow
    stream: GatewayStream
    server: Server


@dataclass
class UpstreamHook(commands.StartHook):
    """
    The whole request is here: the hook starts the task that owns the upstream leg, and returns.

    Non-blocking, so that mitmproxy goes on listening to the client while the task works.
    """

    name = "korproxy_upstream"
    blocking = False
    request: UpstreamRequest


@dataclass
class LegEvent(events.Event):
    """One piece of the reply, on its way from the leg's task into the client's stream."""

    http: HttpEvent


class VirtualUpstream(HttpConnection):
    """What mitmproxy takes for the upstream connection: collects the request's events, then fires the hook once."""

    def __init__(self, context: Context, server: Server, stream: GatewayStream) -> None:
        super().__init__(context, server)
        self._server = server
        self._stream = stream

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, RequestEndOfMessage):
            yield UpstreamHook(UpstreamRequest(self._stream.flow, self._stream, self._server))
        elif isinstance(event, RequestProtocolError):
            self._stream.client_gone()
        # The head and the body are in the flow already: nothing to do until the request is whole.


class GatewayLayer(HttpLayer):
    """
    HTTP towards the client as mitmproxy does it; towards the provider, our own leg.

    Args:
        begin: Handles a hook at once; None: each is handed to mitmproxy, which makes a task of it.
    """

    def __init__(self, context: Context, refusals: Refusals, begin: Begin | None = None) -> None:
        super().__init__(context, HTTPMode.transparent)
        self._refusals = refusals
        self._begin = begin

    def handle_event(self, event: events.Event) -> Commands:
        if self._begin is None:
            yield from super().handle_event(event)
            return
        if isinstance(event, events.HookCompleted) and isinstance(event.command, Unfinished):
            event = events.HookCompleted(event.command.hook)
        waiting = [event]
        for next_event in waiting:
            for command in super().handle_event(next_event):
                if not isinstance(command, commands.StartHook):
                    yield command
                elif (left := self._begin(command)) is not None:
                    yield left
                elif command.blocking:
                    # Its layer goes on when all that this event has brought is done, as after a task.
                    waiting.append(events.HookCompleted(command))

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, LegEvent):
            stream = self.streams.get(event.http.stream_id)
            if stream is not None:
                yield from self.event_to_child(stream, event.http)
            return
        if isinstance(event, events.Start):
            self.connections[self.context.client] = GatewayHttp1Server(
                self.context.fork(), self._refusals
            )
        yield from super()._handle_event(event)

    def make_stream(self, stream_id: int) -> Commands:
        stream = GatewayStream(self.context.fork(), stream_id, self._refusals)
        reader = self.connections[self.context.client]
        stream.over_socket = isinstance(reader, GatewayHttp1Server) and reader.socket is not None
        self.streams[stream_id] = stream
        yield from self.event_to_child(stream, events.Start())

    def get_connection(self, event: GetHttpConnection, *, reuse: bool = True) -> Commands:  # noqa: ARG002
        # Whatever was to be reused: one virtual connection per request and none kept, as a long keep-alive connection
        # must not collect them.
        stream: Any = self.command_sources.pop(event)
        server = open_server(event.address)
        for connection in [c for c in self.connections if isinstance(c, Server)]:
            del self.connections[connection]
        self.connections[server] = VirtualUpstream(self.context.fork(), server, stream)
        yield from self.event_to_child(stream, GetHttpConnectionCompleted(event, (server, None)))
