"""Code Assist's envelope around Gemini bodies, and the search for the project behind a login."""

from collections.abc import Generator
from typing import Any

import msgspec

from korproxy_addons.errors.catalogue import (
    ACCOUNT_ACTION_NEEDED,
    ACCOUNT_REJECTED,
    POLICY_REFUSED,
    PROJECT_REQUIRED,
    ROUTE_RETIRED,
    UPSTREAM_ERROR,
    UPSTREAM_INVALID_REPLY,
    UPSTREAM_UNAVAILABLE,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.bodies import (
    Fields,
    decode_fields,
    decode_items,
    encode,
    fields_or_none,
    raw,
)
from korproxy_addons.providers.calls import Pause, Reply, Request
from korproxy_addons.providers.error_words import read_words
from korproxy_addons.providers.outgoing import AccountFacts, Operation, Outgoing, join_url

POLL_PAUSE_S = 5.0
POLL_LIMIT = 60

_METADATA = {
    "ideType": "IDE_UNSPECIFIED",
    "platform": "PLATFORM_UNSPECIFIED",
    "pluginType": "GEMINI",
}
_PROMPT_TOO = ("systemInstruction", "system_instruction", "tools")
_JSON = (("content-type", "application/json"), ("accept", "application/json"))


class _Envelope(msgspec.Struct):
    response: msgspec.Raw = msgspec.Raw()
    trace_id: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="traceId")


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def wrap_envelope(body: bytes, outgoing: Outgoing, account: AccountFacts) -> bytes:
    """
    A Gemini body in the envelope of the operation.

    Raises:
        KorProxyError: NOT_JSON; PROJECT_REQUIRED if the account has none yet.
    """
    request = decode_fields(body)
    model = outgoing.model.removeprefix("models/")
    if outgoing.operation is Operation.COUNT_TOKENS:
        return encode({"request": _counted(request, model)})
    if not account.project:
        raise KorProxyError(PROJECT_REQUIRED, account.label)
    request.pop("model", None)
    if outgoing.session_id and "session_id" not in request:
        request["session_id"] = raw(outgoing.session_id)
    envelope: dict[str, object] = {"model": model, "project": account.project}
    if outgoing.prompt_id:
        envelope["user_prompt_id"] = outgoing.prompt_id
    envelope["request"] = request
    return encode(envelope)


def _counted(request: Fields, model: str) -> Fields:
    """
    What countTokens takes here: the model and the contents, nothing besides.

    System text and tools, which it has no fields for, count as a turn in front: without them the count would be far
    too low.
    """
    inner = fields_or_none(request.get("generateContentRequest", raw(None))) or request
    contents = inner.get("contents", raw([]))
    texts = [bytes(inner[name]).decode() for name in _PROMPT_TOO if name in inner]
    turns = decode_items(contents)
    if texts and turns is not None:
        contents = raw([{"role": "user", "parts": [{"text": text} for text in texts]}, *turns])
    return {"model": raw(f"models/{model}"), "contents": contents}


def unwrap_envelope(data: bytes) -> bytes:
    """The Gemini body in one answer or SSE payload; what is no envelope stays as it is."""
    try:
        envelope = _ENVELOPE.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data
    response = bytes(envelope.response)
    if response in {b"", b"null"}:
        return data
    trace_id = bytes(envelope.trace_id)
    if trace_id not in {b"", b"null"} and b'"responseId"' not in response:
        fields = fields_or_none(response)
        if fields is not None:
            fields["responseId"] = msgspec.Raw(trace_id)
            return encode(fields)
    return response


