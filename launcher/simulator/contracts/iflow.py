"""`apis.iflow.cn`: errors come inside HTTP 200 (providers.md section 6)."""

from launcher.simulator.call import Call, Reply
from launcher.simulator.contracts.base import Contract, chat_reply, json_reply, refuse
from launcher.simulator.keys import Credential, State
from launcher.simulator.wire import compatible_rules, openai_chat
from launcher.simulator.wire.reading import Json

MODELS = (
    "qwen3-coder-plus",
    "qwen3-max",
    "qwen3-vl-plus",
    "glm-4.6",
    "glm-4.7",
    "glm-5",
    "kimi-k2",
    "kimi-k2.5",
    "minimax-m2.5",
    "deepseek-v3.2",
    "iflow-rome-30ba3b",
)
_HABITS = openai_chat.ChatHabits(openai=False, reasoning_field="reasoning_content")
_STATUS = {
    400: ("400", "Invalid request"),
    401: ("439", "Your token has expired"),
    403: ("434", "Invalid apiKey"),
    404: ("435", "Model not support"),
    413: ("413", "Content too long"),
    429: ("8211", "Model rate limit"),
    500: ("514", "Model error"),
    503: ("514", "Model error"),
}
_BY_STATE = {State.BLOCKED: 403, State.EXPIRED: 401}


class IFlow(Contract):
    """The service as it was before it ended."""

    hosts = ("iflow",)

    def handle(self, call: Call) -> Reply:
        credential = self._authenticate(call)
        if call.path == "/v1/models" and call.method == "GET":
            call.gate("models")
            data = [{"id": name, "object": "model", "owned_by": "iflow"} for name in MODELS]
            return json_reply({"object": "list", "data": data})
        if call.path != "/v1/chat/completions" or call.method != "POST":
            raise refuse(json_reply({"status": "404", "msg": "Not Found", "body": None}, 404))
        return self._chat(call, credential)

    def error(self, call: Call, status: int, message: str = "", code: str = "") -> Reply:  # noqa: ARG002
        usual = _STATUS.get(status, ("514", "Model error"))
        return json_reply({"status": code or usual[0], "msg": message or usual[1], "body": None})

    def _authenticate(self, call: Call) -> Credential:
        credential = call.world.logins.find(call.bearer, call.world.now())
        if credential is None or "iflow" not in credential.hosts:
            raise refuse(self.error(call, 403))
        call.know(credential)
        if credential.state in _BY_STATE:
            raise refuse(self.error(call, _BY_STATE[credential.state]))
        return credential

    def _chat(self, call: Call, credential: Credential) -> Reply:
        try:
            body: Json = dict(call.json())
        except (ValueError, TypeError) as bad:
            raise refuse(self.error(call, 400)) from bad
        problem = compatible_rules.chat_problem(body)
        if problem is not None:
            raise refuse(self.error(call, 400, problem))
        if body["model"] not in MODELS:
            raise refuse(self.error(call, 404))
        call.gate("generate", body["model"], stream=body.get("stream") is True)
        if credential.state is State.EXHAUSTED:
            raise refuse(self.error(call, 429, "Account rate limit", "449"))
        answer = call.answer(openai_chat.read_turn(body))
        envelope = {"status": "514", "msg": "Model error", "body": None}
        return chat_reply(call, answer, body, _HABITS, envelope)
