"""The management API, version 1: state, lifecycle, log."""

import asyncio
import functools
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from korproxy_addons import __version__
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions.recording import (
    DEFAULT_MINUTES,
    recording_state,
    start_recording,
    stop_recording,
)
from launcher.admin.sessions import Sessions
from launcher.admin.steward import Steward
from launcher.log_lines import LEVELS, LogFilter, last_lines
from launcher.since import since_at
from launcher.supervisor.signals import Wish

MOST_LINES = 5000
MOST_MINUTES = 24 * 60


WISHES = tuple(it.value for it in Wish if it is not Wish.INSPECT)
"""What `lifecycle` does; a look is asked for with its length."""


class LifecycleOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST lifecycle."""

    do: str


class InspectOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST inspect; 0 minutes ends it."""

    minutes: Annotated[float, msgspec.Meta(ge=0, le=MOST_MINUTES)] = 30.0


class RecordingOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST recording; 0 minutes ends it."""

    minutes: Annotated[float, msgspec.Meta(ge=0, le=MOST_MINUTES)] = float(DEFAULT_MINUTES)
    tool: str = ""
    shapes: bool = False


class Api:
    """
    The routes.

    Args:
        steward: Who keeps the gateway.
        sessions: Makes tickets for the browser.
        root: Address of this listener.
    """

    def __init__(self, steward: Steward, sessions: Sessions, root: str) -> None:
        self._steward = steward
        self._sessions = sessions
        self._root = root

    def routes(self) -> list[Route]:
        """Every route, below `/api/v1`."""
        return [
            Route("/status", self.status, methods=["GET"]),
            Route("/lifecycle", self.lifecycle, methods=["POST"]),
            Route("/inspect", self.inspect, methods=["POST"]),
            Route("/recording", self.recording, methods=["POST"]),
            Route("/logs", self.logs, methods=["GET"]),
            Route("/accounts/reset", self.reset, methods=["POST"]),
            Route("/routing/explain", self.explain, methods=["POST"]),
            Route("/tickets", self.tickets, methods=["POST"]),
        ]

    async def status(self, _request: Request) -> Response:
        """GET: how the gateway stands."""
        return JSONResponse(self._status())

    async def lifecycle(self, request: Request) -> Response:
        """POST `{"do": WISH}`: start, stop, restart, pause, resume, start-plain, start-last-good, quit."""
        order = _read(await request.body(), LifecycleOrder)
        if order.do == "quit":
            self._steward.quit()
        elif order.do in WISHES:
            self._steward.wish(Wish(order.do))
        else:
            known = ", ".join([*WISHES, "quit"])
            raise KorProxyError(catalogue.FIELD_INVALID, f"do is one of {known}", param="do")
        return JSONResponse(self._status(), status_code=202)

    async def inspect(self, request: Request) -> Response:
        """POST `{"minutes": N}`: have mitmweb show what passes; `{"url": …}` of its page. 0 ends it."""
        order = _read(await request.body(), InspectOrder)
        if not order.minutes:
            if self._steward.status.inspecting:
                self._steward.wish(Wish.RESTART)
            return JSONResponse({"url": None})
        try:
            url = await self._steward.inspect(order.minutes * 60)
        except LookupError as error:
            raise KorProxyError(catalogue.NOT_RUNNING, str(error)) from error
        return JSONResponse({"url": url})

    async def recording(self, request: Request) -> Response:
        """POST `{"minutes": N, "tool": "", "shapes": false}`: record what passes. 0 minutes ends it."""
        order = _read(await request.body(), RecordingOrder)
        home = self._steward.home
        if order.minutes:
            wish = functools.partial(
                start_recording, minutes=order.minutes, tool=order.tool, shapes=order.shapes
            )
        else:
            wish = functools.partial(stop_recording)
        return JSONResponse(asdict(await asyncio.to_thread(wish, home)))

    async def logs(self, request: Request) -> Response:
        """GET `?limit=&level=&component=&request_id=&since=`: the newest lines that pass, oldest first."""
        asked = request.query_params
        level = asked.get("level", "debug")
        limit = asked.get("limit", "200")
        if level not in LEVELS:
            raise KorProxyError(catalogue.FIELD_INVALID, f"level is one of {', '.join(LEVELS)}")
        if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:9]) <= MOST_LINES:
            raise KorProxyError(catalogue.FIELD_INVALID, f"limit is 1 to {MOST_LINES}")
        try:
            since = since_at(asked["since"], time.time()) if asked.get("since") else 0.0
        except ValueError as error:
            raise KorProxyError(catalogue.FIELD_INVALID, f"since is {error}") from error
        wanted = LogFilter(level, asked.get("component", ""), asked.get("request_id", ""), since)
        lines = await asyncio.to_thread(last_lines, self._steward.home, wanted, int(limit))
        return JSONResponse({"lines": lines})

    async def explain(self, request: Request) -> Response:
        """POST a question about a route: what the running gateway says, its fields being those of `route explain --json`."""
        said = await self._asked("explain", await request.body())
        return JSONResponse(said["explanation"])

    async def reset(self, request: Request) -> Response:
        """POST `{"account": ID}`: what is held against the account is forgotten; it is asked again at once."""
        return JSONResponse(await self._asked("reset-account", await request.body()))

    async def tickets(self, _request: Request) -> Response:
        """POST: an address that signs one browser in, once, within a minute."""
        return JSONResponse({"url": f"{self._root}/login?ticket={self._sessions.new_ticket()}"})

    async def _asked(self, what: str, body: bytes) -> dict[str, Any]:
        """What the running gateway says to a question; what it says against it is an error here, too."""
        try:
            question = msgspec.json.decode(body, type=dict[str, Any])
            said: dict[str, Any] = await self._steward.ask(what, question)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise KorProxyError(catalogue.FIELD_INVALID, str(error)) from error
        except LookupError as error:
            raise KorProxyError(catalogue.NOT_RUNNING, str(error)) from error
        if "error" in said:
            failed = said["error"]
            raise KorProxyError(catalogue.CATALOGUE[failed["code"]], failed["detail"])
        return said

    def _status(self) -> dict[str, Any]:
        status = self._steward.status
        return {
            **asdict(status),
            "url": f"http://localhost:{status.port}" if status.port else None,
            "home": str(self._steward.home),
            "config_problems": list(self._steward.config_problems),
            "recording": _recording(self._steward.home),
            "launcher": {"version": __version__},
        }


def _recording(home: Path) -> dict[str, Any] | None:
    """Whether what passes is being recorded; None: it is not."""
    state = recording_state(home)
    return asdict(state) if state.on else None


def _read[T](body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise KorProxyError(catalogue.FIELD_INVALID, str(error)) from error
