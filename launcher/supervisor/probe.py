"""One health question, asked as a tool would ask: over TCP, at the gateway's own address."""

import asyncio
import time

from msgspec import DecodeError, ValidationError, json
from pydantic import ValidationError as HealthInvalid

from korproxy_addons.control.health import Health
from launcher.supervisor.signals import Answered, Missed

TIMEOUT_S = 2.0
_MOST_BYTES = 4 * 1024 * 1024


async def ask_health(host: str, port: int, timeout_s: float = TIMEOUT_S) -> Answered | Missed:
    """
    Ask the gateway how it is.

    Args:
        host: Address to connect to.
        port: Its TCP port.
        timeout_s: For all of it.
    """
    started = time.monotonic()
    try:
        async with asyncio.timeout(timeout_s):
            body = await _fetch(host, port)
        health = Health.model_validate(json.decode(body))
    except TimeoutError:
        return Missed(f"it does not answer (waited {timeout_s:g} s)")
    except OSError as error:
        return Missed(f"it cannot be reached: {error.strerror or type(error).__name__}")
    except (HealthInvalid, DecodeError, ValidationError, ValueError):
        return Missed("somebody else answers at its address")
    latency_s = time.monotonic() - started
    return Answered(health.instance, latency_s, health.in_flight, health.draining)


async def _fetch(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        shown = f"[{host}]" if ":" in host else host
        writer.write(
            f"GET /_korproxy/health HTTP/1.1\r\nhost: {shown}:{port}\r\n"
            "connection: close\r\n\r\n".encode()
        )
        reply = await reader.read(_MOST_BYTES)
        while part := await reader.read(_MOST_BYTES):
            reply += part
            if len(reply) > _MOST_BYTES:
                raise ValueError("too long")
    finally:
        writer.close()
    head, _, body = reply.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise ValueError("no health page")
    return body
