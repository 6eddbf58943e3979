"""
Services somebody set up on their own machine, one per dialect.

They take any model name and refuse less than the service they resemble: fields they don't know they ignore. Roles they
don't know (`developer`) they refuse.
"""

import re
from collections.abc import Callable
from urllib.parse import unquote

from launcher.simulator.call import Call, Reply
from launcher.simulator.contracts import google_errors
from launcher.simulator.contracts.base import (
    Contract,
    chat_reply,
    gemini_reply,
    json_reply,
    messages_reply,
    refuse,
    responses_reply,
)
from launcher.simulator.wire import (
    anthropic_messages,
    compatible_rules,
    gemini_content,
    openai_chat,
    openai_responses,
)
from launcher.simulator.wire.reading import Json, mapping, objects

MODELS = ("sim-small", "sim-large")
_HABITS = openai_chat.ChatHabits(openai=False, reasoning_field="reasoning_content")
_GEMINI = re.compile(r"/v1(?:beta)?/models/([^:]+):(\w+)\Z")
_OPENAI_ERROR: Json = {"error": {"message": "server error", "type": "server_error", "code": None}}
_ANTHROPIC_ERROR: Json = {
    "type": "error",
    "error": {"type": "api_error", "message": "server error"},
}


class Compatible(Contract):
    """Four user-added endpoints."""

    hosts = ("compat-chat", "compat-responses", "compat-anthropic", "compat-gemini")

    def handle(self, call: Call) -> Reply:
        secret = call.bearer or call.header("x-api-key") or call.header("x-goog-api-key")
        credential = call.world.logins.find(secret, call.world.now())
        if credential is None or call.host not in credential.hosts:
            raise refuse(self.error(call, 401, "Invalid API key"))
        call.know(credential)
        if call.method == "GET" and call.path.endswith("/models"):
            return self._models(call)
        handlers: dict[str, Callable[[Call], Reply]] = {
            "compat-chat": self._chat,
            "compat-responses": self._responses,
            "compat-anthropic": self._messages,
            "compat-gemini": self._gemini,
        }
        if call.method != "POST":
            raise refuse(self.error(call, 404, "Not Found"))
        return handlers[call.host](call)

    def error(self, call: Call, status: int, message: str = "", code: str = "") -> Reply:
        text = message or google_errors.MESSAGES.get(status, "Error")
        if call.host == "compat-gemini":
            return google_errors.reply(503 if status == 529 else status, text)
        if call.host == "compat-anthropic":
            error = {"type": code or "api_error", "message": text}
            return json_reply({"type": "error", "error": error}, status)
        error = {"message": text, "type": "error", "code": code or str(status)}
        return json_reply({"error": error}, status)

    def _json(self, call: Call, path: str) -> Json:
        if call.path != path:
            raise refuse(self.error(call, 404, "Not Found"))
        try:
            body = call.json()
        except ValueError as bad:
            raise refuse(self.error(call, 400, "The body is no JSON")) from bad
        return mapping(body)

    def _models(self, call: Call) -> Reply:
        call.gate("models")
        if call.host == "compat-gemini":
            return json_reply({"models": [{"name": f"models/{name}"} for name in MODELS]})
        if call.host == "compat-anthropic":
            data = [{"type": "model", "id": name, "display_name": name} for name in MODELS]
            return json_reply(
                {"data": data, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
            )
        data = [{"id": name, "object": "model", "owned_by": "you"} for name in MODELS]
        return json_reply({"object": "list", "data": data})

    def _chat(self, call: Call) -> Reply:
        body = self._json(call, "/v1/chat/completions")
        problem = compatible_rules.chat_problem(body)
        if problem is not None:
            raise refuse(self.error(call, 400, problem))
        call.gate("generate", body["model"], stream=body.get("stream") is True)
        return chat_reply(
            call, call.answer(openai_chat.read_turn(body)), body, _HABITS, _OPENAI_ERROR
        )

    def _responses(self, call: Call) -> Reply:
        body = self._json(call, "/v1/responses")
        if not isinstance(body.get("model"), str) or "input" not in body:
            raise refuse(self.error(call, 400, "model and input are required"))
        if body.get("previous_response_id"):
            raise refuse(self.error(call, 400, "previous_response_id is not supported"))
        call.gate("generate", body["model"], stream=body.get("stream") is True)
        return responses_reply(call, call.answer(openai_responses.read_turn(body)), body)

    def _messages(self, call: Call) -> Reply:
        counting = call.path.endswith("/count_tokens")
        body = self._json(call, "/v1/messages/count_tokens" if counting else "/v1/messages")
        if not isinstance(body.get("model"), str) or not objects(body.get("messages")):
            raise refuse(self.error(call, 400, "model and messages are required"))
        if counting:
            call.gate("count_tokens", body["model"])
            return json_reply({"input_tokens": anthropic_messages.input_tokens(body)})
        if not isinstance(body.get("max_tokens"), int):
            raise refuse(self.error(call, 400, "max_tokens is required"))
        call.gate("generate", body["model"], stream=body.get("stream") is True)
        answer = call.answer(anthropic_messages.read_turn(body))
        return messages_reply(call, answer, body, _ANTHROPIC_ERROR)

    def _gemini(self, call: Call) -> Reply:
        route = _GEMINI.match(unquote(call.path))
        if route is None:
            raise refuse(self.error(call, 404, "Not Found"))
        model, method = route[1], route[2]
        body = self._json(call, call.path)
        if method == "countTokens":
            call.gate("count_tokens", model)
            inner = mapping(body.get("generateContentRequest")) or body
            return json_reply({"totalTokens": gemini_content.input_tokens(inner)})
        if method not in {"generateContent", "streamGenerateContent"}:
            raise refuse(self.error(call, 404, "Not Found"))
        if not objects(body.get("contents")):
            raise refuse(self.error(call, 400, "contents are required"))
        streams = method == "streamGenerateContent"
        call.gate("generate", model, stream=streams)
        answer = call.answer(gemini_content.read_turn(body, model, stream=streams))
        envelope = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
        return gemini_reply(call, answer, model, envelope)
