"""Logins by device code: the standard flow at Qwen, OpenAI's own one (providers.md 5a, 3a mode B)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from launcher.simulator.authorizations import Asked, Code, Device, challenge_of
from launcher.simulator.call import Call, Reply
from launcher.simulator.contracts.base import json_reply, refuse
from launcher.simulator.contracts.clients import CODEX_CLIENT, QWEN_CLIENT
from launcher.simulator.contracts.consent import account_named, account_names
from launcher.simulator.contracts.pages import device_page, page

Json = dict[str, Any]
Error = Callable[[Call, int, str, str], Reply]

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_QWEN_BEGIN = ("qwen-auth", "/api/v1/oauth2/device/code")
_CODEX_BEGIN = ("openai-auth", "/api/accounts/deviceauth/usercode")
_CODEX_POLL = ("openai-auth", "/api/accounts/deviceauth/token")
_PAGES = {("qwen-auth", "/authorize"): "oauth", ("openai-auth", "/codex/device"): "chatgpt"}
_SCOPES = {
    "oauth": frozenset({"openid", "profile", "email", "model.completion"}),
    "chatgpt": frozenset({"openid", "profile", "email", "offline_access"}),
}
CALLBACK = "/deviceauth/callback"


def takes(call: Call) -> bool:
    """Whether this is one of the endpoints or pages."""
    here = (call.host, call.path)
    return here in {_QWEN_BEGIN, _CODEX_BEGIN, _CODEX_POLL} or here in _PAGES


def answer(call: Call, error: Error) -> Reply:
    """
    The code, what became of it, or the page.

    Raises:
        Refused: The provider would refuse the request.
    """
    here = (call.host, call.path)
    if here in _PAGES:
        return _page(call, _PAGES[here])
    if call.method != "POST":
        raise refuse(error(call, 405, "Method Not Allowed", "invalid_request"))
    if here == _QWEN_BEGIN:
        return _begin_qwen(call, error)
    return _begin_codex(call, error) if here == _CODEX_BEGIN else _poll_codex(call, error)


def _begin_qwen(call: Call, error: Error) -> Reply:
    kind = (call.header("content-type") or "").partition(";")[0]
    form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
    if kind != "application/x-www-form-urlencoded" or form.get("client_id") != QWEN_CLIENT:
        raise refuse(error(call, 400, "Bad client_id or content type", "invalid_client"))
    scopes = frozenset(form.get("scope", "").split())
    challenge = form.get("code_challenge", "")
    if not scopes or not scopes <= _SCOPES["oauth"]:
        raise refuse(error(call, 400, "Unknown scope", "invalid_scope"))
    if form.get("code_challenge_method") != "S256" or len(challenge) != 43:
        raise refuse(error(call, 400, "Bad code_challenge", "invalid_request"))
    call.gate("device")
    device = call.world.authorizations.device(
        call.world.ids, call.world.now(), access="oauth", client_id=QWEN_CLIENT, scopes=scopes,
        challenge=challenge,
    )  # fmt: skip
    url = f"{call.world.base_url}/qwen-auth/authorize"
    return json_reply(
        {
            "device_code": device.device_code,
            "user_code": device.user_code,
            "verification_uri": url,
            "verification_uri_complete": f"{url}?user_code={device.user_code}&client=korproxy",
            "expires_in": int(call.world.authorizations.device_life_s),
            "interval": device.interval_s,
        }
    )


def _begin_codex(call: Call, error: Error) -> Reply:
    if _json(call, error).get("client_id") != CODEX_CLIENT:
        raise refuse(error(call, 400, "Unknown client", "invalid_client"))
    call.gate("device")
    verifier = call.world.ids.make("", 64)
    device = call.world.authorizations.device(
        call.world.ids, call.world.now(), access="chatgpt", client_id=CODEX_CLIENT,
        scopes=_SCOPES["chatgpt"], verifier=verifier, challenge=challenge_of(verifier),
    )  # fmt: skip
    interval = device.interval_s
    return json_reply(
        {
            "device_auth_id": device.device_code,
            "user_code": device.user_code,
            "interval": str(int(interval)) if interval == int(interval) else interval,
        }
    )


def _poll_codex(call: Call, error: Error) -> Reply:
    form = _json(call, error)
    device = call.world.authorizations.by_device_code(str(form.get("device_auth_id", "")))
    call.gate("device-poll")
    if device is None or device.user_code != form.get("user_code"):
        raise refuse(error(call, 403, "Unknown device", "deviceauth_authorization_unknown"))
    now = call.world.now()
    expired = device.expires_at <= now or device.done
    if expired or device.decision != "approve" or device.credential is None:
        raise refuse(error(call, 403, "Device authorization is pending", "deviceauth_pending"))
    device.done = True
    redirect = f"{call.world.base_url}/openai-auth{CALLBACK}"
    asked = Asked("chatgpt", CODEX_CLIENT, redirect, "", device.scopes, device.challenge)
    code = call.world.authorizations.issue(
        call.world.ids, asked, device.credential, device.scopes, now
    )
    return json_reply(
        {
            "authorization_code": code,
            "code_challenge": device.challenge,
            "code_verifier": device.verifier,
        }
    )


def redeem_device(call: Call, form: Json, error: Error) -> Code:
    """
    The standard poll: the person's yes, as if it were a code that was exchanged.

    Raises:
        Refused: Not yet, too fast, no, or never.
    """

    def refused(code: str, status: int = 400) -> Exception:
        return refuse(error(call, status, f"The device login: {code}", code))

    device = call.world.authorizations.by_device_code(str(form.get("device_code", "")))
    call.gate("device-poll")
    if device is None or device.done or form.get("client_id") != device.client_id:
        raise refused("invalid_grant")
    if challenge_of(str(form.get("code_verifier", ""))) != device.challenge:
        raise refused("invalid_grant")
    now = call.world.now()
    if device.expires_at <= now:
        raise refused("expired_token")
    too_fast = now - device.polled_at < device.interval_s * 0.9
    device.polled_at = now
    if too_fast or (call.rule is not None and call.rule.fault == "slow-down"):
        device.interval_s = min(device.interval_s * 1.5, 10.0)
        raise refused("slow_down", 429)
    if device.decision == "deny":
        raise refused("access_denied")
    if device.credential is None:
        raise refused("authorization_pending")
    device.done = True
    call.know(device.credential)
    asked = Asked(device.access, device.client_id, "", "", device.scopes)
    return Code(asked, device.credential, device.scopes, now, used=True)


def _page(call: Call, access: str) -> Reply:
    provider = "Qwen" if access == "oauth" else "OpenAI"
    if call.method != "POST":
        return device_page(provider, call.query.get("user_code", ""), account_names(access))
    form = parse_qs(call.body.decode("utf-8", "replace"))
    device = _waiting(call, form.get("user_code", [""])[0], access)
    if device is None:
        return page("Wrong code", "<p>There is no such code, or it has expired.</p>", 400)
    credential = account_named(access, form.get("account", [""])[0])
    call.know(credential)
    call.gate("consent")
    device.decision = "approve" if form.get("decision") == ["approve"] else "deny"
    if device.decision == "approve":
        device.credential = credential
    return page("Done", "<p id=done>You can close this page.</p>")


def _waiting(call: Call, user_code: str, access: str) -> Device | None:
    device = call.world.authorizations.by_user_code(user_code)
    if device is None or device.access != access or device.expires_at <= call.world.now():
        return None
    return None if device.decision else device


def _json(call: Call, error: Error) -> Json:
    if (call.header("content-type") or "").partition(";")[0] != "application/json":
        raise refuse(error(call, 400, "Content-Type must be application/json", "invalid_request"))
    try:
        body = call.json()
    except ValueError as bad:
        raise refuse(error(call, 400, "Invalid request format", "invalid_request")) from bad
    return body if isinstance(body, dict) else {}
