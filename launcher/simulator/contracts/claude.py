"""Anthropic: `api.anthropic.com` and the token endpoint `platform.claude.com` (providers.md section 2)."""

from launcher.simulator.call import Call, Headers, Reply
from launcher.simulator.contracts import claude_limits, claude_models
from launcher.simulator.contracts.base import Contract, json_reply, messages_reply, refuse
from launcher.simulator.keys import Credential, State
from launcher.simulator.wire import anthropic_messages, anthropic_rules
from launcher.simulator.wire.reading import Json

OAUTH_BETA = "oauth-2025-04-20"
VERSIONS = frozenset({"2023-01-01", "2023-06-01", "2026-10-21"})
MAX_BODY_BYTES = 32 * 1024 * 1024

THIRD_PARTY = (
    "This credential is only authorized for use with Claude Code and cannot be used for other API"
    " requests."
)
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_MESSAGES = {
    401: "Invalid authentication credentials",
    402: "Your credit balance is too low to access the Anthropic API.",
    403: "Your API key does not have permission to use the specified resource.",
    404: "Not Found",
    413: "Request exceeds the maximum allowed number of bytes.",
    429: "This request would exceed your account's rate limit. Please try again later.",
    500: "Internal server error",
    503: "Service temporarily unavailable",
    504: "Request timed out",
    529: "Overloaded",
}


