"""`cloudcode-pa.googleapis.com`: Gemini by Google login, in Code Assist's envelope (providers.md section 4)."""

from launcher.simulator.call import Call, Reply
from launcher.simulator.contracts import google_errors
from launcher.simulator.contracts.base import Contract, gemini_reply, json_reply, refuse
from launcher.simulator.contracts.claude_limits import rfc3339
from launcher.simulator.contracts.gemini import BROKEN, MODELS, generation_problem, read_json
from launcher.simulator.ids import Ids
from launcher.simulator.keys import Credential, State
from launcher.simulator.wire import gemini_content, gemini_rules
from launcher.simulator.wire.reading import Json, mapping, word

DOMAIN = "cloudcode-pa.googleapis.com"
_TELEMETRY = frozenset(
    {
        "fetchAdminControls",
        "listExperiments",
        "recordCodeAssistMetrics",
        "getCodeAssistGlobalUserSetting",
        "setCodeAssistGlobalUserSetting",
    }
)
_ENVELOPE = frozenset({"model", "project", "user_prompt_id", "request", "enabled_credit_types"})
POLLS = 3
_UNLICENSED = "You do not have a valid license of this product. Contact your administrator. (#3501)"


class CodeAssist(Contract):
    """Bearer tokens of Google logins."""

    hosts = ("code-assist",)

    def handle(self, call: Call) -> Reply:
        credential = self._authenticate(call)
        path = call.path
        if path.startswith("/v1internal/operations/") and call.method == "GET":
            return self._poll(call, path.removeprefix("/v1internal/"))
        if not path.startswith("/v1internal:") or call.method != "POST":
            raise refuse(google_errors.reply(404))
        method = path.removeprefix("/v1internal:")
        body = read_json(call)
        if method in _TELEMETRY:
            call.gate(method)
            return json_reply({})
        if method == "loadCodeAssist":
            return self._load(call, credential, body)
        if method == "onboardUser":
            return self._onboard(call, credential, body)
        if method == "retrieveUserQuota":
            call.gate("usage")
            return self._quota(call, credential)
        if method in {"generateContent", "streamGenerateContent"}:
            return self._generate(call, credential, body, streams=method[0] == "s")
        if method == "countTokens":
            return self._count(call, body)
        raise refuse(google_errors.reply(404))

    def error(self, call: Call, status: int, message: str = "", code: str = "") -> Reply:  # noqa: ARG002
        if status == 529:
            status = 503
        details = [google_errors.info(code, DOMAIN)] if code else None
        return google_errors.reply(status, message, details)

    def _authenticate(self, call: Call) -> Credential:
        given = [call.header("x-goog-api-key"), call.query.get("key"), call.bearer]
        if len([each for each in given if each is not None]) > 1:
            text = "Multiple authentication credentials received. Please pass only one."
            raise refuse(google_errors.reply(400, text))
        credential = call.world.logins.find(call.bearer, call.world.now())
        if credential is None or "code-assist" not in credential.hosts:
            raise refuse(google_errors.reply(401))
        call.know(credential)
        if credential.state is State.EXPIRED:
            details = [google_errors.info("ACCESS_TOKEN_EXPIRED", DOMAIN)]
            raise refuse(google_errors.reply(401, details=details))
        return credential

    def _load(self, call: Call, credential: Credential, body: Json) -> Reply:
        if "metadata" not in body:
            raise refuse(google_errors.reply(400))
        call.gate("loadCodeAssist")
        standard = {"id": "standard-tier", "name": "Gemini Code Assist Standard"}
        free = {"id": "free-tier", "name": "Gemini Code Assist for individuals"}
        if credential.state is State.RETIRED:
            text = (
                "This client is no longer supported for Gemini Code Assist for individuals. To"
                " continue using Gemini, please migrate to the Antigravity suite of products."
            )
            tier = {
                "reasonCode": "UNSUPPORTED_CLIENT",
                "reasonMessage": text,
                "tierId": "free-tier",
                "tierName": free["name"],
            }
            return json_reply({"allowedTiers": [], "ineligibleTiers": [tier]})
        allowed = {**standard, "isDefault": True, "userDefinedCloudaicompanionProject": True}
        if credential.state is State.NEW and credential.secret not in _onboarded(call):
            return json_reply({"allowedTiers": [allowed]})
        project = body.get("cloudaicompanionProject") or credential.account_id
        return json_reply(
            {
                "currentTier": standard,
                "allowedTiers": [allowed],
                "cloudaicompanionProject": project,
                "paidTier": {**standard, "availableCredits": []},
            }
        )

    def _onboard(self, call: Call, credential: Credential, body: Json) -> Reply:
        tier = body.get("tierId")
        project = body.get("cloudaicompanionProject")
        if tier not in {"standard-tier", "free-tier"}:
            raise refuse(google_errors.reply(400, "Invalid tier."))
        if (tier == "free-tier") == bool(project):
            raise refuse(google_errors.reply(400, "Precondition check failed."))
        if credential.state is State.RETIRED:
            raise refuse(google_errors.reply(403))
        call.gate("onboardUser")
        name = call.world.ids.make("operations/", 12)
        call.world.operations[name] = POLLS
        _onboarded(call)[credential.secret] = str(project)
        return json_reply({"name": name, "done": False})

    def _poll(self, call: Call, name: str) -> Reply:
        left = call.world.operations.get(name)
        if left is None:
            raise refuse(google_errors.reply(404))
        call.gate("poll")
        call.world.operations[name] = left - 1
        if left > 1:
            return json_reply({"name": name, "done": False})
        project = {"id": "corp-proj", "name": "corp-proj"}
        return json_reply(
            {"name": name, "done": True, "response": {"cloudaicompanionProject": project}}
        )

    def _quota(self, call: Call, credential: Credential) -> Reply:
        reset = rfc3339((call.world.now() // 86_400 + 1) * 86_400)
        exhausted = credential.state is State.EXHAUSTED
        buckets = [
            {
                "modelId": model,
                "tokenType": "REQUESTS",
                "remainingAmount": "0" if exhausted else "940",
                "remainingFraction": 0 if exhausted else 0.94,
                "resetTime": reset,
            }
            for model in MODELS
        ]
        return json_reply({"buckets": buckets})

    def _generate(self, call: Call, credential: Credential, body: Json, *, streams: bool) -> Reply:
        unknown = [key for key in body if key not in _ENVELOPE]
        if unknown:
            text = f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.'
            raise refuse(google_errors.reply(400, text))
        model, inner = word(body, "model"), mapping(body.get("request"))
        if model not in MODELS:
            raise refuse(google_errors.reply(404))
        if credential.state in {State.NO_LICENCE, State.RETIRED}:
            raise refuse(google_errors.reply(403, _UNLICENSED))
        if not body.get("project"):
            raise refuse(google_errors.reply(400, "project is required"))
        if body["project"] != credential.account_id:
            details = [google_errors.info("IAM_PERMISSION_DENIED", DOMAIN)]
            text = f"Permission denied on resource project {body['project']}."
            raise refuse(google_errors.reply(403, text, details))
        problem = gemini_rules.problem(inner, model, code_assist=True)
        if problem is not None:
            raise refuse(generation_problem(problem))
        call.gate("generate", model, stream=streams)
        if credential.state is State.EXHAUSTED:
            raise refuse(quota_exhausted(call, model))
        answer = call.answer(gemini_content.read_turn(inner, model, stream=streams))

        def wrap(reply: Json, ids: Ids) -> Json:
            return {
                "response": reply,
                "traceId": ids.make("", 16),
                "consumedCredits": [],
                "remainingCredits": [],
            }

        return gemini_reply(call, answer, model, BROKEN, wrap)

    def _count(self, call: Call, body: Json) -> Reply:
        inner = mapping(body.get("request"))
        model = str(inner.get("model"))
        if set(body) - {"request"} or not inner.get("contents"):
            raise refuse(google_errors.reply(400))
        if not model.startswith("models/") or model.removeprefix("models/") not in MODELS:
            raise refuse(google_errors.reply(404))
        call.gate("count_tokens", model.removeprefix("models/"))
        return json_reply({"totalTokens": gemini_content.input_tokens(inner)})


def _onboarded(call: Call) -> dict[str, str]:
    """Projects of logins that were onboarded in this run, by token."""
    return call.world.projects


def quota_exhausted(call: Call, model: str, delay_s: float = 33_740.91) -> Reply:
    """The 429 of a licence whose day is spent."""
    hours, rest = divmod(int(delay_s), 3600)
    delay = f"{delay_s:.2f}s"
    metadata = {
        "quotaResetTimeStamp": rfc3339(call.world.now() + delay_s),
        "quotaResetDelay": delay,
        "uiMessage": "true",
        "model": model,
    }
    text = f"Individual quota reached. Resets in {hours}h{rest // 60}m{rest % 60}s."
    details = [google_errors.info("QUOTA_EXHAUSTED", DOMAIN, metadata)]
    return google_errors.reply(429, text, [*details, google_errors.retry_info(delay)])
