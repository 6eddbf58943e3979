"""Who may ask a person for permission, and how: the clients registered at each provider (providers.md, auth sections)."""

import re
from dataclasses import dataclass

CLAUDE_CLIENT = "9d1c250a-e61b-44d9-88ed-5944d1962f5e"
CODEX_CLIENT = "app_EMoamEEZ73f0CkXaXp7hrann"
SIWC_FIRST = "dynamic_agent_client"
SIWC_CLIENT = "oaiapp_sim"
GOOGLE_CLIENT = "681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com"
GOOGLE_SECRET = "sim-google-client-secret"  # noqa: S105
IFLOW_CLIENT = "10009311001"
QWEN_CLIENT = "f0304373b74a44d2b584a3fb70ca9e56"

_GOOGLE = "https://www.googleapis.com/auth/"


@dataclass(frozen=True)
class Client:
    """
    One registered client.

    Args:
        provider: Name on the page.
        page: Host and path of the page.
        access: The way in that a login is for.
        ids: Client ids that may ask.
        redirects: Patterns of the registered callbacks.
        manual: Callback that is a page of the provider, and where the simulator has it; or "".
        scopes: What may be asked for.
        needed: Query parameters and their required values; an empty value is any.
        pkce: A challenge must be given.
        redirect_field: Query parameter that names the callback.
    """

    provider: str
    page: tuple[str, str]
    access: str
    ids: tuple[str, ...]
    redirects: tuple[str, ...]
    scopes: frozenset[str]
    manual: tuple[str, str] = ("", "")
    needed: tuple[tuple[str, str], ...] = ()
    pkce: bool = True
    redirect_field: str = "redirect_uri"

    def takes(self, redirect_uri: str) -> bool:
        """Whether a callback is a registered one, exactly."""
        return any(re.fullmatch(it, redirect_uri) for it in self.redirects)


_CODE = ("response_type", "code")
CLIENTS = (
    Client(
        "Claude",
        ("claude-web", "/oauth/authorize"),
        "subscription",
        (CLAUDE_CLIENT,),
        (
            r"http://localhost:\d+/callback",
            r"https://platform\.claude\.com/oauth/code/callback",
        ),
        frozenset(
            {
                "org:create_api_key", "user:profile", "user:inference", "user:file_upload",
                "user:sessions:claude_code", "user:mcp_servers",
            }
        ),
        ("https://platform.claude.com/oauth/code/callback", "/claude-auth/oauth/code/callback"),
        (_CODE, ("code", "true"), ("state", "")),
    ),
    Client(
        "OpenAI",
        ("openai-auth", "/oauth/authorize"),
        "chatgpt",
        (CODEX_CLIENT,),
        (r"http://localhost:(1455|1457)/auth/callback",),
        frozenset(
            {
                "openid", "profile", "email", "offline_access", "api.connectors.read",
                "api.connectors.invoke",
            }
        ),
        needed=(_CODE, ("state", ""), ("id_token_add_organizations", "true"), ("originator", "")),
    ),
    Client(
        "ChatGPT",
        ("openai-auth", "/api/accounts/authorize"),
        "siwc",
        (SIWC_FIRST, SIWC_CLIENT),
        (r"http://127\.0\.0\.1:\d+/auth/callback",),
        frozenset(
            {
                "openid", "profile", "email", "offline_access", "resource.invoke",
                "chatgpt.tokens.use.direct",
            }
        ),
        needed=(
            _CODE, ("state", ""), ("nonce", ""), ("resource", "https://api.openai.com/v1"),
            ("ext_agent_host_id", ""),
        ),
    ),
    Client(
        "Google",
        ("google-accounts", "/o/oauth2/v2/auth"),
        "code-assist",
        (GOOGLE_CLIENT,),
        (
            r"http://127\.0\.0\.1:\d+/oauth2callback",
            r"https://codeassist\.google\.com/authcode",
        ),
        frozenset({f"{_GOOGLE}{it}" for it in ("cloud-platform", "userinfo.email", "userinfo.profile")}),
        ("https://codeassist.google.com/authcode", "/google-accounts/authcode"),
        (_CODE, ("access_type", "offline"), ("state", "")),
        pkce=False,
    ),
    Client(
        "iFlow",
        ("iflow-auth", "/oauth"),
        "login",
        (IFLOW_CLIENT,),
        (r"http://localhost:11451/oauth2callback",),
        frozenset(),
        needed=(("loginMethod", "phone"), ("type", "phone"), ("state", "")),
        pkce=False,
        redirect_field="redirect",
    ),
)  # fmt: skip
"""Every client with a page in the browser."""
