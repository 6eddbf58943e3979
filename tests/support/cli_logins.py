"""Logins as the official tools leave them, with tokens that are invented."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NOW = 1_800_000_000.0
LATER_MS = int((NOW + 3600) * 1000)
EARLIER_MS = int((NOW - 3600) * 1000)


def jwt(claims: Mapping[str, Any]) -> str:
    """A token with these claims, and a signature that is none."""
    parts = [json.dumps(it).encode() for it in ({"alg": "RS256"}, dict(claims))]
    return ".".join([*(base64.urlsafe_b64encode(it).decode().rstrip("=") for it in parts), "c2ln"])


def claude(expires_ms: int = LATER_MS, token: str = "sk-ant-oat01-canary-claude") -> dict[str, Any]:
    """Claude Code's `.credentials.json`."""
    return {
        "claudeAiOauth": {
            "accessToken": token,
            "refreshToken": "sk-ant-ort01-canary-claude-refresh",
            "expiresAt": expires_ms,
            "refreshTokenExpiresAt": expires_ms + 1000,
            "scopes": ["user:inference", "user:profile"],
            "subscriptionType": "max",
            "rateLimitTier": "default_claude_max_20x",
        },
        "mcpOAuth": {"server": {"accessToken": "canary-of-an-mcp-server"}},
    }


def claude_profile() -> dict[str, Any]:
    """The part of Claude Code's `.claude.json` that we look at."""
    account = {"emailAddress": "mina@example.com", "accountUuid": "u-1", "organizationUuid": "o-1"}
    return {"numStartups": 3, "oauthAccount": {**account, "organizationName": "Mina's"}}


def codex(expires_s: float = NOW + 3600, token: str = "canary-codex") -> dict[str, Any]:
    """Codex's `auth.json` of a ChatGPT login; `token` is in the access token's claims."""
    claims = {
        "email": "mina@example.com",
        "https://api.openai.com/auth": {
            "chatgpt_account_id": "from-claims",
            "chatgpt_plan_type": "plus",
        },
    }
    tokens = {
        "id_token": jwt(claims),
        "access_token": jwt({"exp": expires_s, "jti": token}),
        "refresh_token": "rt_canary-codex-refresh",
        "account_id": "6d1a",
    }
    return {
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": None,
        "tokens": tokens,
        "last_refresh": "2026-11-20T08:12:44.120Z",
    }


def gemini(expires_ms: int = LATER_MS, token: str = "ya29.canary-gemini") -> dict[str, Any]:
    """Gemini CLI's `oauth_creds.json`."""
    return {
        "access_token": token,
        "refresh_token": "1//canary-gemini-refresh",
        "scope": "https://www.googleapis.com/auth/cloud-platform openid",
        "token_type": "Bearer",
        "id_token": jwt({"email": "from-claims@example.com"}),
        "expiry_date": expires_ms,
    }


def qwen(expires_ms: int = LATER_MS, token: str = "canary-qwen") -> dict[str, Any]:
    """Qwen Code's `oauth_creds.json`."""
    return {
        "access_token": token,
        "refresh_token": "canary-qwen-refresh",
        "token_type": "Bearer",
        "resource_url": "portal.qwen.ai",
        "expiry_date": expires_ms,
    }


def iflow(token: str = "canary-iflow") -> dict[str, Any]:
    """The `oauth_creds.json` of iFlow CLI."""
    return {"access_token": token, "refresh_token": "canary-iflow-refresh", "token_type": "bearer"}


FILES = {
    "claude": ".claude/.credentials.json",
    "codex": ".codex/auth.json",
    "gemini": ".gemini/oauth_creds.json",
    "qwen": ".qwen/oauth_creds.json",
    "iflow": ".iflow/oauth_creds.json",
}
"""Each tool's file, below the user's folder."""


def leave(home: Path, name: str, content: Any) -> Path:
    """Write a file below the user's folder, as JSON unless it is text."""
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(0o600)
    return path


def leave_all(home: Path) -> None:
    """Every tool has signed in."""
    leave(home, FILES["claude"], claude())
    leave(home, ".claude.json", claude_profile())
    leave(home, FILES["codex"], codex())
    leave(home, FILES["gemini"], gemini())
    leave(home, ".gemini/google_accounts.json", {"active": "mina@example.com", "old": []})
    leave(home, FILES["qwen"], qwen())
    leave(home, FILES["iflow"], iflow())
    leave(home, ".iflow/iflow_accounts.json", {"iflowApiKey": "sk-canary-iflow-key"})
