"""
One streamed question in each dialect: through the vendor's own SDK where it is installed, else by plain HTTP.

The SDKs are what users' programs call the gateway with, so what they read is what counts. None of them asks the
environment for a proxy: the gateway is on this machine.
"""

import http.client
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

PROMPT = "Say hello to the developer in one short sentence."
KEY = "korproxy"  # any will do: the gateway holds the real ones
TIMEOUT_S = 30.0


@dataclass(slots=True)
class Answer:
    """
    What a client read.

    Attributes:
        via: How it was asked ("openai 3.54", "plain HTTP").
        text: The answer's words.
        input_tokens, output_tokens: Usage as the client was told.
        first_byte_ms: From the call to the first event; None if none came.
        total_ms: From the call to the end.
    """

    via: str = ""
    text: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    first_byte_ms: float | None = None
    total_ms: float = 0.0
    _started_s: float = field(default_factory=time.perf_counter)

    def saw_event(self) -> None:
        """Note the first event's time."""
        if self.first_byte_ms is None:
            self.first_byte_ms = (time.perf_counter() - self._started_s) * 1000

    def finish(self) -> "Answer":
        """Note the end's time."""
        self.total_ms = (time.perf_counter() - self._started_s) * 1000
        return self


type Ask = Callable[[str], Answer]
"""Ask one question of a model."""


def clients(url: str) -> dict[str, Ask]:
    """
    For each dialect, a way to ask.

    Args:
        url: The gateway's root URL.
    """
    sdks = {
        "openai-chat": ("openai", _openai_chat),
        "openai-responses": ("openai", _openai_responses),
        "anthropic-messages": ("anthropic", _anthropic),
        "gemini": ("google.genai", _google),
    }
    with _no_proxies():
        return {
            dialect: by_sdk(url) if _installed(module) else plain_client(url, dialect)
            for dialect, (module, by_sdk) in sdks.items()
        }


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False


@contextmanager
def _no_proxies() -> Iterator[None]:
    """Have SDKs that are set up meanwhile use no proxy, neither of the environment nor of the system."""
    saved = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
    os.environ.update(dict.fromkeys(saved, "*"))
    try:
        yield
    finally:
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _openai_chat(url: str) -> Ask:
    import openai

    client = openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0, timeout=TIMEOUT_S)

    def ask(model: str) -> Answer:
        answer = Answer(f"openai {openai.__version__}")
        stream = client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": PROMPT}],
            stream=True,
            stream_options={"include_usage": True},
        )
        for chunk in stream:
            answer.saw_event()
            for choice in chunk.choices:
                answer.text += choice.delta.content or ""
            if chunk.usage is not None:
                answer.input_tokens = chunk.usage.prompt_tokens
                answer.output_tokens = chunk.usage.completion_tokens
        return answer.finish()

    return ask


def _openai_responses(url: str) -> Ask:
    import openai

    client = openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0, timeout=TIMEOUT_S)

    def ask(model: str) -> Answer:
        answer = Answer(f"openai {openai.__version__}")
        for event in client.responses.create(model=model, input=PROMPT, stream=True):
            answer.saw_event()
            if event.type == "response.output_text.delta":
                answer.text += event.delta
            elif event.type == "response.completed" and event.response.usage is not None:
                answer.input_tokens = event.response.usage.input_tokens
                answer.output_tokens = event.response.usage.output_tokens
        return answer.finish()

    return ask


def _anthropic(url: str) -> Ask:
    import anthropic

    client = anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0, timeout=TIMEOUT_S)

    def ask(model: str) -> Answer:
        answer = Answer(f"anthropic {anthropic.__version__}")
        with client.messages.stream(
            model=model, max_tokens=256, messages=[{"role": "user", "content": PROMPT}]
        ) as stream:
            for _ in stream:
                answer.saw_event()
            message = stream.get_final_message()
        answer.text = "".join(block.text for block in message.content if block.type == "text")
        answer.input_tokens = message.usage.input_tokens
        answer.output_tokens = message.usage.output_tokens
        return answer.finish()

    return ask


