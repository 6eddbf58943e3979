"""The look for a newer version, against a feed of the test's own."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons import __version__
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.calls import Reply
from launcher.updates import UpdateState, check_for_updates, compared, version_of
from support.gateway import free_port

PAGE = "https://example.com/releases/2"


class Feed(http.server.ThreadingHTTPServer):
    """Says one thing to everybody, and notes what it was asked."""

    def __init__(self, status: int, body: bytes) -> None:
        self.said = (status, body)
        self.asked: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), Answering)


class Answering(http.server.BaseHTTPRequestHandler):
    server: Feed

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append({"path": self.path, **headers})
        status, body = self.server.said
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_given: object) -> None:
        pass


@contextmanager
def feed(said: Any, status: int = 200) -> Iterator[Feed]:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    with Feed(status, body) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def home_with(folder: Path, url: str | None) -> Path:
    line = f"updates: {{feed: '{url}'}}\n" if url else ""
    (folder / "config.yaml").write_text(f"version: 1\n{line}")
    (folder / "config.yaml").chmod(0o600)
    return folder


def release(tag: str, page: str = PAGE) -> dict[str, Any]:
    return {"tag_name": tag, "html_url": page, "name": "as GitHub has it", "assets": [{"id": 1}]}


def test_a_newer_version_is_named_with_its_page(tmp_path: Path) -> None:
    with feed(release("v99.1.0")) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}/latest"
        found = check_for_updates(home_with(tmp_path, url))
        (asked,) = server.asked
    assert (found.state, found.newest, found.page) == (UpdateState.AVAILABLE, "99.1.0", PAGE)
    assert found.words == f"KorProxy 99.1.0 is out; this is {__version__}. {PAGE}"
    assert asked == {
        "path": "/latest", "host": asked["host"], "accept": "application/json",
        "accept-encoding": "identity", "user-agent": f"KorProxy/{__version__}",
    }, "nothing else is told to anybody"  # fmt: skip


def test_the_newest_version_is_said_to_be_it(tmp_path: Path) -> None:
    with feed(release(f"v{__version__}")) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        found = check_for_updates(home_with(tmp_path, url))
    assert found.state is UpdateState.CURRENT
    assert found.words == f"KorProxy {__version__} is the newest version."


def test_without_a_feed_nobody_is_asked_and_nothing_is_claimed(tmp_path: Path) -> None:
    found = check_for_updates(home_with(tmp_path, None))
    assert (found.state, found.newest) == (UpdateState.NO_FEED, "")
    assert "not known" in found.words
    assert "updates.feed" in found.words


@pytest.mark.parametrize(
    ("said", "status", "part"),
    [
        (b"<html>", 200, "something else than a release"),
        ({"tag_name": 7, "html_url": PAGE}, 200, "something else than a release"),
        (release("nightly"), 200, "cannot be used"),
        (release("v2", "javascript:alert(1)"), 200, "cannot be used"),
        (release("v2", "http://example.com"), 200, "cannot be used"),
        (release("v2", "https://["), 200, "cannot be used"),
        (release("v2", "https:///2"), 200, "cannot be used"),
        (release("v2", f"{PAGE}\x1b[2J"), 200, "cannot be used"),
        (release("v2"), 404, "answered with 404"),
        (release("v2"), 302, "answered with 302"),
    ],
)
def test_what_is_no_release_is_an_error_that_says_so(
    said: Any, status: int, part: str, tmp_path: Path
) -> None:
    with feed(said, status) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with pytest.raises(KorProxyError, match=part) as found:
            check_for_updates(home_with(tmp_path, url))
    assert found.value.spec is catalogue.UPDATE_UNKNOWN


def test_a_feed_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    home = home_with(tmp_path, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(KorProxyError) as found:
        check_for_updates(home)
    assert found.value.spec is catalogue.UPDATE_UNKNOWN
    assert found.value.detail


def test_a_feed_elsewhere_is_asked_by_https_only(tmp_path: Path) -> None:
    with pytest.raises(KorProxyError, match="only https"):
        check_for_updates(home_with(tmp_path, "http://releases.example.com/latest"))


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("0.1.0", "0.1.1"), ("0.9", "0.10"), ("1.2.3", "v1.3"), ("1.0-rc.1", "1.0"), ("1.0-rc.1", "1.0-rc.2"),
        ("1.0.0-beta.9", "1.0.0-rc.1"), ("1.0a1", "1.0b1"), ("1.0", "1.0.0.1"),
    ],
)  # fmt: skip
def test_versions_have_their_order(older: str, newer: str) -> None:
    low, high = version_of(older), version_of(newer)
    assert low is not None
    assert high is not None
    assert low < high
    reply = Reply(200, {}, json.dumps(release(older)).encode())
    assert compared(reply, "feed", newer.removeprefix("v")).state is UpdateState.CURRENT


@pytest.mark.parametrize(
    "text", ["", "v", "1.", "1.2.3.4.5", "latest", "1.0-", "1.0-final", "1.0+x"]
)
def test_what_is_no_version_is_none(text: str) -> None:
    assert version_of(text) is None


@given(st.lists(st.integers(0, 10**9 - 1), min_size=1, max_size=4), st.sampled_from(["", "v"]))
def test_zeros_at_the_end_change_nothing(numbers: list[int], start: str) -> None:
    text = start + ".".join(map(str, numbers))
    longer = text + ".0" * (4 - len(numbers))
    assert version_of(text) == version_of(longer) is not None


@given(st.text(max_size=40))
def test_whatever_stands_there_it_is_read_or_not(text: str) -> None:
    found = version_of(text)
    assert found is None or found[0]
