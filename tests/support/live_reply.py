"""A reply that is read while it comes."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import urlsplit

from korproxy_addons.dialects import dialect
from support.asking import TIMEOUT_S, Question, Response, question
from support.gateway import SimulatedGateway

_ANOTHER = "qwen@qwen-api-key/qwen3.8-max"
_BEATS = 3
_PATIENCE_S = 60.0


class LiveReply:
    """
    A question that has been sent.

    >>> with LiveReply(gateway.url, question(...)) as live:
    ...     live.hear(b": keep-alive", 3)
    ...     live.rest().body

    Args:
        url: The gateway's root.
        asked: What is asked.
        headers: More of them.
    """

    def __init__(self, url: str, asked: Question, **headers: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=TIMEOUT_S
        )
        fields = {"content-type": "application/json", **asked.headers, **headers}
        self._connection.request("POST", asked.path, json.dumps(asked.body), fields)
        self._reply: http.client.HTTPResponse | None = None
        self._body = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Hang up."""
        if self._reply is not None:
            self._reply.close()
        self._connection.close()

    def begin(self) -> None:
        """Wait for its head: whoever answers is decided now."""
        self._head()

    def hear(self, beat: bytes, count: int) -> None:
        """Read until `count` more beats have come."""
        reply, before = self._head(), self._body.count(beat)
        while self._body.count(beat) < before + count:
            piece = reply.read1(1 << 16)
            assert piece, f"ended without them: {self._body!r}"
            self._body += piece

    def rest(self) -> Response:
        """All of it."""
        reply = self._head()
        self._body += reply.read()
        fields = {name.lower(): value for name, value in reply.getheaders()}
        return Response(reply.status, fields, self._body)

    def _head(self) -> http.client.HTTPResponse:
        if self._reply is None:
            self._reply = self._connection.getresponse()
        return self._reply


def broken_off(gateway: SimulatedGateway, asked: Question, fault: str, **words: Any) -> Response:
    """
    The reply of a provider that fails when its client has begun to hear it; a moment before, another would be asked.

    Args:
        asked: Wants a stream.
        fault: What the simulator does: `cut`, `drop`, `reset` or `error-mid-stream`.
        words: See `launcher.simulator.faults`.
    """
    gateway.sim.hold()  # also where something was let go before
    gateway.sim.script(fault, held=True, **words)
    with LiveReply(gateway.url, asked) as live:
        live.begin()
        gateway.sim.release()
        return live.rest()


@contextmanager
def a_slow_answer(gateway: SimulatedGateway, **fault: int) -> Iterator[None]:
    """
    The next answer comes when a neighbour, who asks Qwen for something behind it, has been sent some beats.

    Whoever waits for that answer, on the same gateway and with no more patience, was kept waiting for longer.

    Args:
        gateway: Gives nobody up so soon.
        fault: What takes the answer's place (`status`).
    """
    beat = dialect("openai-chat").keep_alive()

    def neighbour() -> None:
        gateway.sim.wait(lambda entries: any(it.verdict == "held" for it in entries), _PATIENCE_S)
        gateway.sim.script("held", operation="generate")
        with LiveReply(gateway.url, question("openai-chat", _ANOTHER, stream=True)) as live:
            live.hear(beat, _BEATS)
            gateway.sim.release()
            live.rest()

    gateway.sim.hold()
    gateway.sim.script("held", operation="generate", **fault)
    with ThreadPoolExecutor(1) as other:
        heard = other.submit(neighbour)
        yield
        heard.result()
