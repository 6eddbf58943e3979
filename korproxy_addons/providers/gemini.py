"""Gemini (Google): by API key, and by Code Assist licence."""

from dataclasses import dataclass

from korproxy_addons.config.habits import CODE_ASSIST, GEMINI_API, ModelFacts, Thinking
from korproxy_addons.providers import google_errors
from korproxy_addons.providers.base import (
    AccountFacts,
    Discovery,
    Operation,
    Outgoing,
    ProviderSpec,
    Tier,
)
from korproxy_addons.providers.code_assist import discover_project, unwrap_envelope, wrap_envelope
from korproxy_addons.providers.gemini_api import GEMINI, GeminiAccess, GoogleAccess
from korproxy_addons.providers.logins import LoginSpec
from korproxy_addons.providers.quota import QuotaReading
from korproxy_addons.providers.quota_answers import ask_code_assist


def _model(model: str, name: str) -> ModelFacts:
    return ModelFacts(
        id=model,
        display_name=name,
        owner="google",
        context_tokens=1_048_576,
        max_output_tokens=65_536,
        thinking=Thinking.LEVEL,
        efforts=("minimal", "low", "medium", "high"),
        inputs=("text", "image", "document", "audio", "video"),
    )


MODELS = (
    _model("gemini-3.8-flash", "Gemini 3.8 Flash"),
    _model("gemini-3.7-flash", "Gemini 3.7 Flash"),
    _model("gemini-3.6-flash", "Gemini 3.6 Flash"),
    _model("gemini-3.5-flash", "Gemini 3.5 Flash"),
    _model("gemini-3.5-flash-lite", "Gemini 3.5 Flash-Lite"),
    _model("gemini-3.1-flash-lite", "Gemini 3.1 Flash-Lite"),
    _model("gemini-3.1-pro-preview", "Gemini 3.1 Pro"),
    _model("gemini-3-pro-preview", "Gemini 3 Pro"),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class CodeAssistAccess(GoogleAccess):
    """The same body inside Code Assist's envelope; needs the account's project."""

    def path(
        self,
        operation: Operation,
        model: str,
        *,
        stream: bool = False,
        dialect: str = "",
        client_query: str = "",
    ) -> str | None:
        del model, client_query
        if dialect not in {"", GEMINI}:
            return None
        if operation is Operation.GENERATE:
            verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
            return f"/v1internal:{verb}"
        return "/v1internal:countTokens" if operation is Operation.COUNT_TOKENS else None

    def prepare(self, body: bytes, outgoing: Outgoing, account: AccountFacts) -> bytes:
        return wrap_envelope(body, outgoing, account)

    def unwrap(self, data: bytes) -> bytes:
        return unwrap_envelope(data)

    @property
    def discovers(self) -> bool:
        return True

    def discover(self, account: AccountFacts) -> Discovery:
        return discover_project(account)


_SCOPES = "https://www.googleapis.com/auth/"
LOGIN = LoginSpec(  # providers.md 4a; a refresh gives no new refresh token
    client_id="681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com",
    auth_url="https://accounts.google.com/o/oauth2/v2/auth",
    token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
    profile_url="https://www.googleapis.com/oauth2/v2/userinfo",
    scopes=(
        f"{_SCOPES}cloud-platform",
        f"{_SCOPES}userinfo.email",
        f"{_SCOPES}userinfo.profile",
    ),
    required_scopes=(f"{_SCOPES}cloud-platform",),
    auth_params=(
        ("response_type", "code"),
        ("access_type", "offline"),
        ("prompt", "consent"),  # else a second login brings no refresh token
    ),
    redirect_path="/oauth2callback",
    manual_redirect="https://codeassist.google.com/authcode",
    needs_client_secret=True,
)

GEMINI_PROVIDER = ProviderSpec(
    id="gemini",
    name="Gemini",
    model_prefixes=("gemini-", "gemma-"),
    test_model="gemini-3.5-flash-lite",
    accesses=(
        GeminiAccess(
            id="api-key",
            name="API key",
            habits=(GEMINI_API,),
            base_url="https://generativelanguage.googleapis.com",
            credential="x-goog-api-key",
            forward_headers=frozenset({"x-goog-api-client", "x-server-timeout"}),
            rules=google_errors.RULES,
            models=MODELS,
        ),
        CodeAssistAccess(
            id="code-assist",
            name="Code Assist licence",
            habits=(CODE_ASSIST,),
            base_url="https://cloudcode-pa.googleapis.com",
            login=LOGIN,
            quota_url="https://cloudcode-pa.googleapis.com/v1internal:retrieveUserQuota",
            tier=Tier.RESTRICTED,
            needs_consent=True,
            only_for_tool="gemini-cli",
            refreshes=True,
            rules=google_errors.RULES,
            models=MODELS,
            quota=QuotaReading(ask=ask_code_assist),
        ),
    ),
)
