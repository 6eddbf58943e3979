"""`api.openai.com`: API keys, and shared ChatGPT plans (SIWC) on the same routes (providers.md section 3)."""

import base64
import struct
from collections.abc import Callable

from launcher.simulator.call import Call, Headers, Reply
from launcher.simulator.contracts import legacy_completions, openai_models
from launcher.simulator.contracts.base import (
    Contract,
    chat_reply,
    json_reply,
    refuse,
    responses_reply,
)
from launcher.simulator.keys import Credential, State
from launcher.simulator.tokens import tokens_of_json
from launcher.simulator.wire import openai_chat, openai_chat_rules, openai_responses_rules
from launcher.simulator.wire import openai_responses as responses
from launcher.simulator.wire.openai_words import OpenAIProblem
from launcher.simulator.wire.reading import Json, objects, word

_TYPES = {
    401: "invalid_request_error",
    403: "invalid_request_error",
    404: "invalid_request_error",
    429: "requests",
    500: "server_error",
}
_CODES = {
    401: "invalid_api_key",
    429: "rate_limit_exceeded",
    503: "server_is_overloaded",
    404: "model_not_found",
}
_MESSAGES = {
    401: "Incorrect API key provided. You can find your API key at"
    " https://platform.openai.com/account/api-keys.",
    403: "You do not have access to this resource.",
    404: "The requested resource does not exist.",
    429: "Rate limit reached. Please try again in 11.5s.",
    500: "The server had an error while processing your request. Sorry about that!",
    503: "The server is overloaded. Please try again later.",
}
SIWC_DROPPED = (
    "background",
    "conversation",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "moderation",
    "multi_agent",
    "prompt",
    "prompt_cache_retention",
    "safety_identifier",
    "temperature",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
    "previous_response_id",
)
_SIWC_HOSTED = frozenset(
    {"image_generation", "file_search", "code_interpreter", "computer", "computer_use_preview"}
)
_SHARING = "subscription_sharing_"