def discover_project(account: AccountFacts) -> Generator[Request | Pause, Reply | None, str]:
    """
    The project that the login's requests belong to: asked for, or set up.

    Raises:
        KorProxyError: ROUTE_RETIRED for personal accounts (closed 2026-06-18); PROJECT_REQUIRED;
            ACCOUNT_ACTION_NEEDED, POLICY_REFUSED, ACCOUNT_REJECTED with Google's words.
    """
    metadata: dict[str, str] = dict(_METADATA)
    question: dict[str, object] = {"metadata": metadata}
    if account.project:
        question["cloudaicompanionProject"] = account.project
        metadata["duetProject"] = account.project
    reply = yield _post(account, "loadCodeAssist", question)
    if reply is not None and reply.status == 403 and b"SECURITY_POLICY_VIOLATED" in reply.body:
        # VPC Service Controls hide the answer; only licensed accounts live behind them.
        return _project_or_error(account, account.project)
    answer = _answer(account, reply)
    if answer.get("currentTier"):
        found = _project_id(answer.get("cloudaicompanionProject"))
        return _project_or_error(account, found or account.project)
    tier = _default_tier(account, answer)
    tier_id = str(tier.get("id", ""))
    order: dict[str, object] = {"tierId": tier_id, "metadata": metadata}
    if tier_id != "free-tier":
        if tier.get("userDefinedCloudaicompanionProject") and not account.project:
            raise KorProxyError(PROJECT_REQUIRED, account.label)
        if account.project:
            order["cloudaicompanionProject"] = account.project
    operation = _answer(account, (yield _post(account, "onboardUser", order)))
    for _ in range(POLL_LIMIT):
        if operation.get("done") is True:
            break
        yield Pause(POLL_PAUSE_S)
        name = str(operation.get("name", ""))
        url = join_url(account.base_url, f"/v1internal/{name}")
        operation = _answer(account, (yield Request("GET", url, _JSON[1:])))
    else:
        raise KorProxyError(UPSTREAM_UNAVAILABLE, f"{account.label}: the set-up did not end")
    error = operation.get("error")
    if isinstance(error, dict):
        raise KorProxyError(UPSTREAM_ERROR, f"{account.label}: {error.get('message', '')}")
    response = operation.get("response")
    project = response.get("cloudaicompanionProject") if isinstance(response, dict) else None
    return _project_or_error(account, _project_id(project) or account.project)


def _post(account: AccountFacts, method: str, body: dict[str, object]) -> Request:
    return Request("POST", join_url(account.base_url, f"/v1internal:{method}"), _JSON, encode(body))


def _answer(account: AccountFacts, reply: Reply | None) -> dict[str, Any]:
    if reply is None:
        raise KorProxyError(UPSTREAM_INVALID_REPLY, f"{account.label}: no reply")
    if reply.status != 200:
        words = read_words(reply.body, reply.headers.get("content-type", ""))
        spec = {401: ACCOUNT_REJECTED, 403: POLICY_REFUSED}.get(reply.status, UPSTREAM_ERROR)
        if "VALIDATION_REQUIRED" in words.codes:
            spec = ACCOUNT_ACTION_NEEDED
        raise KorProxyError(spec, f"{account.label}: HTTP {reply.status} {words.message}")
    try:
        answer = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise KorProxyError(UPSTREAM_INVALID_REPLY, account.label) from error
    if not isinstance(answer, dict):
        raise KorProxyError(UPSTREAM_INVALID_REPLY, account.label)
    return answer


def _default_tier(account: AccountFacts, answer: dict[str, Any]) -> dict[str, Any]:
    tiers = [it for it in _listed(answer.get("allowedTiers")) if isinstance(it, dict)]
    if tiers:
        return next((it for it in tiers if it.get("isDefault")), tiers[0])
    for refusal in _listed(answer.get("ineligibleTiers")):
        if not isinstance(refusal, dict):
            continue
        message = str(refusal.get("reasonMessage", ""))
        match refusal.get("reasonCode"):
            case "UNSUPPORTED_CLIENT":
                raise KorProxyError(ROUTE_RETIRED, f"{account.label}: {message}")
            case "VALIDATION_REQUIRED":
                url = str(refusal.get("validationUrl", ""))
                raise KorProxyError(ACCOUNT_ACTION_NEEDED, f"{account.label}: {message} {url}")
            case reason:
                raise KorProxyError(POLICY_REFUSED, f"{account.label}: {message or reason}")
    raise KorProxyError(POLICY_REFUSED, f"{account.label}: Code Assist offers it no tier")


def _project_id(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else ""


def _project_or_error(account: AccountFacts, project: str) -> str:
    if not project:
        raise KorProxyError(PROJECT_REQUIRED, account.label)
    return project


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
