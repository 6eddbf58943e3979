"""
The gateway under mitmweb, for `korproxy inspect`: its own master, which shows and changes nothing.

What a page is given is a copy without secrets: credentials are masked in the flow anyway, and everything else goes through the
redactor, which knows every secret in use. mitmweb's own ways to edit, replay, run commands or save are closed; its token is in no
log, and another `Host` than its own address is refused.
"""

import copy
import secrets
import socket
from collections.abc import Callable
from typing import Any

import tornado.httpserver
import tornado.web
from mitmproxy import flow as flows
from mitmproxy import http
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.tools.web import app
from mitmproxy.tools.web.master import WebMaster
from tornado.httputil import HTTPServerRequest

from korproxy_addons.gateway.flow_record import MASK

HOST = "127.0.0.1"
MOST_FLOWS = 500
"""So many exchanges are kept in memory, with their bodies."""

_SECRET_HEADERS = frozenset(
    (
        b"authorization", b"x-api-key", b"x-goog-api-key", b"x-korproxy-key", b"proxy-authorization",
        b"cookie", b"set-cookie",
    )
)  # fmt: skip
_READS = frozenset(("GET", "HEAD"))
_CLOSED = ("/flows/dump", "/options/save")
_OPEN_WRITES = frozenset(("/", "/clear"))
"""The sign-in form, and forgetting what was seen."""
# Of mitmweb's own addons; the others change, replay, write or load something, which is not what a look is for.
_KEPT = frozenset(
    ("core", "proxyserver", "webaddon", "webauth", "view", "eventstore", "errorcheck")
)

type Mask = Callable[[str], str]
"""A text without its secrets."""


class InspectMaster(WebMaster):
    """
    mitmweb with the gateway's addons; `url` opens its page, once it runs.

    Args:
        options: mitmproxy's.
        mask: Takes secrets out of a text.
    """

    def __init__(self, options: Options, mask: Mask) -> None:
        super().__init__(options, with_termlog=False)
        # None of them has run: they need no end, and one of them (a coroutine) could not be told of it here.
        for name in [it for it in self.addons.lookup if it not in _KEPT]:
            addon = self.addons.lookup.pop(name)
            if addon in self.addons.chain:
                self.addons.chain.remove(addon)
        self._socket = socket.create_server((HOST, 0))
        self._token = secrets.token_urlsafe(32)
        port = self._socket.getsockname()[1]
        # A password that is no option is in no list of options.
        webauth: Any = self.addons.get("webauth")
        options.update(
            web_port=port, web_host=HOST, web_open_browser=False, store_streamed_bodies=True
        )
        webauth._password = self._token
        self.app = _Application(self, False)
        self.url = f"http://{HOST}:{port}/?token={self._token}"
        self._show_copies(mask)

    def carry(self, *addons: object) -> None:
        """Add the gateway's addons: they see a flow before it is shown."""
        self.addons.add(*addons, _Bound(self.view))
        chain = self.addons.chain
        chain.append(chain.pop(chain.index(self.view)))

    async def where(self, _about: dict[str, Any]) -> dict[str, str]:
        """The launcher's question where the page is."""
        return {"url": self.url}

    async def running(self) -> None:
        """Serve the page; mitmweb's own way would log the address with its token."""
        server = tornado.httpserver.HTTPServer(self.app)
        self._socket.setblocking(False)
        server.add_socket(self._socket)
        await Master.running(self)

    def _show_copies(self, mask: Mask) -> None:
        """What leaves for the page is made from copies, wherever mitmweb makes it."""
        head_of, line_of = app.flow_to_json, app.logentry_to_json

        def lines(e: Any) -> dict[str, Any]:
            found = line_of(e)
            return {**found, "message": mask(str(found["message"]))}

        app.flow_to_json = lambda flow: head_of(without_secrets(flow, mask, bodies=False))
        app.logentry_to_json = lines
        whole = app.RequestHandler.flow.fget  # type: ignore[attr-defined] # a property
        app.RequestHandler.flow = property(  # type: ignore[assignment]
            lambda handler: without_secrets(whole(handler), mask, bodies=True)
        )


class _Application(app.Application):
    """Looks at each request before mitmweb does, and logs none: the first one bears the token."""

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        if not is_allowed(request.method or "", request.path, request.host, self._port()):
            return self.get_handler_delegate(
                request, tornado.web.ErrorHandler, {"status_code": 403}
            )
        return super().find_handler(request, **kwargs)

    def log_request(self, handler: tornado.web.RequestHandler) -> None:
        """Nothing."""

    def _port(self) -> int:
        port: int = self.master.options.web_port
        return port


def is_allowed(method: str, path: str, host: str, port: int) -> bool:
    """Whether the page may be asked this: by its own address, and without a change to anything."""
    if host not in (f"{HOST}:{port}", f"localhost:{port}"):
        return False
    if path.startswith(_CLOSED):
        return False
    return method in _READS or path in _OPEN_WRITES


def without_secrets[F: flows.Flow](flow: F, mask: Mask, *, bodies: bool) -> F:
    """A copy of a flow for the eye; its bodies stay as they are where they are not looked at."""
    shown = copy.copy(flow)
    if flow.error is not None:
        shown.error = flows.Error(mask(flow.error.msg), flow.error.timestamp)
    if isinstance(flow, http.HTTPFlow) and isinstance(shown, http.HTTPFlow):
        shown.request = _message(flow.request, mask, bodies=bodies)
        shown.request.data.path = _masked(flow.request.data.path, mask)
        if flow.response is not None:
            shown.response = _message(flow.response, mask, bodies=bodies)
    return shown


def _message[M: http.Message](message: M, mask: Mask, *, bodies: bool) -> M:
    shown = message.copy()
    for part in (shown.data.headers, shown.data.trailers):
        if part is not None:
            part.fields = tuple(
                (name, MASK.encode() if name.lower() in _SECRET_HEADERS else _masked(value, mask))
                for name, value in part.fields
            )
    if bodies and shown.raw_content:
        # Decoded: what is compressed hides what it holds.
        try:
            content = shown.get_content(strict=False) or b""
        except ValueError:
            content = shown.raw_content
        shown.data.headers.pop("content-encoding", None)
        shown.data.content = _masked(content, mask)
    return shown


def _masked(data: bytes, mask: Mask) -> bytes:
    text = data.decode("latin-1")
    clean = mask(text)
    return data if clean == text else clean.encode("latin-1", "replace")


class _Bound:
    """Lets the oldest go, so that a long look does not fill the memory."""

    def __init__(self, view: Any) -> None:
        self._view = view

    def response(self, _flow: http.HTTPFlow) -> None:
        self._trim()

    def error(self, _flow: http.HTTPFlow) -> None:
        self._trim()

    def _trim(self) -> None:
        store = self._view._store
        over = len(store) - MOST_FLOWS
        if over > 0:
            done = [it for it in store.values() if it.response is not None or it.error]
            for old in done[:over]:
                # One at a time: several at once are announced in the log.
                self._view.remove([old])