class OpenAI(Contract):
    """The public API."""

    hosts = ("openai",)

    def handle(self, call: Call) -> Reply:
        if call.path in {"", "/"}:
            call.entry.operation = "probe"
            return Reply(404)
        credential = self._authenticate(call)
        if call.header("upgrade") is not None:
            call.gate("websocket")
            raise refuse(self.error(call, 426, "Upgrade is not available here."))
        reply = self._route(call, credential)
        return reply.with_headers(*self._headers(call))

    def error(self, call: Call, status: int, message: str = "", code: str = "") -> Reply:
        kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
        if code == "insufficient_quota":
            kind = "insufficient_quota"
        envelope = {
            "error": {
                "message": message or _MESSAGES.get(status, "Invalid request."),
                "type": kind,
                "param": None,
                "code": code or _CODES.get(status),
            }
        }
        return json_reply(envelope, status, self._headers(call))

    def _headers(self, call: Call) -> Headers:
        found: Headers = [
            ("x-request-id", call.world.ids.make("req_", 32)),
            ("openai-version", "2020-10-01"),
            ("openai-processing-ms", "42"),
        ]
        if call.credential is not None and call.credential.access == "api-key":
            found += [
                ("x-ratelimit-limit-requests", "10000"),
                ("x-ratelimit-limit-tokens", "2000000"),
                ("x-ratelimit-remaining-requests", "9999"),
                ("x-ratelimit-remaining-tokens", "1999000"),
                ("x-ratelimit-reset-requests", "6ms"),
                ("x-ratelimit-reset-tokens", "6m0s"),
            ]
        return found

    def _problem(self, call: Call, found: OpenAIProblem | None, status: int = 400) -> None:
        if found is None:
            return
        envelope = {
            "error": {
                "message": found.message,
                "type": "invalid_request_error",
                "param": found.param,
                "code": found.code,
            }
        }
        raise refuse(json_reply(envelope, status, self._headers(call)))

    def _authenticate(self, call: Call) -> Credential:
        token = call.bearer
        if token is None:
            text = (
                "You didn't provide an API key. You need to provide your API key in an Authorization"
                " header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
            )
            raise refuse(self.error(call, 401, text))
        credential = call.world.logins.find(token, call.world.now())
        if credential is None or "openai" not in credential.hosts:
            raise refuse(self.error(call, 401))
        call.know(credential)
        if credential.state is State.BLOCKED:
            raise refuse(self.error(call, 401))
        if credential.state is State.EXPIRED:
            raise refuse(self.error(call, 401, "The token has expired.", f"{_SHARING}invalid_user"))
        return credential

    def _route(self, call: Call, credential: Credential) -> Reply:
        if call.method == "GET" and call.path.startswith("/v1/models"):
            return self._models(call, credential)
        routes: dict[str, Callable[[Call, Credential], Reply]] = {
            "/v1/responses": self._responses,
            "/v1/responses/compact": self._compact,
        }
        if credential.access == "api-key":
            routes |= {
                "/v1/chat/completions": self._chat,
                "/v1/responses/input_tokens": self._input_tokens,
                "/v1/embeddings": self._embeddings,
                "/v1/completions": self._completions,
            }
        handler = routes.get(call.path)
        if handler is None and credential.access == "siwc":
            text = "This route is not available with a shared subscription."
            raise refuse(self.error(call, 403, text, f"{_SHARING}route_not_supported"))
        if handler is None:
            text = f"Invalid URL ({call.method} {call.path})"
            raise refuse(self.error(call, 404, text, "unknown_url"))
        if call.method != "POST":
            raise refuse(self.error(call, 405, f"Not allowed to {call.method} on {call.path}."))
        return handler(call, credential)

    def _json(self, call: Call) -> Json:
        try:
            body = call.json()
        except ValueError as bad:
            text = (
                "We could not parse the JSON body of your request. (HINT: This likely means you"
                " aren't using your HTTP library correctly.)"
            )
            raise refuse(self.error(call, 400, text)) from bad
        if not isinstance(body, dict):
            raise refuse(self.error(call, 400, "Invalid body: expected an object."))
        return body

    def _model(self, call: Call, name: str) -> openai_models.OpenAIModel:
        model = openai_models.find(name)
        if model is None:
            text = f"The model `{name}` does not exist or you do not have access to it."
            raise refuse(self.error(call, 404, text, "model_not_found"))
        return model

    def _measure(self, call: Call, tokens: int, param: str) -> None:
        """Refuse a prompt beyond the context window."""
        if tokens > openai_models.MAX_INPUT_TOKENS:
            text = "Your input exceeds the context window of this model. Please adjust your input and try again."
            self._problem(call, OpenAIProblem(text, "context_length_exceeded", param))

    def _spend(self, call: Call, credential: Credential) -> None:
        """Refuse a credential with nothing left."""
        siwc = credential.access == "siwc"
        if credential.state is State.NOT_ELIGIBLE:
            text = "This user is not eligible."
            raise refuse(self.error(call, 403, text, f"{_SHARING}user_not_eligible"))
        if credential.state is State.EXHAUSTED and siwc:
            text = "The plan's usage limit is reached. See https://chatgpt.com/settings/usage."
            raise refuse(self.error(call, 429, text, f"{_SHARING}usage_limit_exceeded"))
        if credential.state is State.EXHAUSTED:
            raise refuse(self.error(call, 429).with_headers(("retry-after", "12")))
        if credential.state is State.BROKE:
            text = (
                "You exceeded your current quota, please check your plan and billing details. For"
                " more information on this error, read the docs:"
                " https://platform.openai.com/docs/guides/error-codes/api-errors."
            )
            raise refuse(self.error(call, 429, text, "insufficient_quota"))

    def _chat(self, call: Call, credential: Credential) -> Reply:
        body = self._json(call)
        model = openai_models.find(str(body.get("model")))
        reasoning = model is not None and model.reasoning
        self._problem(call, openai_chat_rules.problem(body, reasoning_model=reasoning))
        self._model(call, body["model"])
        self._measure(call, openai_chat.input_tokens(body), "messages")
        call.gate("generate", body["model"], stream=body.get("stream") is True)
        self._spend(call, credential)
        answer = call.answer(openai_chat.read_turn(body))
        envelope = {
            "error": {
                "message": _MESSAGES[500],
                "type": "server_error",
                "param": None,
                "code": None,
            }
        }
        return chat_reply(call, answer, body, openai_chat.ChatHabits(), envelope)

    def _responses(self, call: Call, credential: Credential) -> Reply:
        body = self._json(call)
        if credential.access == "siwc":
            self._check_siwc(call, body)
        self._problem(call, openai_responses_rules.problem(body))
        if openai_models.find(body["model"]) is None:
            text = f"The requested model '{body['model']}' does not exist."
            self._problem(call, OpenAIProblem(text, "model_not_found", "model"))
        self._measure(call, responses.input_tokens(body), "input")
        if body.get("previous_response_id"):
            text = f"Previous response with id '{body['previous_response_id']}' not found."
            found = OpenAIProblem(text, "previous_response_not_found", "previous_response_id")
            self._problem(call, found)
        call.gate("generate", body["model"], stream=body.get("stream") is True)
        self._spend(call, credential)
        answer = call.answer(responses.read_turn(body))
        siwc = credential.access == "siwc"
        reply = responses_reply(call, answer, body, empty_output=siwc and call.wants_empty_output)
        if siwc and reply.frames is not None:
            reply.content_type = None
        return reply

    def _check_siwc(self, call: Call, body: Json) -> None:
        def no(text: str) -> None:
            raise refuse(self.error(call, 400, text, f"{_SHARING}unsupported_capability"))

        if body.get("stream") is not True:
            no("Stream must be set to true")
        if body.get("store") is not False:
            no("Store must be set to false")
        if not isinstance(body.get("input"), list):
            no("Input must be a list")
        items = objects(body["input"])
        if not body.get("instructions") and not any(i.get("role") == "developer" for i in items):
            no("Instructions or developer messages are required")
        if any(item.get("role") == "system" for item in items):
            no("System messages are not allowed")
        for name in SIWC_DROPPED:
            if name in body:
                no(f"Unsupported parameter: {name}")
        for tool in objects(body.get("tools")):
            if word(tool, "type") in _SIWC_HOSTED:
                no(f"Unsupported tool: {tool['type']}")
            if tool.get("type") == "function":
                no("Function tools must be inside a namespace or an additional_tools item")

    def _compact(self, call: Call, credential: Credential) -> Reply:
        body = self._json(call)
        if not isinstance(body.get("model"), str):
            self._problem(
                call,
                OpenAIProblem(
                    "Missing required parameter: 'model'.", "missing_required_parameter", "model"
                ),
            )
        self._model(call, body["model"])
        call.gate("compact", body["model"])
        self._spend(call, credential)
        return json_reply(compacted(call, body))

    def _input_tokens(self, call: Call, _: Credential) -> Reply:
        body = self._json(call)
        self._problem(call, openai_responses_rules.problem(body))
        call.gate("count_tokens", body["model"])
        counted = responses.input_tokens(body)
        return json_reply({"object": "response.input_tokens", "input_tokens": counted})

    def _embeddings(self, call: Call, credential: Credential) -> Reply:
        body = self._json(call)
        for name in ("model", "input"):
            if not body.get(name):
                text = f"Missing required parameter: '{name}'."
                found = OpenAIProblem(text, "missing_required_parameter", name)
                self._problem(call, found)
        if not str(body["model"]).startswith("text-embedding-"):
            self._model(call, "")
        call.gate("embeddings", body["model"])
        self._spend(call, credential)
        given = body["input"]
        texts = given if isinstance(given, list) and isinstance(given[0], str | list) else [given]
        vector: list[float] | str = [0.5, -0.25, 0.125, 1.0]
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack("<4f", 0.5, -0.25, 0.125, 1.0)).decode()
        data = [{"object": "embedding", "index": n, "embedding": vector} for n in range(len(texts))]
        counted = tokens_of_json([given])
        usage = {"prompt_tokens": counted, "total_tokens": counted}
        return json_reply({"object": "list", "data": data, "model": body["model"], "usage": usage})

    def _completions(self, call: Call, credential: Credential) -> Reply:
        body = self._json(call)
        if body.get("model") != "gpt-3.5-turbo-instruct":
            text = (
                "This is a chat model and not supported in the v1/completions endpoint. Did you mean"
                " to use v1/chat/completions?"
            )
            raise refuse(self.error(call, 404, text))
        call.gate("completions", body["model"], stream=body.get("stream") is True)
        self._spend(call, credential)
        return legacy_completions.reply(call, body)

    def _models(self, call: Call, credential: Credential) -> Reply:
        name = call.path.removeprefix("/v1/models").strip("/")
        call.gate("models")
        if credential.access == "siwc":
            return json_reply(openai_models.catalogue((999,)))
        if not name:
            return json_reply(openai_models.listed())
        if name not in openai_models.OTHERS:
            self._model(call, name)
        return json_reply(openai_models.entry(name))


def compacted(call: Call, body: Json) -> Json:
    """The answer of `responses/compact`: the history as one sealed item."""
    world = call.world
    counted = responses.input_tokens(body)
    item = {
        "id": world.ids.make("cmp_", 48),
        "type": "compaction",
        "encrypted_content": responses.encrypted("compacted"),
    }
    return {
        "id": world.ids.make("resp_", 48),
        "object": "response.compaction",
        "created_at": int(world.now()),
        "output": [item],
        "usage": {"input_tokens": counted, "output_tokens": 8, "total_tokens": counted + 8},
    }
