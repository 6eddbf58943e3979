"""The client sink behind which mitmproxy's own layers carry the reply."""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from mitmproxy import ctx, http
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler

from korproxy_addons.gateway.layer import LegEvent, UpstreamRequest
from korproxy_addons.gateway.messages import headers_of, new_response
from korproxy_addons.gateway.sink import HeaderFields

_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class ClientGoneError(Exception):
    """The connection this request came over no longer exists."""


class LayerSink:
    """
    Feeds one reply to a `GatewayStream`.

    Body bytes that nothing on the way wants to see are written to the client's transport directly, framed as the head
    promised: the layer stack costs more per event than all the rest.

    It leans on internals of mitmproxy 12.2; `tests/korproxy_addons/gateway/test_internals.py` names each one.
    """

    def __init__(self, request: UpstreamRequest, handler: ProxyConnectionHandler) -> None:
        self._flow = request.flow
        self._stream = request.stream
        self._handler = handler
        self._committed = False
        self._chunked = False
        self._until_close = False
        self._direct = False
        # What an addon put in the reply's place while it saw the head.
        self._replacement: bytes | None = None
        self._head_written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gone_callbacks: list[Callable[[], None]] = []
        self._stream.on_gone = self._client_gone
        self._stream.on_head_written = self._wrote_head

    @classmethod
    def of(cls, request: UpstreamRequest) -> "LayerSink":
        """
        The sink of a request whose hook just fired.

        Raises:
            ClientGoneError: the client's connection was closed in between.
        """
        proxyserver = ctx.master.addons.get("proxyserver")
        handler = proxyserver.connections.get(request.flow.client_conn.id)
        if handler is None or request.stream.gone:
            raise ClientGoneError
        return cls(request, handler)

    @property
    def gone(self) -> bool:
        return self._stream.gone

    @property
    def committed(self) -> bool:
        return self._committed

    def when_gone(self, callback: Callable[[], None]) -> None:
        if self.gone:
            callback()
        else:
            self._gone_callbacks.append(callback)

    def watch_paused(self) -> AbstractContextManager[None]:
        """A context in which the client connection's inactivity watchdog is off: a model may think for long."""
        return self._handler.timeout_watchdog.disarm()

    async def head(self, status: int, headers: HeaderFields) -> None:
        self._committed = True
        if self.gone:
            return
        response = new_response(status, headers_of(headers))
        frame_for(self._flow.request, response)
        await self._feed(ResponseHeaders(self._stream.stream_id, response, end_stream=False))
        if not self.gone:
            await self._head_written
        sent = self._flow.response
        if sent is None or self.gone:
            return
        if sent is not response and not sent.stream:
            self._replacement = sent.raw_content or b""
            return
        self._chunked = sent.headers.get("transfer-encoding", "") == "chunked"
        self._until_close = not self._chunked and "content-length" not in sent.headers
        # Behind TLS, and on a WebSocket, only the layers know how to write.
        plain = not self._flow.client_conn.tls and not self._stream.over_socket
        direct = sent.stream is True and plain
        self._direct = direct and not ctx.options.store_streamed_bodies

    async def data(self, chunk: bytes) -> None:
        if self.gone or not chunk or self._replacement is not None:
            # An empty chunk would end a chunked body.
            return
        writer = self._writer() if self._direct else None
        if writer is None:
            await self._feed(ResponseData(self._stream.stream_id, chunk))
        elif not writer.is_closing():
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk) if self._chunked else chunk)
        await self._handler.drain_writers()

    async def end(self) -> None:
        if not self.gone:
            if self._replacement:
                await self._feed(ResponseData(self._stream.stream_id, self._replacement))
            await self._feed(ResponseEndOfMessage(self._stream.stream_id))

    async def cut(self, reason: str) -> None:
        if self._replacement is not None:
            await self.end()
        elif not self.gone:
            if self._until_close:
                self._reset_on_close()
            await self._feed(
                ResponseProtocolError(
                    self._stream.stream_id, reason, ErrorCode.GENERIC_SERVER_ERROR
                )
            )

    def _writer(self) -> asyncio.StreamWriter | None:
        transport = self._handler.transports.get(self._flow.client_conn)
        writer = transport.writer if transport is not None else None
        return writer if isinstance(writer, asyncio.StreamWriter) else None

    def _reset_on_close(self) -> None:
        # A body that lasts until the connection ends is whole for the client, unless the end is a reset.
        writer = self._writer()
        client = writer.get_extra_info("socket") if writer is not None else None
        if client is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)

    async def _feed(self, event: HttpEvent) -> None:
        await self._handler.server_event(LegEvent(event))

    def _wrote_head(self) -> None:
        if not self._head_written.done():
            self._head_written.set_result(None)

    def _client_gone(self) -> None:
        self._wrote_head()
        callbacks, self._gone_callbacks = self._gone_callbacks, []
        for callback in callbacks:
            callback()


def frame_for(request: http.Request, response: http.Response) -> None:
    """
    Give `response` the body framing this client can read: its own length, else chunks, else the end of the connection.

    HTTP/1.0 knows no chunks; a reply to HEAD has no body whatever its headers say.
    """
    headers = response.headers
    if "content-length" in headers or request.method == "HEAD":
        return
    if request.http_version == "HTTP/1.0":
        headers["connection"] = "close"
    elif response.status_code not in (204, 304):
        headers["transfer-encoding"] = "chunked"
