"""`generativelanguage.googleapis.com`: Gemini by API key (providers.md section 4)."""

import re
from urllib.parse import unquote

from launcher.simulator.call import Call, Reply
from launcher.simulator.contracts import google_errors
from launcher.simulator.contracts.base import Contract, gemini_reply, json_reply, refuse
from launcher.simulator.keys import Credential, State
from launcher.simulator.wire import gemini_content, gemini_rules
from launcher.simulator.wire.reading import Json, mapping

DOMAIN = "googleapis.com"
MODELS = {
    "gemini-3.8-flash": "Gemini 3.8 Flash",
    "gemini-3.7-flash": "Gemini 3.7 Flash",
    "gemini-3.6-flash": "Gemini 3.6 Flash",
    "gemini-3.5-flash": "Gemini 3.5 Flash",
    "gemini-3.5-flash-lite": "Gemini 3.5 Flash-Lite",
    "gemini-3.1-flash-lite": "Gemini 3.1 Flash-Lite",
    "gemini-3.1-pro-preview": "Gemini 3.1 Pro Preview",
    "gemini-3-pro-preview": "Gemini 3 Pro Preview",
}
MAX_INPUT_TOKENS = 1_048_576
_ROUTE = re.compile(r"/v1(?:beta)?/models(?:/([^:]+))?(?::(\w+))?\Z")
BROKEN: Json = {
    "error": {"code": 503, "message": google_errors.MESSAGES[503], "status": "UNAVAILABLE"}
}


def generation_problem(problem: gemini_rules.GeminiProblem) -> Reply:
    """The 400 of a body Google can't take."""
    details = [google_errors.bad_request(problem.violations)] if problem.violations else None
    return google_errors.reply(400, problem.message, details)


class Gemini(Contract):
    """API keys, in one place only."""

    hosts = ("gemini",)

    def handle(self, call: Call) -> Reply:
        if call.path in {"", "/"}:
            call.entry.operation = "probe"
            return Reply(404)
        credential = self._authenticate(call)
        route = _ROUTE.match(unquote(call.path))
        if route is None:
            raise refuse(google_errors.reply(404, "Requested entity was not found."))
        model, method = route[1], route[2]
        if method is None:
            return self._models(call, model)
        if call.method != "POST":
            raise refuse(google_errors.reply(404))
        return self._call(call, credential, model.removeprefix("models/"), method)

    def error(self, call: Call, status: int, message: str = "", code: str = "") -> Reply:  # noqa: ARG002
        if status == 529:
            status = 503
        details = [google_errors.info(code, DOMAIN)] if code else None
        return google_errors.reply(status, message, details)

    def _authenticate(self, call: Call) -> Credential:
        given = [call.header("x-goog-api-key"), call.query.get("key"), call.bearer]
        secrets = [each for each in given if each is not None]
        if len(secrets) > 1:
            text = "Multiple authentication credentials received. Please pass only one."
            raise refuse(google_errors.reply(400, text))
        if not secrets:
            text = (
                "Method doesn't allow unregistered callers (callers without established identity)."
                " Please use API Key or other form of API consumer identity to call this API."
            )
            raise refuse(google_errors.reply(403, text))
        credential = call.world.logins.find(secrets[0], call.world.now())
        bearer_key = call.bearer is not None
        unsupported = [google_errors.info("ACCESS_TOKEN_TYPE_UNSUPPORTED", DOMAIN)]
        if bearer_key or secrets[0].startswith("ya29."):
            raise refuse(google_errors.reply(401, details=unsupported))
        if credential is None or "gemini" not in credential.hosts:
            details = [google_errors.info("API_KEY_INVALID", DOMAIN)]
            text = "API key not valid. Please pass a valid API key."
            raise refuse(google_errors.reply(400, text, details))
        call.know(credential)
        if credential.state is State.BLOCKED:
            raise refuse(google_errors.reply(401, details=unsupported))
        return credential

    def _models(self, call: Call, name: str | None) -> Reply:
        if call.method != "GET":
            raise refuse(google_errors.reply(404))
        call.gate("models")
        if name is not None:
            if name not in MODELS:
                raise refuse(self._no_model(name, "get"))
            return json_reply(_listed(name))
        names = list(MODELS)
        start = int(call.query.get("pageToken") or "0")
        size = int(call.query.get("pageSize") or "50")
        body: Json = {"models": [_listed(each) for each in names[start : start + size]]}
        if start + size < len(names):
            body["nextPageToken"] = str(start + size)
        return json_reply(body)

    def _no_model(self, name: str, method: str) -> Reply:
        text = (
            f"models/{name} is not found for API version v1beta, or is not supported for {method}."
            " Call ListModels to see the list of available models and their supported methods."
        )
        return google_errors.reply(404, text)

    def _call(self, call: Call, credential: Credential, model: str, method: str) -> Reply:
        if method not in {
            "generateContent",
            "streamGenerateContent",
            "countTokens",
            "embedContent",
        }:
            raise refuse(google_errors.reply(404))
        body = read_json(call)
        embeds = method == "embedContent"
        if model not in MODELS and not (embeds and model.startswith("gemini-embedding-")):
            raise refuse(self._no_model(model, method))
        if method == "countTokens":
            return self._count(call, body, model)
        if embeds:
            call.gate("embeddings", model)
            return json_reply({"embedding": {"values": [0.5, -0.25, 0.125, 1.0]}})
        problem = gemini_rules.problem(body, model)
        if problem is not None:
            raise refuse(generation_problem(problem))
        asked = gemini_content.input_tokens(body)
        if asked > MAX_INPUT_TOKENS:
            text = f"The input token count ({asked}) exceeds the maximum number of tokens allowed ({MAX_INPUT_TOKENS})."
            raise refuse(google_errors.reply(400, text))
        streams = method == "streamGenerateContent"
        call.gate("generate", model, stream=streams)
        if credential.state is State.EXHAUSTED:
            raise refuse(google_errors.reply(429, *google_errors.per_day(model)))
        answer = call.answer(gemini_content.read_turn(body, model, stream=streams))
        return gemini_reply(call, answer, model, BROKEN)

    def _count(self, call: Call, body: Json, model: str) -> Reply:
        inner = mapping(gemini_content.either(body, "generateContentRequest")) or body
        extra = [key for key in body if key not in {"contents", "generateContentRequest"}]
        if extra and inner is body:
            text = f'Invalid JSON payload received. Unknown name "{extra[0]}": Cannot find field.'
            raise refuse(google_errors.reply(400, text))
        problem = gemini_rules.problem(inner, model)
        if problem is not None:
            raise refuse(generation_problem(problem))
        call.gate("count_tokens", model)
        counted = gemini_content.input_tokens(inner)
        details = [{"modality": "TEXT", "tokenCount": counted}]
        return json_reply({"totalTokens": counted, "promptTokensDetails": details})


def read_json(call: Call) -> Json:
    """
    The body as an object.

    Raises:
        Refused: it is none.
    """
    try:
        body = call.json()
    except ValueError as bad:
        text = "Invalid JSON payload received. Unexpected end of string. Expected a value."
        raise refuse(google_errors.reply(400, text)) from bad
    if not isinstance(body, dict):
        text = 'Invalid JSON payload received. Unknown name "": Root element must be a message.'
        raise refuse(google_errors.reply(400, text))
    return body


def _listed(name: str) -> Json:
    return {
        "name": f"models/{name}",
        "version": name.removeprefix("gemini-"),
        "displayName": MODELS[name],
        "description": f"{MODELS[name]}, simulated.",
        "inputTokenLimit": MAX_INPUT_TOKENS,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }
