"""The admin application: the page, its parts, and the API behind one guard."""

from importlib import resources

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.admin.api import Api
from launcher.admin.guard import COOKIE, Guard, error_reply
from launcher.admin.sessions import SESSION_S, Sessions
from launcher.admin.steward import Steward

STATIC = {
    "status.css": "text/css; charset=utf-8",
    "status.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
}


def build_app(steward: Steward, sessions: Sessions, port: int) -> ASGIApp:
    """
    The application with its guard.

    Args:
        steward: Who keeps the gateway.
        sessions: Who may pass.
        port: The listener's own port.
    """
    pages = _Pages(sessions)
    api = Api(steward, sessions, f"http://127.0.0.1:{port}")
    app = Starlette(
        routes=[
            Route("/", pages.status, methods=["GET"]),
            Route("/sign-in", pages.sign_in, methods=["GET"]),
            Route("/login", pages.login, methods=["GET"]),
            Route("/static/{name}", pages.static, methods=["GET"]),
            Mount("/api/v1", routes=api.routes()),
        ],
        exception_handlers={
            KorProxyError: _said,
            404: _unknown,
            405: _wrong_method,
            Exception: _failed,
        },
    )
    return Guard(app, sessions, port)


class _Pages:
    """What a browser is shown."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def status(self, _request: Request) -> Response:
        return HTMLResponse(_asset("status.html"))

    async def sign_in(self, _request: Request) -> Response:
        return HTMLResponse(_asset("sign-in.html"))

    async def login(self, request: Request) -> Response:
        session = self._sessions.redeem(request.query_params.get("ticket", ""))
        if session is None:
            return RedirectResponse("/sign-in", status_code=303)
        reply = RedirectResponse("/", status_code=303)
        reply.set_cookie(
            COOKIE, session, max_age=int(SESSION_S), path="/", httponly=True, samesite="strict"
        )
        return reply

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATIC:
            raise KorProxyError(catalogue.UNKNOWN_PATH)
        return Response(_asset(name), media_type=STATIC[name])


def _asset(name: str) -> bytes:
    return (resources.files("launcher.admin") / "web" / name).read_bytes()


async def _said(_request: Request, error: Exception) -> Response:
    assert isinstance(error, KorProxyError)
    return error_reply(error)


async def _unknown(request: Request, _error: Exception) -> Response:
    return error_reply(KorProxyError(catalogue.UNKNOWN_PATH, request.url.path))


async def _wrong_method(request: Request, _error: Exception) -> Response:
    return error_reply(KorProxyError(catalogue.METHOD_NOT_ALLOWED, request.method))


async def _failed(_request: Request, _error: Exception) -> Response:
    return error_reply(KorProxyError(catalogue.INTERNAL))
