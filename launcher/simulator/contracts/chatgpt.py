"""`chatgpt.com/backend-api`: the Codex backend of ChatGPT plans (providers.md section 3, mode B)."""

from launcher.simulator.call import Call, Headers, Reply
from launcher.simulator.contracts import openai_models
from launcher.simulator.contracts.base import Contract, json_reply, refuse, responses_reply
from launcher.simulator.contracts.openai import compacted
from launcher.simulator.keys import Credential, State
from launcher.simulator.wire import openai_responses as responses
from launcher.simulator.wire import openai_responses_rules
from launcher.simulator.wire.reading import Json, objects

UNSUPPORTED = (
    "max_output_tokens",
    "max_completion_tokens",
    "max_tokens",
    "temperature",
    "top_p",
    "user",
    "metadata",
    "safety_identifier",
    "stream_options",
    "prompt_cache_retention",
    "prompt_cache_options",
    "truncation",
    "previous_response_id",
)
_PREFIX = "/backend-api"
_PRIMARY_S, _SECONDARY_S = 18_000, 604_800
_DETAILS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class ChatGPT(Contract):
    """ChatGPT logins: inference as Codex does it, usage, catalogue."""

    hosts = ("chatgpt",)

    def handle(self, call: Call) -> Reply:
        if not call.path.startswith(f"{_PREFIX}/"):
            raise refuse(self.error(call, 404))
        credential = self._authenticate(call)
        if call.header("upgrade") is not None:
            call.gate("websocket")
            raise refuse(self.error(call, 426, "Upgrade Required"))
        reply = self._route(call, credential)
        return reply.with_headers(*self._headers(call, credential))

    def error(self, call: Call, status: int, message: str = "", code: str = "") -> Reply:
        headers = self._headers(call, call.credential)
        if status == 429 and code in {"", "usage_limit_reached"}:
            return usage_limit(call, headers, message)
        if code or status in {429, 503}:
            code = code or "server_is_overloaded"
            text = message or "Our servers are currently overloaded. Please try again later."
            return json_reply(
                {"error": {"type": code, "code": code, "message": text}}, status, headers
            )
        return json_reply(
            {"detail": message or _DETAILS.get(status, "Bad Request")}, status, headers
        )

    def _headers(self, call: Call, credential: Credential | None) -> Headers:
        ids: Headers = [
            ("x-oai-request-id", call.world.ids.make("", 32)),
            ("cf-ray", f"{call.world.ids.make('', 16)}-SIM"),
        ]
        return ids if credential is None else [*ids, *limit_headers(credential, call.world.now())]

    def _authenticate(self, call: Call) -> Credential:
        credential = call.world.logins.find(call.bearer, call.world.now())
        if credential is None or "chatgpt" not in credential.hosts:
            reply = self.error(call, 401, "Could not parse your authentication token.")
            raise refuse(reply)
        call.know(credential)
        if credential.state is State.EXPIRED:
            text = "Provided authentication token is expired. Please try signing in again."
            envelope = {
                "error": {"message": text, "type": None, "code": "token_expired", "param": None}
            }
            raise refuse(json_reply(envelope, 401, self._headers(call, None)))
        account = call.header("chatgpt-account-id")
        if account is None:
            raise refuse(self.error(call, 401, "ChatGPT-Account-Id header is required"))
        if account != credential.account_id:
            raise refuse(self.error(call, 403, "This token does not belong to the account."))
        return credential

    def _route(self, call: Call, credential: Credential) -> Reply:
        path = call.path.removeprefix(_PREFIX)
        if path == "/codex/responses" and call.method == "POST":
            return self._responses(call, credential)
        if path == "/codex/responses/compact" and call.method == "POST":
            body = self._json(call)
            self._check(call, body, streaming=False)
            call.gate("compact", str(body["model"]))
            self._spend(call, credential)
            return json_reply(compacted(call, body))
        if path == "/codex/models" and call.method == "GET":
            return self._catalogue(call)
        if path == "/wham/usage" and call.method == "GET":
            call.gate("usage")
            return json_reply(usage(credential, call.world.now()))
        if path == "/wham/rate-limit-reset-credits" and call.method == "GET":
            call.gate("reset_credits")
            return json_reply({"available_count": 0})
        if path in {"/codex/responses", "/codex/responses/compact"}:
            raise refuse(self.error(call, 405))
        raise refuse(self.error(call, 404))

    def _json(self, call: Call) -> Json:
        try:
            body = call.json()
        except ValueError as bad:
            raise refuse(self.error(call, 400, "Invalid JSON body")) from bad
        if not isinstance(body, dict):
            raise refuse(self.error(call, 400, "Invalid JSON body"))
        return body

    def _responses(self, call: Call, credential: Credential) -> Reply:
        body = self._json(call)
        self._check(call, body, streaming=True)
        call.gate("generate", body["model"], stream=True)
        self._spend(call, credential)
        answer = call.answer(responses.read_turn(body))
        return responses_reply(call, answer, body, empty_output=call.wants_empty_output)

    def _check(self, call: Call, body: Json, *, streaming: bool) -> None:
        def no(text: str) -> None:
            raise refuse(self.error(call, 400, text))

        if streaming and body.get("stream") is not True:
            no("Stream must be set to true")
        if streaming and body.get("store") is not False:
            no("Store must be set to false")
        if not isinstance(body.get("instructions"), str) or not body["instructions"]:
            # The released Codex (0.169) with its own login sends none: its developer messages stand for them.
            items = body.get("input")
            roles = (
                [it.get("role") for it in items if isinstance(it, dict)]
                if isinstance(items, list)
                else []
            )
            if "instructions" in body or "developer" not in roles:
                no("Instructions are required")
        if not isinstance(body.get("input"), list):
            no("Input must be a list")
        for name in UNSUPPORTED:
            if name in body:
                no(f"Unsupported parameter: {name}")
        if any(item.get("role") == "system" for item in objects(body["input"])):
            no("System messages are not allowed")
        found = openai_responses_rules.problem({**body, "store": False})
        if found is not None:
            error = {
                "message": found.message,
                "type": "invalid_request_error",
                "param": found.param,
                "code": found.code,
            }
            raise refuse(json_reply({"error": error}, 400, self._headers(call, call.credential)))
        model = openai_models.find(body["model"])
        if model is None or not model.codex:
            no(
                f"The '{body['model']}' model is not supported when using Codex with a ChatGPT"
                " account."
            )

    def _spend(self, call: Call, credential: Credential) -> None:
        if credential.state is State.EXHAUSTED:
            raise refuse(self.error(call, 429))
        if credential.state is State.NOT_ELIGIBLE:
            text = "To use Codex with your ChatGPT plan, upgrade to Plus."
            raise refuse(self.error(call, 403, text, "usage_not_included"))

    def _catalogue(self, call: Call) -> Reply:
        version = call.query.get("client_version")
        if version is None:
            raise refuse(self.error(call, 422, "client_version is required"))
        call.gate("models")
        numbers = tuple(int(n) for n in version.split("-")[0].split(".") if n.isdigit())
        etag = f'W/"sim-{version}"'
        if call.header("if-none-match") == etag:
            return Reply(304, headers=[("etag", etag)], content_type=None)
        return json_reply(openai_models.catalogue(numbers), headers=[("etag", etag)])