class Claude(Contract):
    """API keys and subscription tokens."""

    hosts = ("claude",)

    def handle(self, call: Call) -> Reply:
        if call.path in {"", "/", "/api/hello"}:
            call.entry.operation = "probe"
            return Reply(404 if call.path != "/api/hello" else 200)
        credential = self._authenticate(call)
        reply = self._route(call, credential)
        return reply.with_headers(*self._headers(call, credential))

    def error(self, call: Call, status: int, message: str = "", code: str = "") -> Reply:
        request_id = call.world.ids.make("req_011", 20)
        envelope = {
            "type": "error",
            "error": {
                "type": code or _TYPES.get(status, "api_error"),
                "message": message or _MESSAGES.get(status, "Invalid request"),
            },
            "request_id": request_id,
        }
        retry = "true" if status in {408, 409, 429} or status >= 500 else "false"
        headers: Headers = [("request-id", request_id), ("x-should-retry", retry)]
        if call.credential is not None:
            headers += claude_limits.headers(call.credential, call.world.now(), status == 429)
        return json_reply(envelope, status, headers)

    def _headers(self, call: Call, credential: Credential) -> Headers:
        request_id = call.world.ids.make("req_011", 20)
        return [
            ("request-id", request_id),
            ("anthropic-organization-id", "0b7c-sim"),
            *claude_limits.headers(credential, call.world.now(), rejected=False),
        ]

    def _authenticate(self, call: Call) -> Credential:
        key, token = call.header("x-api-key"), call.bearer
        if key is None and token is None:
            raise refuse(self.error(call, 401, "x-api-key header is required"))
        subscription = (token or "").startswith("sk-ant-oat01-")
        if key is not None and subscription:
            raise refuse(self.error(call, 401, "Invalid authentication credentials"))
        credential = call.world.logins.find(key if key is not None else token, call.world.now())
        wrong_place = credential is not None and key is not None and credential.access != "api-key"
        if credential is None or "claude" not in credential.hosts or wrong_place:
            text = "invalid x-api-key" if key is not None else "Invalid bearer token"
            raise refuse(self.error(call, 401, text))
        call.know(credential)
        if credential.access == "subscription":
            self._admit_subscription(call, credential)
        if credential.state is State.BLOCKED:
            raise refuse(self.error(call, 401, "invalid x-api-key"))
        return credential

    def _admit_subscription(self, call: Call, credential: Credential) -> None:
        if OAUTH_BETA not in betas(call):
            text = "OAuth authentication is currently not supported."
            raise refuse(self.error(call, 401, text))
        if credential.state is State.EXPIRED:
            text = (
                "OAuth token has expired. Please obtain a new token or refresh your existing token."
            )
            raise refuse(self.error(call, 401, text))

    def _route(self, call: Call, credential: Credential) -> Reply:
        post, get = call.method == "POST", call.method == "GET"
        if call.path.startswith("/api/oauth/") and credential.access == "subscription":
            return self._account(call, credential)
        if not call.path.startswith("/v1/"):
            raise refuse(self.error(call, 404))
        if call.header("anthropic-version") is None:
            raise refuse(self.error(call, 400, "anthropic-version: header is required"))
        if call.header("anthropic-version") not in VERSIONS:
            text = f'anthropic-version: "{call.header("anthropic-version")}" is not a valid version'
            raise refuse(self.error(call, 400, text))
        if call.path == "/v1/messages" and post:
            return self._messages(call, credential)
        if call.path == "/v1/messages/count_tokens" and post:
            body = self._body(call, counting=True)
            call.gate("count_tokens", str(body["model"]))
            return json_reply({"input_tokens": anthropic_messages.input_tokens(body)})
        if call.path.startswith("/v1/models") and get:
            return self._models(call)
        raise refuse(self.error(call, 404))

    def _messages(self, call: Call, credential: Credential) -> Reply:
        body = self._body(call, counting=False)
        model = str(body["model"])
        call.gate("generate", model, stream=body.get("stream") is True)
        if credential.state is State.EXHAUSTED:
            resets = claude_limits.reset_of_five_hours(call.world.now())
            reply = self.error(call, 429)
            raise refuse(reply.with_headers(("retry-after", str(int(resets - call.world.now())))))
        if credential.state is State.BROKE:
            raise refuse(self.error(call, 402))
        if credential.state is State.NOT_ELIGIBLE and not _is_claude_code(call, body):
            raise refuse(self.error(call, 400, THIRD_PARTY))
        answer = call.answer(anthropic_messages.read_turn(body))
        envelope = {
            "type": "error",
            "error": {"type": "overloaded_error", "message": "Overloaded"},
            "request_id": call.world.ids.make("req_011", 20),
        }
        return messages_reply(call, answer, body, envelope)

    def _body(self, call: Call, *, counting: bool) -> Json:
        if len(call.body) > MAX_BODY_BYTES:
            raise refuse(self.error(call, 413))
        try:
            body = call.json()
        except ValueError as bad:
            text = f"The request body is not valid JSON: {bad}"
            raise refuse(self.error(call, 400, text)) from bad
        problem = anthropic_rules.problem(body, betas(call), counting=counting)
        if problem is not None:
            raise refuse(self.error(call, 400, problem))
        if claude_models.find(body["model"]) is None:
            raise refuse(self.error(call, 404, f"model: {body['model']}"))
        problem = claude_models.problem(body, counting=counting)
        if problem is not None:
            raise refuse(self.error(call, 400, problem))
        return dict(body)

    def _models(self, call: Call) -> Reply:
        name = call.path.removeprefix("/v1/models").strip("/")
        call.gate("models")
        if name:
            found = claude_models.find(name)
            if found is None:
                raise refuse(self.error(call, 404, f"model: {name}"))
            return json_reply(found)
        return json_reply(claude_models.page(call.query))

    def _account(self, call: Call, credential: Credential) -> Reply:
        if call.method != "GET":
            raise refuse(self.error(call, 404))
        if "user:profile" not in credential.scopes:
            text = "OAuth token does not meet scope requirement user:profile"
            raise refuse(self.error(call, 403, text))
        name = call.path.removeprefix("/api/oauth/")
        if name not in {"usage", "profile", "claude_cli/roles"}:
            raise refuse(self.error(call, 404))
        call.gate(name)
        if name == "usage":
            return json_reply(claude_limits.usage(credential, call.world.now()))
        organization = {
            "uuid": "0b7c-sim",
            "name": f"{credential.email}'s Organization",
            "organization_type": "claude_max",
            "rate_limit_tier": "default_claude_max_20x",
        }
        if name == "profile":
            account = {"uuid": credential.account_id, "email": credential.email}
            return json_reply({"account": account, "organization": organization})
        return json_reply({"organization_role": "admin", "workspace_role": None})


def betas(call: Call) -> frozenset[str]:
    """The names in the `anthropic-beta` header."""
    return frozenset(name.strip() for name in (call.header("anthropic-beta") or "").split(","))


def _is_claude_code(call: Call, body: Json) -> bool:
    """Roughly what the server looks at; the real rule is not known."""
    system = body.get("system")
    return "claude-code-20250219" in betas(call) and isinstance(system, list)
