import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.api_client import ApiClient, launcher_of
from launcher.single_instance import Reach, SingleInstance

heard: list[tuple[str, str, str, bytes]] = []
replies: list[tuple[int, bytes]] = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        heard.append((self.command, self.path, self.headers["authorization"], body))
        status, said = replies.pop(0)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(said)

    do_POST = do_GET  # noqa: N815 - named so by its base class

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[ApiClient]:
    heard.clear()
    replies.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield ApiClient(Reach(7, f"http://127.0.0.1:{server.server_port}", "the-key"))
        server.shutdown()
        thread.join()


def test_it_asks_with_the_key_and_gives_back_what_is_said(api: ApiClient) -> None:
    replies.extend([(200, b'{"state":"healthy"}'), (202, b'{"state":"paused"}')])
    assert api.get("logs", level="info") == {"state": "healthy"}
    assert api.post("lifecycle", {"do": "pause"}) == {"state": "paused"}
    assert heard == [
        ("GET", "/api/v1/logs?level=info", "Bearer the-key", b""),
        ("POST", "/api/v1/lifecycle", "Bearer the-key", b'{"do": "pause"}'),
    ]


def test_an_error_comes_out_as_it_was_meant(api: ApiClient) -> None:
    replies.append((400, b'{"error":{"code":"KP-AUTH-005","detail":"of an earlier run"}}'))
    with pytest.raises(KorProxyError) as found:
        api.get("status")
    assert found.value.spec is catalogue.MANAGEMENT_KEY_REFUSED
    assert found.value.detail == "of an earlier run"


def test_no_answer_and_nonsense_are_errors_in_words(api: ApiClient) -> None:
    replies.append((200, b"<html>"))
    for client in (api, ApiClient(Reach(7, "http://127.0.0.1:9", "k"))):
        with pytest.raises(KorProxyError) as found:
            client.get("status")
        assert found.value.spec is catalogue.LAUNCHER_UNREACHABLE
        assert "process 7" in found.value.detail


def test_only_a_launcher_that_runs_and_has_said_how_is_one(tmp_path: Path) -> None:
    assert launcher_of(tmp_path) is None
    with SingleInstance(tmp_path) as instance:
        assert launcher_of(tmp_path) is None
        instance.say(Reach(7, "http://127.0.0.1:9", "k"))
        assert launcher_of(tmp_path) is not None
    assert launcher_of(tmp_path) is None