def _google(url: str) -> Ask:
    from google import genai
    from google.genai import types

    options = types.HttpOptions(base_url=url, timeout=int(TIMEOUT_S * 1000))
    client = genai.Client(api_key=KEY, vertexai=False, http_options=options)

    def ask(model: str) -> Answer:
        answer = Answer(f"google-genai {genai.__version__}")
        for chunk in client.models.generate_content_stream(model=model, contents=PROMPT):
            answer.saw_event()
            for candidate in chunk.candidates or []:
                parts = candidate.content.parts if candidate.content else None
                answer.text += "".join(it.text or "" for it in parts or [] if not it.thought)
            if chunk.usage_metadata is not None:
                usage = chunk.usage_metadata
                answer.input_tokens = usage.prompt_token_count or 0
                answer.output_tokens = (usage.candidates_token_count or 0) + (
                    usage.thoughts_token_count or 0
                )
        return answer.finish()

    return ask


def plain_client(url: str, dialect: str) -> Ask:
    """A way to ask in a dialect without any SDK."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80

    def ask(model: str) -> Answer:
        path, body, headers = _question(dialect, model)
        path = parts.path.rstrip("/") + path
        answer = Answer("plain HTTP")
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", path, json.dumps(body), headers)
            reply = connection.getresponse()
            if reply.status != 200:
                raise RuntimeError(f"HTTP {reply.status}: {reply.read(600).decode()}")
            for event in _events(reply):
                answer.saw_event()
                _read_event(dialect, event, answer)
        finally:
            connection.close()
        return answer.finish()

    return ask


def _question(dialect: str, model: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    message = [{"role": "user", "content": PROMPT}]
    match dialect:
        case "openai-chat":
            options = {"stream": True, "stream_options": {"include_usage": True}}
            return "/v1/chat/completions", {"model": model, "messages": message, **options}, headers
        case "openai-responses":
            return "/v1/responses", {"model": model, "input": PROMPT, "stream": True}, headers
        case "anthropic-messages":
            body = {"model": model, "max_tokens": 256, "messages": message, "stream": True}
            return "/v1/messages", body, {**headers, "anthropic-version": "2023-06-01"}
        case _:
            contents = [{"role": "user", "parts": [{"text": PROMPT}]}]
            path = f"/v1beta/models/{model}:streamGenerateContent?alt=sse"
            return path, {"contents": contents}, headers


def _events(reply: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    for line in reply:
        if line.startswith(b"data:"):
            data = line[5:].strip()
            if data != b"[DONE]":
                yield json.loads(data)


def _read_event(dialect: str, event: dict[str, Any], answer: Answer) -> None:
    match dialect:
        case "openai-chat":
            for choice in event.get("choices", ()):
                answer.text += choice["delta"].get("content") or ""
            _count(answer, event.get("usage"), "prompt_tokens", "completion_tokens")
        case "openai-responses":
            if event["type"] == "response.output_text.delta":
                answer.text += event["delta"]
            elif event["type"] == "response.completed":
                _count(answer, event["response"].get("usage"), "input_tokens", "output_tokens")
        case "anthropic-messages":
            if event["type"] == "content_block_delta":
                answer.text += event["delta"].get("text", "")
            usage = event.get("message", event).get("usage")
            _count(answer, usage, "input_tokens", "output_tokens")
        case _:
            for candidate in event.get("candidates", ()):
                for part in candidate.get("content", {}).get("parts", ()):
                    answer.text += "" if part.get("thought") else part.get("text", "")
            usage = event.get("usageMetadata") or {}
            _count(answer, usage, "promptTokenCount", "candidatesTokenCount")
            if "candidatesTokenCount" in usage:
                answer.output_tokens += usage.get("thoughtsTokenCount") or 0


def _count(answer: Answer, usage: dict[str, Any] | None, prompt: str, output: str) -> None:
    if usage:
        answer.input_tokens = usage.get(prompt) or answer.input_tokens
        answer.output_tokens = usage.get(output) or answer.output_tokens
