"""Every way in to the simulated providers, with a credential and a model that work."""

from launcher.simulator.hosts import Access
from launcher.simulator.keys import chatgpt_account_id, chatgpt_token

_CHAT, _RESPONSES = "openai-chat", "openai-responses"
_MESSAGES, _GEMINI = "anthropic-messages", "gemini"

ACCESSES: tuple[Access, ...] = (
    Access(
        "claude",
        "api-key",
        "/claude",
        "/claude",
        _MESSAGES,
        "sk-ant-api03-sim-1",
        "claude-sonnet-5-5",
    ),
    Access(
        "claude",
        "subscription",
        "/claude",
        "/claude",
        _MESSAGES,
        "sk-ant-oat01-sim-1",
        "claude-sonnet-5-5",
        token="/claude-auth/v1/oauth/token",  # noqa: S106
        auth="/claude-web/oauth/authorize",
        profile="/claude/api/oauth/profile",
        quota="/claude/api/oauth/usage",
    ),
    Access(
        "openai", "api-key", "/openai", "/openai/v1", _RESPONSES, "sk-proj-sim-1", "gpt-6.1-sol"
    ),
    Access(
        "openai", "api-key-chat", "/openai", "/openai/v1", _CHAT, "sk-proj-sim-1", "gpt-6.1-sol"
    ),
    Access(
        "openai",
        "chatgpt",
        "/chatgpt",
        "/chatgpt/backend-api/codex",
        _RESPONSES,
        chatgpt_token("sim-1", 1),
        "gpt-6.1-sol",
        token="/openai-auth/oauth/token",  # noqa: S106
        auth="/openai-auth/oauth/authorize",
        device="/openai-auth/api/accounts/deviceauth",
        quota="/chatgpt/backend-api/wham/usage",
        account_id=chatgpt_account_id(1),
    ),
    Access(
        "openai",
        "siwc",
        "/openai",
        "/openai/v1",
        _RESPONSES,
        "siwc-sim-1",
        "gpt-6.1-sol",
        token="/openai-auth/api/accounts/oauth/token",  # noqa: S106
        auth="/openai-auth/api/accounts/authorize",
        discovery="/openai-auth/.well-known/openid-configuration",
    ),
    Access(
        "gemini", "api-key", "/gemini", "/gemini/v1beta", _GEMINI, "AQ.sim-1", "gemini-3.8-flash"
    ),
    Access(
        "gemini",
        "code-assist",
        "/code-assist",
        "/code-assist/v1internal",
        _GEMINI,
        "ya29.sim-1",
        "gemini-3.8-flash",
        token="/google-auth/token",  # noqa: S106
        auth="/google-accounts/o/oauth2/v2/auth",
        profile="/google-auth/oauth2/v2/userinfo",
        quota="/code-assist/v1internal:retrieveUserQuota",
        account_id="corp-proj",
    ),
    Access(
        "qwen",
        "api-key",
        "/qwen",
        "/qwen/compatible-mode/v1",
        _CHAT,
        "sk-sim-qwen-1",
        "qwen3.8-max",
    ),
    Access(
        "qwen",
        "coding-plan",
        "/qwen-coding",
        "/qwen-coding/v1",
        _CHAT,
        "sk-sp-sim-coding-1",
        "qwen3.8-max",
    ),
    Access(
        "qwen",
        "token-plan",
        "/qwen-token-plan",
        "/qwen-token-plan/compatible-mode/v1",
        _CHAT,
        "sk-sp-sim-token-1",
        "qwen3.8-max",
    ),
    Access(
        "qwen",
        "oauth",
        "/qwen-portal",
        "/qwen-portal/v1",
        _CHAT,
        "qwen-oauth-sim-1",
        "qwen3-coder-plus",
        token="/qwen-auth/api/v1/oauth2/token",  # noqa: S106
        device="/qwen-auth/api/v1/oauth2/device/code",
    ),
    Access("iflow", "api-key", "/iflow", "/iflow/v1", _CHAT, "sk-iflow-sim-1", "glm-5"),
    Access(
        "iflow",
        "login",
        "/iflow",
        "/iflow/v1",
        _CHAT,
        "sk-iflow-sim-1",
        "glm-5",
        token="/iflow-auth/oauth/token",  # noqa: S106
        auth="/iflow-auth/oauth",
        profile="/iflow-auth/api/oauth/getUserInfo",
    ),
    Access(
        "compatible",
        "chat",
        "/compat-chat",
        "/compat-chat/v1",
        _CHAT,
        "sk-compat-sim-1",
        "sim-large",
    ),
    Access(
        "compatible",
        "responses",
        "/compat-responses",
        "/compat-responses/v1",
        _RESPONSES,
        "sk-compat-sim-1",
        "sim-large",
    ),
    Access(
        "compatible",
        "anthropic",
        "/compat-anthropic",
        "/compat-anthropic",
        _MESSAGES,
        "sk-compat-sim-1",
        "sim-large",
    ),
    Access(
        "compatible",
        "gemini",
        "/compat-gemini",
        "/compat-gemini/v1beta",
        _GEMINI,
        "sk-compat-sim-1",
        "sim-large",
    ),
)
"""`(provider, access)` is unique. The Qwen login is here to be refused: it ended."""
