"""Qwen's hosts: Model Studio, Coding Plan, Token Plan, and the retired login's portal (providers.md section 5)."""

import re

from launcher.simulator.call import Call, Reply
from launcher.simulator.contracts.base import (
    Contract,
    chat_reply,
    json_reply,
    messages_reply,
    refuse,
)
from launcher.simulator.keys import Credential, State
from launcher.simulator.wire import (
    anthropic_messages,
    anthropic_rules,
    compatible_rules,
    openai_chat,
)
from launcher.simulator.wire.reading import Json

MODELS = (
    "qwen3.8-max",
    "qwen3.8-flash",
    "qwen3.7-max",
    "qwen3.7-plus",
    "qwen3.6-plus",
    "qwen3.6-flash",
    "qwen3.5-plus",
    "qwen3-coder-plus",
    "qwen3-coder-next",
)
PLAN_MODELS = (*MODELS, "glm-5.3", "glm-5.2", "deepseek-v4-pro", "kimi-k2.5", "MiniMax-M2.5")
WRONG_TOKEN = "invalid access token or token expired"  # noqa: S105
_HABITS = openai_chat.ChatHabits(openai=False, reasoning_field="reasoning_content")
_BASES = {
    "qwen": "/compatible-mode/v1",
    "qwen-coding": "/v1",
    "qwen-token-plan": "/compatible-mode/v1",
    "qwen-portal": "/v1",
}
_CODES = {
    400: ("invalid_parameter_error", "invalid_request_error", "The request is invalid."),
    401: ("invalid_api_key", "invalid_request_error", "Incorrect API key provided. "),
    403: ("AccessDenied", "AccessDenied", "Access denied."),
    404: ("model_not_found", "invalid_request_error", "The model does not exist."),
    429: ("limit_requests", "limit_requests", "You exceeded your current request limit."),
    500: ("internal_error", "internal_error", "An internal error has occurred."),
    503: ("service_unavailable", "service_unavailable", "Service is unavailable."),
}
_BLOCKED_WORDS = re.compile(r"\[\[sim inspected\]\]")


class Qwen(Contract):
    """Keys of one host are refused by every other."""

    hosts = ("qwen", "qwen-coding", "qwen-token-plan", "qwen-portal")

    def handle(self, call: Call) -> Reply:
        credential = self._authenticate(call)
        base = _BASES[call.host]
        request_id = call.world.ids.make("", 32)
        if call.path == f"{base}/chat/completions" and call.method == "POST":
            reply = self._chat(call, credential)
        elif call.path == f"{base}/models" and call.method == "GET" and call.host == "qwen":
            call.gate("models")
            data = [
                {"id": name, "object": "model", "created": 1_790_000_000, "owned_by": "system"}
                for name in MODELS
            ]
            reply = json_reply({"object": "list", "data": data})
        elif call.path == "/apps/anthropic/v1/messages" and call.method == "POST":
            reply = self._messages(call, credential)
        else:
            raise refuse(self.error(call, 404, "Not Found", "NotFound"))
        return reply.with_headers(("x-request-id", request_id))

    def error(self, call: Call, status: int, message: str = "", code: str = "") -> Reply:
        usual = _CODES.get(status, _CODES[503 if status >= 500 else 400])
        envelope = {
            "error": {
                "message": message or usual[2],
                "type": code or usual[1],
                "param": None,
                "code": code or usual[0],
            },
            "request_id": call.world.ids.make("", 32),
        }
        return json_reply(envelope, status)

    def _authenticate(self, call: Call) -> Credential:
        secret = call.bearer
        if secret is None and call.path.startswith("/apps/anthropic/"):
            secret = call.header("x-api-key")
        credential = call.world.logins.find(secret, call.world.now())
        if credential is None or call.host not in credential.hosts:
            text = "" if call.host == "qwen" else WRONG_TOKEN
            raise refuse(self.error(call, 401, text))
        call.know(credential)
        if credential.state is State.RETIRED:
            raise refuse(self.error(call, 401, WRONG_TOKEN))
        if credential.state is State.BROKE:
            text = "Access denied, please make sure your account is in good standing."
            raise refuse(self.error(call, 403, text, "Arrearage"))
        return credential

    def _admit(self, call: Call, credential: Credential, body: Json) -> None:
        model = str(body.get("model"))
        plan = call.host != "qwen"
        if model not in (PLAN_MODELS if plan else MODELS):
            if plan:
                text = f"model '{model}' is not supported"
                raise refuse(self.error(call, 400, text))
            text = f"The model `{model}` does not exist or you do not have access to it."
            raise refuse(self.error(call, 404, text))
        if _BLOCKED_WORDS.search(call.body.decode("utf-8", "replace")):
            text = "Input data may contain inappropriate content."
            raise refuse(self.error(call, 400, text, "data_inspection_failed"))
        call.gate("generate", model, stream=body.get("stream") is True)
        if credential.state is State.EXHAUSTED:
            text = "You exceeded your current quota, please check your plan and billing details."
            raise refuse(self.error(call, 429, text, "insufficient_quota"))

    def _json(self, call: Call) -> Json:
        try:
            body = call.json()
        except ValueError as bad:
            raise refuse(self.error(call, 400, "Request body format invalid")) from bad
        if not isinstance(body, dict):
            raise refuse(self.error(call, 400, "Request body format invalid"))
        return body

    def _chat(self, call: Call, credential: Credential) -> Reply:
        body = self._json(call)
        problem = compatible_rules.chat_problem(body)
        if problem is not None:
            raise refuse(self.error(call, 400, problem))
        self._admit(call, credential, body)
        answer = call.answer(openai_chat.read_turn(body))
        envelope = {"error": {"message": "Internal error.", "type": "server_error", "code": "500"}}
        return chat_reply(call, answer, body, _HABITS, envelope)

    def _messages(self, call: Call, credential: Credential) -> Reply:
        body = self._json(call)
        problem = anthropic_rules.problem(body, frozenset(), counting=False)
        if problem is not None:
            error = {"type": "invalid_request_error", "message": problem}
            raise refuse(json_reply({"type": "error", "error": error}, 400))
        self._admit(call, credential, body)
        answer = call.answer(anthropic_messages.read_turn(body))
        error = {"type": "api_error", "message": "Internal error."}
        return messages_reply(call, answer, body, {"type": "error", "error": error})
