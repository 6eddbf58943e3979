"""The admin application around a toy that keeps no gateway."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.routing import Mount, Route

from launcher.admin.app import build_app
from launcher.admin.guard import COOKIE, Guard
from launcher.admin.sessions import Sessions
from launcher.supervisor.signals import Wish
from launcher.supervisor.states import State, Status

PORT = 1338
HOST = "127.0.0.1:1338"
JSON = {"content-type": "application/json"}


class ToySteward:
    """Notes what is wished for."""

    config_problems: tuple[str, ...] = ()

    def __init__(self, home: Path) -> None:
        self.home = home
        self.status = Status(state=State.HEALTHY, port=1337, pid=7, instance="run-1")
        self.wishes: list[str] = []
        self.answer: dict[str, Any] | None = None

    def wish(self, wish: Wish) -> None:
        """Note it."""
        self.wishes.append(wish.value)

    async def ask(self, what: str, about: dict[str, Any] | None = None) -> Any:
        """Note it; what `answer` says."""
        self.wishes.append(f"ask {what} {json.dumps(about)}")
        if self.answer is None:
            raise LookupError("the gateway is not running")
        return self.answer

    async def inspect(self, seconds: float) -> str:
        """Note it; only a healthy one can."""
        self.wishes.append(f"inspect {seconds:g}")
        if self.status.state is not State.HEALTHY:
            raise LookupError("the gateway is not running")
        return "http://127.0.0.1:9/?token=t"

    def quit(self) -> None:
        """Note it."""
        self.wishes.append("quit")


@dataclass
class Reply:
    """A reply as the client sees it."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass
class AdminHouse:
    """The application, with a session store whose key is `the-key`."""

    steward: ToySteward
    sessions: Sessions = field(default_factory=lambda: Sessions("the-key", lambda: 5.0))

    def __post_init__(self) -> None:
        self.app = build_app(self.steward, self.sessions, PORT)

    def ask(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        host: str = HOST,
    ) -> Reply:
        """One request through the whole application."""
        path, _, query = path.partition("?")
        fields = {"host": host, **(headers or {})}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "scheme": "http", "server": ("127.0.0.1", PORT), "client": ("127.0.0.1", 9),
            "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        }  # fmt: skip
        reply = Reply(0, {})

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
            else:
                reply.body += message.get("body", b"")

        asyncio.run(self.app(scope, receive, send))  # type: ignore[arg-type]
        return reply

    def by_key(self, path: str, body: Any = None) -> Reply:
        """As the command line asks: GET, or POST with a body."""
        headers = {"authorization": "Bearer the-key"}
        if body is None:
            return self.ask(path, headers=headers)
        return self.ask(path, "POST", {**headers, **JSON}, json.dumps(body).encode())

    def cookie(self) -> dict[str, str]:
        """As a signed-in browser asks."""
        return {"cookie": f"{COOKIE}={self.sessions.redeem(self.sessions.new_ticket())}"}


def inventory(house: AdminHouse) -> list[tuple[str, str]]:
    """Every route there is, with its method."""
    assert isinstance(house.app, Guard)
    found = []
    for route in house.app._app.routes:  # type: ignore[attr-defined]
        inner = route.routes if isinstance(route, Mount) else [route]
        prefix = route.path if isinstance(route, Mount) else ""
        for it in inner:
            assert isinstance(it, Route)
            path = prefix + it.path.replace("{name}", "status.css")
            found += [(method, path) for method in (it.methods or ()) if method != "HEAD"]
    return found