def _resets(now: float) -> tuple[int, int]:
    """When the five-hour and the weekly window end, Unix seconds."""
    return (
        (int(now) // _PRIMARY_S + 1) * _PRIMARY_S,
        (int(now) // _SECONDARY_S + 1) * _SECONDARY_S,
    )


def _used(credential: Credential) -> tuple[int, int]:
    return (100, 44) if credential.state is State.EXHAUSTED else (18, 44)


def limit_headers(credential: Credential, now: float) -> Headers:
    """The limit headers of every reply, error or not."""
    found: Headers = [
        ("x-codex-plan-type", credential.plan),
        ("x-codex-active-limit", "codex"),
    ]
    windows = zip(
        ("primary", "secondary"), _used(credential), _resets(now), (300, 10080), strict=True
    )
    for name, used, reset, minutes in windows:
        found += [
            (f"x-codex-{name}-used-percent", str(used)),
            (f"x-codex-{name}-window-minutes", str(minutes)),
            (f"x-codex-{name}-reset-at", str(reset)),
            (f"x-codex-{name}-reset-after-seconds", str(int(reset - now))),
        ]
    return [
        *found,
        ("x-codex-primary-over-secondary-limit-percent", "0"),
        ("x-codex-credits-has-credits", "False"),
        ("x-codex-credits-unlimited", "False"),
        ("x-codex-credits-balance", "0"),
    ]


def usage_limit(call: Call, headers: Headers, message: str = "") -> Reply:
    """The 429 of a plan whose window is spent."""
    now = call.world.now()
    resets_at = _resets(now)[0]
    error = {
        "type": "usage_limit_reached",
        "message": message or "The usage limit has been reached",
        "plan_type": call.credential.plan if call.credential is not None else "plus",
        "resets_at": resets_at,
        "resets_in_seconds": int(resets_at - now),
        "eligible_promo": None,
    }
    return json_reply({"error": error}, 429, headers)


def usage(credential: Credential, now: float) -> Json:
    """The body of `wham/usage`."""
    windows = []
    for used, reset, seconds in zip(
        _used(credential), _resets(now), (_PRIMARY_S, _SECONDARY_S), strict=True
    ):
        windows.append(
            {
                "used_percent": used,
                "limit_window_seconds": seconds,
                "reset_after_seconds": int(reset - now),
                "reset_at": reset,
            }
        )
    return {
        "plan_type": credential.plan,
        "rate_limit": {
            "limit_reached": credential.state is State.EXHAUSTED,
            "primary_window": windows[0],
            "secondary_window": windows[1],
        },
        "additional_rate_limits": [
            {
                "limit_name": "gpt-6-astra",
                "metered_feature": "codex_astra",
                "rate_limit": {"limit_reached": False},
            }
        ],
        "credits": {"has_credits": False, "unlimited": False, "balance": "0"},
        "rate_limit_reset_credits": {"available_count": 0},
    }
