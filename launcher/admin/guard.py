"""
The door of the admin listener, in front of every route.

Exact `Host`, no foreign `Origin`, no cross-site `Sec-Fetch-Site`; then a session or the management key. What changes something
also needs JSON and a header that no form and no other page can send.
"""

from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from korproxy_addons.control.guard import allowed_hosts, check_head
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.admin.sessions import Sessions

COOKIE = "korproxy_session"
MUTATION_HEADER = "x-kp"
OPEN_PATHS = frozenset({"/sign-in", "/login", "/robots.txt"})
"""What needs no session; nothing there says anything about this machine."""
OPEN_PREFIX = "/static/"
MOST_HEADERS = 100
MOST_BODY_BYTES = 1024 * 1024

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Guard:
    """
    Wraps an application.

    Args:
        app: What is behind the door.
        sessions: Who may pass.
        port: The listener's own port.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions, port: int) -> None:
        self._app = app
        self._sessions = sessions
        self._hosts = allowed_hosts(port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        try:
            check_head(headers.raw, self._hosts, max_count=MOST_HEADERS)
            self._admit(scope["method"], scope["path"], headers)
        except KorProxyError as error:
            await refused(error, scope)(scope, receive, _with_headers(send, scope["path"]))
            return
        await self._app(scope, receive, _with_headers(send, scope["path"]))

    def _admit(self, method: str, path: str, headers: Headers) -> None:
        by_key = self._sessions.knows_key(_shown_key(headers))
        is_open = path in OPEN_PATHS or path.startswith(OPEN_PREFIX)
        if not (by_key or is_open or self._sessions.knows_session(_session(headers))):
            raise KorProxyError(catalogue.MANAGEMENT_KEY_REFUSED)
        if method in ("GET", "HEAD"):
            return
        if int(headers.get("content-length", "0") or 0) > MOST_BODY_BYTES:
            raise KorProxyError(catalogue.BODY_TOO_LARGE, f"at most {MOST_BODY_BYTES} bytes")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" or not (by_key or headers.get(MUTATION_HEADER)):
            raise KorProxyError(catalogue.MANAGEMENT_FORBIDDEN)


def refused(error: KorProxyError, scope: Scope) -> Response:
    """The reply to somebody who may not pass; a person who opens the page is told how to get in."""
    headers = Headers(scope=scope)
    wants_page = headers.get("sec-fetch-mode") == "navigate" or "text/html" in headers.get(
        "accept", ""
    )
    if error.spec is catalogue.MANAGEMENT_KEY_REFUSED and scope["method"] == "GET" and wants_page:
        return Response(status_code=303, headers={"location": "/sign-in"})
    return error_reply(error)


def error_reply(error: KorProxyError) -> JSONResponse:
    """An error as the API says it."""
    spec = error.spec
    content = {
        "error": {
            "code": spec.code,
            "title": spec.title,
            "detail": error.detail,
            "remedy": list(spec.remedy),
        }
    }
    return JSONResponse(content, status_code=error.status or spec.status)


def _shown_key(headers: Headers) -> str:
    """The management key that a request bears, in either of the two headers that the earlier apps had for it."""
    scheme, _, word = headers.get("authorization", "").partition(" ")
    return word.strip() if scheme.lower() == "bearer" else headers.get("x-management-key", "")


def _session(headers: Headers) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value


def _with_headers(send: Send, path: str) -> Send:
    kept = "no-cache" if path.startswith(OPEN_PREFIX) else "no-store"
    more = [
        (name.encode(), value.encode())
        for name, value in (*SECURITY_HEADERS.items(), ("cache-control", kept))
    ]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return sending
