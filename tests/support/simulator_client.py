"""A plain HTTP client for the simulated providers: smallest right requests in each dialect, and their replies."""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]
WayIn = tuple[str, str]


@dataclass(frozen=True)
class Received:
    """A reply as it came; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def payloads(self) -> list[Json]:
        """What the `data:` lines of a stream hold, `[DONE]` excepted."""
        lines = self.body.decode().splitlines()
        data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
        return [json.loads(each) for each in data if each != "[DONE]"]

    @property
    def message(self) -> str:
        """The text of an error in whatever envelope."""
        body = self.json()
        for key in ("error", "detail", "msg", "message"):
            if isinstance(body.get(key), dict):
                return str(body[key]["message"])
            if key in body and isinstance(body[key], str):
                return str(body.get("error_description") or body[key])
        raise AssertionError(f"no error in {body}")


def send(
    method: str,
    url: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
    timeout_s: float = 10.0,
) -> Received:
    """
    One request on a connection of its own; a body that is no bytes goes as JSON.

    Raises:
        http.client.HTTPException, OSError: as the connection breaks.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
    sent = dict(headers or {})
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    if data is not None and not any(name.lower() == "content-type" for name in sent):
        sent["content-type"] = "application/json"
    try:
        connection.request(method, f"{parts.path}?{parts.query}".rstrip("?"), data, sent)
        reply = connection.getresponse()
        found = {name.lower(): value for name, value in reply.getheaders()}
        return Received(reply.status, found, reply.read())
    finally:
        connection.close()


def credential_headers(way: dict[str, str], access: str) -> dict[str, str]:
    """The headers a request by this way in needs."""
    dialect, secret = way["dialect"], way["secret"]
    if dialect == "anthropic-messages":
        version = {"anthropic-version": "2023-06-01"}
        if access == "subscription":
            beta = {"anthropic-beta": "oauth-2025-04-20"}
            return {**version, **beta, "authorization": f"Bearer {secret}"}
        return {**version, "x-api-key": secret}
    if dialect == "gemini" and access != "code-assist":
        return {"x-goog-api-key": secret}
    headers = {"authorization": f"Bearer {secret}"}
    if access == "chatgpt":
        headers["chatgpt-account-id"] = way["account_id"]
    return headers


def generation(way: dict[str, str], access: str, prompt: str, *, stream: bool) -> tuple[str, Json]:
    """URL and body of the smallest right generation request."""
    base, model, dialect = way["base"], way["model"], way["dialect"]
    turn: Json = {"role": "user", "content": prompt}
    if dialect == "anthropic-messages":
        body: Json = {"model": model, "max_tokens": 4096, "messages": [turn], "stream": stream}
        return f"{base}/v1/messages", body
    if dialect == "openai-chat":
        return f"{base}/chat/completions", {"model": model, "messages": [turn], "stream": stream}
    if dialect == "openai-responses":
        body = {"model": model, "input": [turn], "stream": stream, "store": False}
        if access in {"chatgpt", "siwc"}:
            body["instructions"] = "Be brief."
        return f"{base}/responses", body
    inner: Json = {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    if access == "code-assist":
        envelope = {"model": model, "project": way["account_id"], "user_prompt_id": "p-1"}
        return f"{base}:{method}", {**envelope, "request": {**inner, "session_id": "s-1"}}
    return f"{base}/models/{model}:{method}", inner


def generate(
    urls: dict[WayIn, dict[str, str]],
    way_in: WayIn,
    prompt: str = "Hello",
    /,
    *,
    stream: bool = True,
    secret: str = "",
    model: str = "",
    account_id: str = "",
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> Received:
    """Send a generation request; `fields` are added to the body, `None` takes a field out."""
    way = {**urls[way_in]}
    way["secret"] = secret or way["secret"]
    way["model"] = model or way["model"]
    way["account_id"] = account_id or way["account_id"]
    url, body = generation(way, way_in[1], prompt, stream=stream)
    body = {name: value for name, value in {**body, **fields}.items() if value is not None}
    return send("POST", url, body, {**credential_headers(way, way_in[1]), **(headers or {})})
