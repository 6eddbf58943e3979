"""`korproxy inspect`: mitmweb takes the gateway's place and gives it back, and nobody notices but who looks."""

import contextlib
import http.client
import json
import os
import random
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from korproxy_addons.errors.exceptions import KorProxyError
from launcher.api_client import ApiClient, launcher_of
from support.asking import ask, question, said
from support.kept import SimulatedLauncher, gone
from support.waiting import until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.name != "posix", reason="sockets are handed over"),
]

CANARY = "kp-canary-7c11d0a54e"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[SimulatedLauncher]:
    with SimulatedLauncher(tmp_path) as found:
        yield found


def api(running: SimulatedLauncher) -> ApiClient:
    found = launcher_of(running.home)
    assert found is not None
    return found


def model(running: SimulatedLauncher) -> str:
    return f"sim-chat/{running.sim.urls()['compatible', 'chat']['model']}"


class Page:
    """What mitmweb answers at its address."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 0
        self.token = parse_qs(parts.query)["token"][0]

    def ask(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        *,
        token: bool = True,
    ) -> tuple[int, bytes]:
        """Status and body."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        fields = dict(headers or {})
        if token:
            fields["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, path, headers=fields)
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def flows(self) -> list[dict[str, Any]]:
        """The list of what passed."""
        found: list[dict[str, Any]] = json.loads(self.ask("/flows")[1])
        return found


def model_flows(page: Page) -> list[dict[str, Any]]:
    """Those of a model; the launcher's questions pass, too."""
    return [it for it in page.flows() if "completions" in it["request"]["path"]]


@contextlib.contextmanager
def busy(running: SimulatedLauncher) -> Iterator[list[int]]:
    """Requests without a pause, each on a connection of its own; their statuses."""
    statuses: list[int] = []
    enough = threading.Event()
    name = model(running)

    def go() -> None:
        while not enough.is_set():
            # Another one each time: the same thing again and again would be taken for a runaway tool.
            asked = question("openai-chat", name, f"[[sim text=Aye]] {random.random()}")
            try:
                statuses.append(ask(running.url, asked).status)
            except OSError:
                statuses.append(0)

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        enough.set()
        for thread in threads:
            thread.join()


def test_there_and_back_without_a_lost_request(running: SimulatedLauncher) -> None:
    plain = running.launched.status["pid"]
    with busy(running) as statuses:
        until(lambda: len(statuses) > 3)
        page = Page(api(running).post("inspect", {"minutes": 5})["url"])
        looking = running.launched.wait_for("healthy", lambda it: bool(it["inspecting"]))
        assert looking["pid"] != plain
        until(lambda: len(page.flows()) > 3)
        api(running).post("inspect", {"minutes": 0})
        again = running.launched.wait_for(
            "healthy", lambda it: not it["inspecting"] and it["phase"] == "settled"
        )
        assert again["pid"] not in (plain, looking["pid"])
        before = len(statuses)
        until(lambda: len(statuses) > before + 3)
        until(lambda: gone(looking["pid"]))
    assert set(statuses) == {200}
    with pytest.raises(OSError, match=r"refused|reset"):
        page.ask("/flows")


def test_what_it_shows_has_no_secret_and_nobody_else_sees_it(running: SimulatedLauncher) -> None:
    page = Page(api(running).post("inspect", {"minutes": 5})["url"])
    secrets = {way["secret"] for way in running.sim.urls().values()}
    used = running.sim.urls()["compatible", "chat"]["secret"]
    asked = question("openai-chat", model(running), f"[[sim text=Aye]] my key is {used}")
    asked.headers["authorization"] = f"Bearer {CANARY}"
    assert said("openai-chat", ask(running.url, asked), stream=False) == "Aye"
    until(lambda: any(it.get("response", {}).get("timestamp_end") for it in model_flows(page)))
    flow = model_flows(page)[0]["id"]
    shown = b""
    for part in ("request", "response"):
        for view in ("raw", "json", "hex%20dump", "auto"):
            status, body = page.ask(f"/flows/{flow}/{part}/content/{view}.json")
            assert status == 200, (part, view)
            shown += body
        shown += page.ask(f"/flows/{flow}/{part}/content.data")[1]
    assert b"my key is [redacted]" in shown
    assert b"Aye" in shown
    for path in ("/flows", "/events", "/options", "/state"):
        shown += page.ask(path)[1]
    for secret in (*secrets, CANARY, page.token):
        assert secret.encode() not in shown
    for path in ("/", "/flows", "/events", f"/flows/{flow}/request/content.data"):
        assert page.ask(path, token=False)[0] == 403
    assert page.ask("/flows", headers={"Host": f"evil.example:{page.port}"})[0] == 403
    for method, path in (
        ("POST", f"/flows/{flow}/replay"), ("PUT", f"/flows/{flow}"), ("PUT", "/options"),
        ("POST", "/commands/export.file"), ("GET", "/flows/dump"), ("POST", "/flows/kill"),
    ):  # fmt: skip
        assert page.ask(path, method)[0] == 403
    page.ask(f"/?token={page.token}", token=False)
    kept = [it.read_bytes() for it in running.home.rglob("*") if it.is_file()]
    assert not any(page.token.encode() in it for it in kept)
    assert page.token not in "\n".join(running.launched.errors)


def test_it_ends_by_itself(running: SimulatedLauncher) -> None:
    page = Page(api(running).post("inspect", {"minutes": 5})["url"])
    assert page.ask("/flows", token=False)[0] == 403
    running.launched.wait_for("healthy", lambda it: bool(it["inspecting"]))
    # Asked for again, it is as long from then on; it may be over before its page can be told.
    with contextlib.suppress(KorProxyError):
        api(running).post("inspect", {"minutes": 0.005})
    running.launched.wait_for("healthy", lambda it: not it["inspecting"])


def test_the_end_of_the_launcher_is_its_end(running: SimulatedLauncher) -> None:
    api(running).post("inspect", {"minutes": 5})
    looking = running.launched.wait_for("healthy", lambda it: bool(it["inspecting"]))["pid"]
    assert running.launched.stop() == 0
    assert gone(looking)
