"""
What the gateway answers in a client's dialect by itself, without any upstream.

Gemini CLI with a Google login asks its backend around each session: who am I, what may I use, what is left. Here it is told that
all is well, in the least words that let it go on; which account really answers is decided request by request.
"""

from typing import Any, Final

import msgspec

from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.replies import Reply, own_headers

PROJECT: Final = "korproxy"
"""The project that a client without one of its own is given; it names nothing at Google."""

_TIER: Final = {
    "id": "standard-tier",
    "name": "KorProxy",
    "description": "The accounts connected to KorProxy on this machine",
    "isDefault": True,
    "userDefinedCloudaicompanionProject": False,
}


def own_answer(exchange: Exchange) -> Reply:
    """The reply to what `Wanted.own` names."""
    assert exchange.wanted is not None
    answer = _code_assist(exchange.wanted.own, exchange.client.body)
    fields = (("content-type", "application/json"), *own_headers(exchange))
    return Reply(200, fields, msgspec.json.encode(answer))


def _code_assist(method: str, body: bytes) -> dict[str, Any]:
    match method:
        case "loadCodeAssist":
            return {
                "currentTier": _TIER,
                "allowedTiers": [_TIER],
                "cloudaicompanionProject": _project(body),
            }
        case "onboardUser" | "operations":
            project = {"id": _project(body), "name": "KorProxy"}
            return {
                "name": "operations/korproxy",
                "done": True,
                "response": {"cloudaicompanionProject": project},
            }
        case "retrieveUserQuota":
            return {"buckets": []}
        case "listExperiments":
            return {"experimentIds": [], "flags": []}
        case "getCodeAssistGlobalUserSetting" | "setCodeAssistGlobalUserSetting":
            return {"cloudaicompanionProject": PROJECT, "freeTierDataCollectionOptin": False}
    return {}


def _project(body: bytes) -> str:
    """The project that the client names, if it names one."""
    try:
        asked = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return PROJECT
    found = asked.get("cloudaicompanionProject") if isinstance(asked, dict) else None
    return found if isinstance(found, str) and found else PROJECT
