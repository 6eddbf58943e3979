"""Plain HTTP requests in each dialect, for tests that look at bytes and headers."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

DIALECTS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini")
CLIENT_KEY = "korproxy-local-key"
TIMEOUT_S = 30.0


@dataclass(slots=True)
class Response:
    """A reply as the client sees it; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Question:
    """One request: where it goes, with what."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def question(
    dialect: str, model: str, prompt: str = "hello", *, stream: bool = False, **extra: Any
) -> Question:
    """A minimal request in a dialect; `extra` are further top-level fields."""
    match dialect:
        case "openai-chat":
            body: dict[str, Any] = {
                "model": model,
                "messages": [{"role": "user", "content": prompt}],
            }
            path, headers = "/v1/chat/completions", {"authorization": f"Bearer {CLIENT_KEY}"}
        case "openai-responses":
            body = {"model": model, "input": prompt}
            path, headers = "/v1/responses", {"authorization": f"Bearer {CLIENT_KEY}"}
        case "anthropic-messages":
            body = {
                "model": model,
                "max_tokens": 1024,
                "messages": [{"role": "user", "content": prompt}],
            }
            headers = {"x-api-key": CLIENT_KEY, "anthropic-version": "2023-06-01"}
            path = "/v1/messages"
        case _:
            verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
            path = f"/v1beta/models/{quote(model, safe='')}:{verb}"
            body = {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
            return Question(path, {**body, **extra}, {"x-goog-api-key": CLIENT_KEY})
    if stream:
        body["stream"] = True
    return Question(path, {**body, **extra}, headers)


def ask(url: str, asked: Question, **headers: str) -> Response:
    """Send a question and read the whole reply."""
    fields = {"content-type": "application/json", **asked.headers, **headers}
    return send(url, "POST", asked.path, json.dumps(asked.body).encode(), fields)


def send(
    url: str,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Send any request and read the whole reply."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body, dict(headers or {}))
        reply = connection.getresponse()
        fields = {name.lower(): value for name, value in reply.getheaders()}
        return Response(reply.status, fields, reply.read())
    finally:
        connection.close()


def payloads(body: bytes) -> list[Any]:
    """The JSON payloads of a stream of server-sent events, `[DONE]` left out."""
    lines = body.replace(b"\r\n", b"\n").split(b"\n")
    data = [line[5:].strip() for line in lines if line.startswith(b"data:")]
    return [json.loads(it) for it in data if it != b"[DONE]"]


def said(dialect: str, response: Response, *, stream: bool) -> str:
    """The answer's text in a reply."""
    if stream:
        return "".join(_delta(dialect, event) for event in payloads(response.body))
    reply = response.json
    match dialect:
        case "openai-chat":
            return str(reply["choices"][0]["message"]["content"])
        case "openai-responses":
            parts = (part for item in reply["output"] for part in item.get("content", ()))
            return "".join(part.get("text", "") for part in parts)
        case "anthropic-messages":
            return "".join(block.get("text", "") for block in reply["content"])
        case _:
            parts = reply["candidates"][0]["content"]["parts"]
            return "".join(part.get("text", "") for part in parts)


def _delta(dialect: str, event: dict[str, Any]) -> str:
    match dialect:
        case "openai-chat":
            return "".join(it["delta"].get("content") or "" for it in event.get("choices", ()))
        case "openai-responses":
            return event["delta"] if event["type"] == "response.output_text.delta" else ""
        case "anthropic-messages":
            delta = event.get("delta", {})
            return str(delta.get("text", "")) if event["type"] == "content_block_delta" else ""
        case _:
            parts = (
                part
                for it in event.get("candidates", ())
                for part in it.get("content", {}).get("parts", ())
            )
            return "".join(part.get("text", "") for part in parts if not part.get("thought"))
