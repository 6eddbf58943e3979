"""An address that notes whatever comes: where nothing should, or where it matters what does."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

TIMEOUT_S = 30.0
CHAT_REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_790_000_000,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Aye"},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


@dataclass(frozen=True, slots=True)
class Heard:
    """One request, as it came."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        """All of it, for looking for what should not be in it."""
        return f"{self.method} {self.target}\n{self.headers}\n{self.body.decode('latin-1')}"


@dataclass(slots=True)
class Answer:
    """
    What every request is answered.

    Attributes:
        when: Nothing is said before this is set.
    """

    status: int = 200
    body: bytes = json.dumps(CHAT_REPLY).encode()
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    when: threading.Event | None = None


class Listener:
    """
    An HTTP server on 127.0.0.1: `with Listener() as it: ...; it.heard`.

    Attributes:
        answer: What it says to everything.
        pages: What it says to a path instead.
    """

    def __init__(self) -> None:
        self.answer = Answer()
        self.pages: dict[str, Answer] = {}
        self._heard: list[Heard] = []
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.listener = self  # type: ignore[attr-defined]  # how its handlers find us
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Its port."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """Its root URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def heard(self) -> list[Heard]:
        """Everything so far."""
        with self._changed:
            return list(self._heard)

    def forget(self) -> None:
        """Begin anew: nothing heard, the ordinary answer to everything."""
        with self._changed:
            self._heard.clear()
        self.answer = Answer()

    def wait(self, target: str, timeout_s: float = TIMEOUT_S) -> Heard:
        """
        The first request for `target`, once it is there.

        Raises:
            TimeoutError: it did not come.
        """

        def found() -> Heard | None:
            return next((it for it in self._heard if it.target == target), None)

        with self._changed:
            if not self._changed.wait_for(found, timeout_s):
                raise TimeoutError(f"nobody asked for {target}: {self._heard}")
            came = found()
        assert came is not None
        return came

    def note(self, heard: Heard) -> None:
        """Take down a request."""
        with self._changed:
            self._heard.append(heard)
            self._changed.notify_all()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nobody's trouble."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10.0  # a connection left open does not keep the test

    def do_POST(self) -> None:
        listener: Listener = self.server.listener  # type: ignore[attr-defined]  # see Listener
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = tuple(self.headers.items())
        listener.note(Heard(self.command, self.path, headers, body))
        answer = listener.pages.get(self.path, listener.answer)
        if answer.when is not None:
            answer.when.wait(TIMEOUT_S)
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_PUT = do_OPTIONS = do_POST  # noqa: N815 - names that http.server asks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name given by http.server
        pass
