"""
Token endpoints: beginning a login and refreshing it, at every provider (sections 2a, 3a, 4a, 5a, 6a of providers.md).

The pages where a person says yes are in `consent`, what a code must hold to in `exchange`, device logins in `device`.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from launcher.simulator.call import Call, Reply
from launcher.simulator.contracts import consent, device, identity
from launcher.simulator.contracts.base import Contract, json_reply, refuse
from launcher.simulator.contracts.clients import (
    CLAUDE_CLIENT,
    CODEX_CLIENT,
    GOOGLE_CLIENT,
    IFLOW_CLIENT,
    QWEN_CLIENT,
    SIWC_CLIENT,
)
from launcher.simulator.contracts.exchange import redeem
from launcher.simulator.keys import FAR_FUTURE, Credential, State, chatgpt_token
from launcher.simulator.logins import Grant

Json = dict[str, Any]
CLAUDE_GRANT_S = 2_419_200


@dataclass(frozen=True)
class Endpoint:
    """
    One provider's token endpoint.

    Args:
        access: Whose refresh tokens it takes.
        encodings: Accepted content types.
        rotates: Every refresh uses the refresh token up and gives a new one.
        needed: Form fields and their required values; an empty value is any.
        basic: The client's id and secret must stand in an `Authorization: Basic` header as well.
    """

    access: str
    encodings: tuple[str, ...]
    rotates: bool
    lifetime_s: int
    needed: tuple[tuple[str, str], ...]
    basic: bool = False


_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
ENDPOINTS = {
    ("claude-auth", "/v1/oauth/token"): Endpoint(
        "subscription", (_JSON,), True, 28_800, (("client_id", CLAUDE_CLIENT),)
    ),
    ("openai-auth", "/oauth/token"): Endpoint(
        "chatgpt", (_JSON, _FORM), True, 864_000, (("client_id", CODEX_CLIENT),)
    ),
    ("openai-auth", "/api/accounts/oauth/token"): Endpoint(
        "siwc",
        (_FORM,),
        True,
        3600,
        (("client_id", SIWC_CLIENT), ("resource", "https://api.openai.com/v1")),
    ),
    ("google-auth", "/token"): Endpoint(
        "code-assist",
        (_FORM,),
        False,
        3599,
        (("client_id", GOOGLE_CLIENT), ("client_secret", "")),
    ),
    ("qwen-auth", "/api/v1/oauth2/token"): Endpoint(
        "oauth", (_FORM,), True, 21_600, (("client_id", QWEN_CLIENT),)
    ),
    ("iflow-auth", "/oauth/token"): Endpoint(
        "login",
        (_FORM,),
        True,
        172_800,
        (("client_id", IFLOW_CLIENT), ("client_secret", "")),
        basic=True,
    ),
}


class Tokens(Contract):
    """The hosts that give out access tokens."""

    hosts = (
        "claude-auth",
        "claude-web",
        "openai-auth",
        "google-auth",
        "google-accounts",
        "qwen-auth",
        "iflow-auth",
    )

    def handle(self, call: Call) -> Reply:
        if (call.host, call.path) == ("google-auth", "/oauth2/v2/userinfo"):
            return self._userinfo(call)
        if (call.host, call.path) == ("iflow-auth", "/api/oauth/getUserInfo"):
            return self._iflow_key(call)
        if identity.takes(call):
            return identity.answer(call)
        if consent.takes(call):
            return consent.answer(call)
        if device.takes(call):
            return device.answer(call, self.error)
        endpoint = ENDPOINTS.get((call.host, call.path))
        if endpoint is None or call.method != "POST":
            raise refuse(self.error(call, 404, "Not Found", "not_found"))
        return self._give(call, endpoint)

    def error(self, call: Call, status: int, message: str = "", code: str = "") -> Reply:
        usual = {400: "invalid_request", 401: "invalid_client", 429: "rate_limit_error"}
        name = code or usual.get(status, "server_error")
        if call.host == "openai-auth" and call.path == "/oauth/token":
            error = {"message": message or name, "type": "invalid_request_error", "code": name}
            return json_reply({"error": error}, status)
        body = {"error": name}
        if message:
            body["error_description"] = message
        return json_reply(body, status)

    def _give(self, call: Call, endpoint: Endpoint) -> Reply:
        form = self._form(call, endpoint)
        grant_type = form.get("grant_type")
        if grant_type not in {"refresh_token", "authorization_code"} and not (
            grant_type == device.GRANT and call.host == "qwen-auth"
        ):
            text = f"Unsupported grant type: {grant_type}"
            raise refuse(self.error(call, 400, text, "unsupported_grant_type"))
        if endpoint.basic and not (call.header("authorization") or "").startswith("Basic "):
            raise refuse(self.error(call, 401, "Client authentication is missing"))
        for name, value in endpoint.needed:
            given = form.get(name)
            if not given or (value and given != value):
                code = "invalid_client" if name.startswith("client_") else "invalid_request"
                raise refuse(self.error(call, 400, f"Bad or missing {name}", code))
        if grant_type != "refresh_token":
            return self._begin(call, endpoint, form)
        refresh_token = str(form.get("refresh_token", ""))
        grant = call.world.logins.grant(refresh_token)
        if grant is None or grant.credential.access != endpoint.access:
            raise refuse(self._dead(call, "unknown"))
        call.know(grant.credential)
        call.gate("refresh")
        if grant.family.revoked:
            raise refuse(self._dead(call, "revoked"))
        if grant.used:
            # Two hold the same token, and one of them is a thief: nobody keeps the login.
            grant.family.revoked = True
            raise refuse(self._dead(call, "reused"))
        now = call.world.now()
        if grant.ends_at is not None and grant.ends_at <= now:
            raise refuse(self._dead(call, "expired"))
        self._check_scope(call, form, grant)
        return json_reply(self._granted(call, endpoint, grant, now))

    def _begin(self, call: Call, endpoint: Endpoint, form: Json) -> Reply:
        """The first tokens of a login."""
        exchanged = form["grant_type"] == "authorization_code"
        if exchanged and endpoint.access == "chatgpt" and _content_type(call) != _FORM:
            raise refuse(self.error(call, 400, f"Content-Type must be {_FORM}", "invalid_request"))
        code = (
            redeem(call, endpoint.access, form, self.error)
            if exchanged
            else device.redeem_device(call, form, self.error)
        )
        now = call.world.now()
        secret = self._jwt(call, endpoint, code.credential)
        new = call.world.logins.start(
            code.credential, now, endpoint.lifetime_s, scopes=code.scopes, secret=secret
        )
        code.refresh = new.refresh
        grant = call.world.logins.grant(new.refresh)
        assert grant is not None
        if call.host == "claude-auth":
            grant.ends_at = now + CLAUDE_GRANT_S
        reply = self._reply_of(call.host, endpoint, new, grant, now)
        if endpoint.access == "siwc":
            reply["id_token"] = identity.id_token(
                new,
                now,
                foreign=call.rule is not None and call.rule.fault == "foreign-key",
                iss=identity.ISSUER,
                aud=SIWC_CLIENT,
                nonce=code.asked.nonce,
            )
        if call.host == "google-auth":
            reply.update(refresh_token=new.refresh, scope=" ".join(sorted(code.scopes)))
        return json_reply(reply)

    def _form(self, call: Call, endpoint: Endpoint) -> Json:
        kind = _content_type(call)
        if kind not in endpoint.encodings:
            text = f"Content-Type must be {' or '.join(endpoint.encodings)}"
            raise refuse(self.error(call, 400, text, "invalid_request"))
        if kind == _FORM:
            return dict(parse_qsl(call.body.decode("utf-8", "replace")))
        try:
            body = call.json()
        except ValueError as bad:
            raise refuse(self.error(call, 400, "Invalid request format")) from bad
        return body if isinstance(body, dict) else {}

    def _check_scope(self, call: Call, form: Json, grant: Grant) -> None:
        asked = frozenset(str(form.get("scope", "")).split())
        if asked and not asked <= grant.credential.scopes:
            text = "The requested scope is invalid, unknown, or malformed."
            raise refuse(self.error(call, 400, text, "invalid_scope"))

    def _dead(self, call: Call, why: str) -> Reply:
        """A refresh token that is over, in each provider's words."""
        if call.host == "claude-auth":
            text = "Refresh token expired" if why == "expired" else ""
            text = text or "Refresh token not found or invalid"
            return self.error(call, 400, text, "invalid_grant")
        if call.host == "openai-auth":
            codes = {"reused": "refresh_token_reused", "expired": "refresh_token_expired"}
            code = codes.get(why, "refresh_token_invalidated")
            status = 401 if call.path == "/oauth/token" else 400
            text = "Your refresh token has already been used." if why == "reused" else ""
            return self.error(call, status, text or "Your refresh token is not valid.", code)
        text = (
            "Token has been expired or revoked." if call.host == "google-auth" else "Invalid token"
        )
        return self.error(call, 400, text, "invalid_grant")

    def _granted(self, call: Call, endpoint: Endpoint, grant: Grant, now: float) -> Json:
        logins = call.world.logins
        first = call.host == "claude-auth" and grant.ends_at is None
        if first:
            grant.ends_at = now + CLAUDE_GRANT_S
        secret = self._jwt(call, endpoint, grant.credential)
        new = logins.renew(grant, now, endpoint.lifetime_s, rotate=endpoint.rotates, secret=secret)
        return self._reply_of(call.host, endpoint, new, grant, now)

    def _jwt(self, call: Call, endpoint: Endpoint, credential: Credential) -> str:
        """The access token where it is a JWT, else nothing."""
        if endpoint.access != "chatgpt":
            return ""
        number = int(credential.account_id.rpartition("-")[2])
        name = f"{credential.email.split('@')[0]}-{call.world.ids.make('', 6)}"
        return chatgpt_token(name, number, credential.plan, FAR_FUTURE)

    def _reply_of(
        self, host: str, endpoint: Endpoint, new: Credential, grant: Grant, now: float
    ) -> Json:
        common: Json = {"token_type": "Bearer", "access_token": new.secret}
        lasting = {"expires_in": endpoint.lifetime_s}
        scope = " ".join(sorted(new.scopes))
        if host == "claude-auth":
            ends_in = int((grant.ends_at or now) - now)
            return {
                **common,
                **lasting,
                "refresh_token": new.refresh,
                "refresh_token_expires_in": ends_in,
                "scope": scope,
                "organization": {"uuid": "0b7c-sim", "name": f"{new.email}'s Organization"},
                "account": {"uuid": new.account_id, "email_address": new.email},
            }
        if endpoint.access == "chatgpt":
            return {
                "id_token": new.secret,
                "access_token": new.secret,
                "refresh_token": new.refresh,
            }
        if endpoint.access == "siwc":
            return {
                **common,
                **lasting,
                "refresh_token": new.refresh,
                "id_token": identity.id_token(new, now, iss=identity.ISSUER, aud=SIWC_CLIENT),
                "scope": scope,
                "earliest_refresh_at": int(now) + endpoint.lifetime_s // 2,
            }
        if host == "google-auth":
            scope = "https://www.googleapis.com/auth/cloud-platform"
            return {**common, **lasting, "scope": scope, "id_token": _id_token(new)}
        both = {**common, **lasting, "refresh_token": new.refresh}
        return (
            {**both, "resource_url": "portal.qwen.ai"}
            if host == "qwen-auth"
            else {**both, "scope": ""}
        )

    def _iflow_key(self, call: Call) -> Reply:
        """The inference key that belongs to a login: the access token is none itself."""
        credential = call.world.logins.find(call.query.get("accessToken"), call.world.now())
        if credential is None or credential.state is State.EXPIRED or credential.access != "login":
            return json_reply({"success": False, "message": "invalid token", "data": None})
        call.know(credential)
        call.gate("profile")
        data = {"apiKey": credential.account_id, "email": credential.email, "phone": ""}
        return json_reply({"success": True, "data": data})

    def _userinfo(self, call: Call) -> Reply:
        credential = call.world.logins.find(call.bearer, call.world.now())
        if credential is None or credential.access != "code-assist":
            raise refuse(self.error(call, 401, "Invalid Credentials"))
        call.know(credential)
        call.gate("profile")
        return json_reply(
            {"id": "1000", "email": credential.email, "verified_email": True, "name": "Sim"}
        )


def _content_type(call: Call) -> str:
    return (call.header("content-type") or "").partition(";")[0].strip().lower()


def _id_token(credential: Credential, **claims: str) -> str:
    who = {"sub": credential.account_id, "email": credential.email, **claims}
    parts = ['{"alg":"RS256"}', json.dumps(who), "simulated"]
    return ".".join(base64.urlsafe_b64encode(p.encode()).decode().rstrip("=") for p in parts)
