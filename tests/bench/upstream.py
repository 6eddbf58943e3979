"""
The benchmark's provider: answers at once, with as little work as Python can do.

`python upstream.py` prints its port. A body with `"stream":true` in it gets 200 events, any other one a JSON message of 1 kB.
"""

import asyncio

EVENTS = 200
TEXT = "a few words of an answer, "
_DELTA = (
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    f'"delta":{{"type":"text_delta","text":"{TEXT}"}}}}\n\n'
)
_START = (
    'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",'
    '"model":"claude-sonnet-5-5","content":[],"stop_reason":null,"stop_sequence":null,'
    '"usage":{"input_tokens":10,"output_tokens":1}}}\n\n'
)
_OPEN = (
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
    '"content_block":{"type":"text","text":""}}\n\n'
)
_CLOSE = 'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
_END = (
    'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
    '"usage":{"output_tokens":400}}\n\n'
)
_STOP = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_STREAM = [_START, _OPEN, *[_DELTA] * (EVENTS - 5), _CLOSE, _END, _STOP]
_BODY = (
    '{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[{"type":"text","text":"'
    + TEXT * 32
    + '"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":200}}'
).encode()
WHOLE = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_BODY)
) + _BODY
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_CHUNKS = [b"%x\r\n%s\r\n" % (len(event), event) for event in (it.encode() for it in _STREAM)]


class Provider(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(rest) < length:
                return
            body, self._buffer = rest[:length], rest[length:]
            self._answer(streamed=b'"stream":true' in body)

    def _answer(self, *, streamed: bool) -> None:
        if not streamed:
            self._transport.write(WHOLE)
            return
        self._transport.write(_HEAD)
        for chunk in _CHUNKS:
            self._transport.write(chunk)
        self._transport.write(b"0\r\n\r\n")


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
