"""Providers' hosts on loopback, with a certificate and a clock of their own, and a company's proxy that re-signs what passes."""

import ssl
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Host:
    """
    Answers HEAD, and CONNECT by playing every host itself, as an inspecting proxy does.

    Args:
        tls: Certificate to show; None: plain HTTP.
        date: The time that it tells, Unix seconds; None: it tells none.
        connect: Status of the answer to CONNECT; with 200 `inside` is shown to the client.
        inside: Certificate of the hosts behind it.
        silent: Close each connection without an answer.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        *,
        date: float | None = 0.0,
        connect: int = 200,
        inside: ssl.SSLContext | None = None,
        silent: bool = False,
    ) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: Any) -> None:
                """Nothing."""

            def do_HEAD(self) -> None:
                host.seen.append((f"HEAD {self.path}", dict(self.headers)))
                if silent:
                    self.close_connection = True
                    return
                self.send_response_only(404)
                if date is not None:
                    self.send_header("date", formatdate(date, usegmt=True))
                self.end_headers()

            def do_CONNECT(self) -> None:
                host.seen.append((f"CONNECT {self.path}", dict(self.headers)))
                self.send_response_only(connect)
                self.end_headers()
                if connect != 200 or inside is None:
                    self.close_connection = True
                    return
                try:
                    within = inside.wrap_socket(self.connection, server_side=True)
                except OSError:  # the client does not trust us
                    self.close_connection = True
                    return
                outer = self.rfile, self.wfile
                with within, within.makefile("rb") as heard, within.makefile("wb") as said:
                    self.rfile, self.wfile = heard, said
                    self.handle_one_request()
                self.rfile, self.wfile = outer
                self.close_connection = True

        class Server(ThreadingHTTPServer):
            daemon_threads = False  # all of them have ended when it is closed

            def get_request(self) -> tuple[Any, Any]:
                connection, address = super().get_request()
                if tls is not None:
                    connection.settimeout(5.0)
                    connection = tls.wrap_socket(
                        connection, server_side=True, do_handshake_on_connect=False
                    )
                return connection, address

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that does not trust us ends the handshake."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def port(self) -> int:
        """Where it listens on loopback."""
        return int(self._server.server_address[1])

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
