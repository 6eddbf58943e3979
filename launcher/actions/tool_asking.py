"""The doctor's own requests to the running gateway: small ones in each API, pinned to the account of a tool's route."""

import base64
import http.client
import json
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from korproxy_addons.presets import samples
from korproxy_addons.presets.base import Form
from launcher.actions.tool_route import ToolRoute
from launcher.gateway_look import Address

LIMIT_S = 30.0
LONG_LIMIT_S = 180.0
USER_AGENT = "korproxy-doctor"
PROMPT = f"Use the {samples.TOOL} tool with the word ping."
MOST_TOKENS = 256
_MOST_BYTES = 4 * 1024 * 1024
_PATHS = {
    "anthropic-messages": "/v1/messages",
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
}
_COUNTS = {
    "anthropic-messages": "/v1/messages/count_tokens",
    "openai-responses": "/v1/responses/input_tokens",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """
    What came back.

    Attributes:
        status: HTTP status; 0 if none came.
        headers: Names in lower case.
        body: All of it.
        first_byte_ms: From the request sent to the body's first byte.
        failure: Why nothing came, in words; "" if something did.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    first_byte_ms: float = 0.0
    failure: str = ""

    @property
    def code(self) -> str:
        """KorProxy's error code; "" if it named none."""
        return self.headers.get("x-korproxy-error", "")

    @property
    def json(self) -> Any:
        """The body, decoded; None if it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class Asking:
    """
    Sends, and brings back whatever comes.

    Args:
        address: The gateway's.
        key: A local key to show; "" for none.
    """

    def __init__(self, address: Address, key: str = "") -> None:
        self._host = address.reached
        self._port = address.port
        self._own = {"user-agent": USER_AGENT, "content-type": "application/json"}
        if key:
            self._own["x-korproxy-key"] = key

    def __repr__(self) -> str:
        return f"Asking({self._host}:{self._port})"

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        limit_s: float = LIMIT_S,
    ) -> Heard:
        """One request; what goes wrong on the way is `Heard.failure`."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=limit_s)
        content = None if body is None else json.dumps(body).encode()
        began = time.monotonic()
        try:
            connection.request(method, path, content, {**self._own, **(headers or {})})
            reply = connection.getresponse()
            parts, first_ms = [], 0.0
            while part := reply.read1(_MOST_BYTES):
                first_ms = first_ms or (time.monotonic() - began) * 1000
                parts.append(part)
                if time.monotonic() - began > limit_s:
                    raise TimeoutError
            fields = {name.lower(): value for name, value in reply.getheaders()}
            return Heard(reply.status, fields, b"".join(parts), round(first_ms, 1))
        except TimeoutError:
            return Heard(0, {}, failure=f"no whole answer within {limit_s:g} s")
        except (OSError, http.client.HTTPException) as error:
            return Heard(0, {}, failure=f"the answer broke off: {type(error).__name__}")
        finally:
            connection.close()

    def upgrade(self, path: str) -> int:
        """The status that an opening handshake of a WebSocket is answered with; 0 if none came."""
        mark = base64.b64encode(secrets.token_bytes(16)).decode()
        fields = {
            "host": f"localhost:{self._port}", "upgrade": "websocket", "connection": "Upgrade",
            "sec-websocket-version": "13", "sec-websocket-key": mark,
            "openai-beta": "responses_websockets=2026-02-06",
            **{name: it for name, it in self._own.items() if name != "content-type"},
        }  # fmt: skip
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        try:
            with socket.create_connection((self._host, self._port), timeout=LIMIT_S) as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
                first = connection.makefile("rb").readline(200).split(b" ")
        except OSError:
            return 0
        return int(first[1]) if len(first) > 1 and first[1].isdigit() else 0


def pinned(route: ToolRoute) -> str:
    """The model's name that asks for the route's very account."""
    assert route.way is not None
    return f"{route.way.provider.id}@{route.way.id}/{route.upstream_model}"


def tool_request(route: ToolRoute) -> tuple[str, dict[str, Any]]:
    """Path and body of a small streamed request with one tool, in the tool's own API."""
    speaks, model = route.preset.dialect, pinned(route)
    turns: list[dict[str, Any]]
    match speaks:
        case "anthropic-messages":
            turns = [{"role": "user", "content": PROMPT}]
            asked = {**samples.MESSAGES, "messages": turns, "max_tokens": MOST_TOKENS}
        case "openai-chat":
            asked = {**samples.CHAT, "messages": [{"role": "user", "content": PROMPT}]}
        case "openai-responses":
            asked = {**samples.RESPONSES, "input": [_said(PROMPT)]}
        case _:
            turns = [{"role": "user", "parts": [{"text": PROMPT}]}]
            return _gemini_path(model, "streamGenerateContent?alt=sse"), {
                **samples.GEMINI,
                "contents": turns,
            }
    return _PATHS[speaks], {**asked, "model": model}


def count_request(route: ToolRoute) -> tuple[str, dict[str, Any]] | None:
    """Path and body of a question for a count; None where the tool's API has none."""
    path, asked = tool_request(route)
    del path
    if route.preset.dialect == "gemini":
        body = {"contents": asked["contents"]}
        return _gemini_path(pinned(route), "countTokens"), body
    if route.preset.dialect not in _COUNTS:
        return None
    names = ("model", "messages", "system", "tools", "input", "instructions")
    return _COUNTS[route.preset.dialect], {it: asked[it] for it in names if it in asked}


def long_request(route: ToolRoute, tokens: int) -> tuple[str, dict[str, Any]]:
    """Path and body of a request with a prompt of about so many tokens."""
    path, asked = tool_request(route)
    text = "word " * tokens + "\nReply with OK."
    asked.pop("tools", None)
    match route.preset.dialect:
        case "gemini":
            asked["contents"] = [{"role": "user", "parts": [{"text": text}]}]
        case "openai-responses":
            asked["input"] = [_said(text)]
        case _:
            asked["messages"] = [{"role": "user", "content": text}]
    return path, asked


def list_request(route: ToolRoute) -> tuple[str, dict[str, str]]:
    """Path and headers of the tool's question for models."""
    match route.preset.dialect:
        case "anthropic-messages":
            return "/v1/models?limit=1000", {"anthropic-version": "2023-06-01"}
        case "gemini":
            return f"/{Form.BETA.value}/models", {}
    if route.preset.id == "codex-cli":
        return "/v1/models?client_version=0.169.0", {}
    return "/v1/models", {}


def refused_path(route: ToolRoute) -> str:
    """A path that is answered with an error in the tool's API when it is asked with GET."""
    if route.preset.dialect == "gemini":
        return _gemini_path("none", "generateContent")
    # A GET of Responses itself is the WebSocket's.
    path = _PATHS[route.preset.dialect]
    return f"{path}/compact" if path.endswith("responses") else path


def _said(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"type": "message", "role": "user", "content": content}


def _gemini_path(model: str, verb: str) -> str:
    return f"/v1beta/models/{quote(model, safe='')}:{verb}"
