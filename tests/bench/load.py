"""
The benchmark's client: `python load.py PORT CLIENTS REQUESTS json|stream keep|new` prints one JSON object of timings.

Raw sockets and no library, so that what is measured is the server. `first_*` is the time to the first byte, `total_*` to
the last.
"""

import asyncio
import json
import statistics
import sys
import time
from dataclasses import dataclass, field

PROMPT = "x" * 700
_END_OF_CHUNKS = b"0\r\n\r\n"


@dataclass
class Timings:
    """What was measured, in milliseconds."""

    first: list[float] = field(default_factory=list)
    total: list[float] = field(default_factory=list)


def request(port: int, *, stream: bool, keep: bool) -> bytes:
    """The request's bytes."""
    body = json.dumps(
        {
            "model": "claude-sonnet-5-5",
            "max_tokens": 1024,
            **({"stream": True} if stream else {}),
            "messages": [{"role": "user", "content": PROMPT}],
        },
        separators=(",", ":"),
    ).encode()
    connection = "keep-alive" if keep else "close"
    head = (
        f"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nx-api-key: k\r\n"
        "anthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n"
        f"connection: {connection}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def one(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes, timings: Timings
) -> None:
    """One request on an open connection."""
    started_s = time.perf_counter()
    writer.write(data)
    first = await reader.read(65_536)
    timings.first.append((time.perf_counter() - started_s) * 1000)
    head, _, body = first.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(first[:500])
    lower = head.lower()
    if b"chunked" in lower:
        while not body.endswith(_END_OF_CHUNKS):
            # Only the end is looked at: five bytes of what came before may hold its beginning.
            piece = await reader.read(65_536)
            if not piece:
                raise RuntimeError("cut")
            body = body[-5:] + piece
    else:
        length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += await reader.read(65_536)
    timings.total.append((time.perf_counter() - started_s) * 1000)


async def client(port: int, count: int, *, stream: bool, keep: bool, timings: Timings) -> None:
    """`count` requests, one after the other."""
    data = request(port, stream=stream, keep=keep)
    if keep:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            await one(reader, writer, data, timings)
        writer.close()
        return
    for _ in range(count):
        started_s = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        opened_ms = (time.perf_counter() - started_s) * 1000
        await one(reader, writer, data, timings)
        timings.first[-1] += opened_ms
        timings.total[-1] += opened_ms
        writer.close()


async def main(port: int, clients: int, requests: int, *, stream: bool, keep: bool) -> None:
    """Run, and print the result."""
    timings = Timings()
    started_s = time.perf_counter()
    each = requests // clients
    await asyncio.gather(
        *(client(port, each, stream=stream, keep=keep, timings=timings) for _ in range(clients))
    )
    duration_s = time.perf_counter() - started_s
    first = statistics.quantiles(timings.first, n=100)
    total = statistics.quantiles(timings.total, n=100)
    result = {
        "first_p50_ms": first[49],
        "first_p95_ms": first[94],
        "total_p50_ms": total[49],
        "total_p99_ms": total[98],
        "per_s": len(timings.total) / duration_s,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    port, clients, requests, kind, connections = sys.argv[1:]
    run = main(
        int(port), int(clients), int(requests), stream=kind == "stream", keep=connections == "keep"
    )
    try:
        import uvloop

        uvloop.run(run)
    except ImportError:
        asyncio.run(run)
