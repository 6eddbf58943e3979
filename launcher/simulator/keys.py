"""
The credentials the simulated providers know. All invented; a real one is refused.

Every way in has keys `…-1`, `…-2`, `…-3` that work, so that tests can have several accounts, and keys whose name says
what is wrong with them.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum

FAR_FUTURE = 4_102_444_800
"""Unix seconds, the year 2100: when a token that should not expire expires."""


class State(StrEnum):
    """What is the matter with a credential."""

    OK = "ok"
    EXPIRED = "expired"
    EXHAUSTED = "exhausted"
    BROKE = "broke"
    BLOCKED = "blocked"
    NOT_ELIGIBLE = "not-eligible"
    NO_LICENCE = "no-licence"
    NEW = "new"
    RETIRED = "retired"


@dataclass(frozen=True)
class Credential:
    """
    A key or an access token.

    Args:
        hosts: Names of the simulated hosts which take it.
        refresh: Refresh token of the login at the start of the run, or `""`.
        account_id: The provider's own id of the account, where requests or replies name it.
        scopes: What a login grants.
    """

    secret: str
    provider: str
    access: str
    hosts: frozenset[str]
    state: State = State.OK
    refresh: str = ""
    account_id: str = ""
    email: str = ""
    plan: str = ""
    scopes: frozenset[str] = field(default_factory=frozenset)


def _jwt(name: str, account_id: str, plan: str, expires_at: int) -> str:
    """A token in JWT form with a signature nobody can check."""
    claims = {
        "iss": "https://auth.openai.com",
        "aud": ["https://api.openai.com/v1"],
        "exp": expires_at,
        "sub": f"user-{name}",
        "https://api.openai.com/profile": {"email": f"{name}@example.com"},
        "https://api.openai.com/auth": {
            "chatgpt_account_id": account_id,
            "chatgpt_user_id": f"user-{name}",
            "chatgpt_plan_type": plan,
        },
    }
    parts = [{"alg": "RS256", "typ": "JWT", "kid": "sim"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    mark = base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode().rstrip("=")
    return ".".join([*encoded, mark])


def chatgpt_account_id(number: int) -> str:
    """The ChatGPT account id of the n-th simulated login."""
    return f"6d1a0000-0000-4000-8000-{number:012d}"


def chatgpt_token(name: str, number: int, plan: str = "plus", expires_at: int = FAR_FUTURE) -> str:
    """The access token of a ChatGPT login."""
    return _jwt(name, chatgpt_account_id(number), plan, expires_at)


def _claude() -> list[Credential]:
    hosts = frozenset({"claude"})
    states = {"exhausted": State.EXHAUSTED, "broke": State.BROKE, "blocked": State.BLOCKED}
    found = [
        Credential(f"sk-ant-api03-sim-{n}", "claude", "api-key", hosts) for n in ("1", "2", "3")
    ]
    found += [
        Credential(f"sk-ant-api03-sim-{name}", "claude", "api-key", hosts, state)
        for name, state in states.items()
    ]
    full = frozenset({"user:profile", "user:inference"})
    tokens = {"1": State.OK, "2": State.OK, "3": State.OK} | {
        "expired": State.EXPIRED,
        "exhausted": State.EXHAUSTED,
        "third-party": State.NOT_ELIGIBLE,
        "setup": State.OK,
    }
    for name, state in tokens.items():
        scopes = frozenset({"user:inference"}) if name == "setup" else full
        found.append(
            Credential(
                f"sk-ant-oat01-sim-{name}",
                "claude",
                "subscription",
                hosts,
                state,
                refresh="" if name == "setup" else f"sk-ant-ort01-sim-{name}",
                account_id=f"51f0-sim-{name}",
                email=f"{name}@example.com",
                plan="max",
                scopes=scopes,
            )
        )
    return found


def _openai() -> list[Credential]:
    api = {"1": State.OK, "2": State.OK, "3": State.OK} | {
        "broke": State.BROKE,
        "exhausted": State.EXHAUSTED,
        "blocked": State.BLOCKED,
    }
    hosts = frozenset({"openai"})
    found = [
        Credential(f"sk-proj-sim-{name}", "openai", "api-key", hosts, state)
        for name, state in api.items()
    ]
    found += [
        Credential(
            f"siwc-sim-{name}", "openai", "siwc", hosts, state,
            refresh=f"siwc-rt-sim-{name}", account_id=f"user-siwc-{name}",
            scopes=frozenset({"openid", "resource.invoke", "chatgpt.tokens.use.direct"}),
        )
        for name, state in {
            "1": State.OK,
            "2": State.OK,
            "exhausted": State.EXHAUSTED,
            "not-eligible": State.NOT_ELIGIBLE,
            "expired": State.EXPIRED,
        }.items()
    ]  # fmt: skip
    logins = [
        ("sim-1", 1, State.OK, "plus"),
        ("sim-2", 2, State.OK, "pro"),
        ("sim-3", 3, State.OK, "plus"),
        ("sim-expired", 4, State.EXPIRED, "plus"),
        ("sim-exhausted", 5, State.EXHAUSTED, "plus"),
        ("sim-free", 6, State.NOT_ELIGIBLE, "free"),
    ]
    for name, number, state, plan in logins:
        expires_at = 1_700_000_000 if state is State.EXPIRED else FAR_FUTURE
        found.append(
            Credential(
                chatgpt_token(name, number, plan, expires_at),
                "openai",
                "chatgpt",
                frozenset({"chatgpt"}),
                state,
                refresh=f"rt_{name}",
                account_id=chatgpt_account_id(number),
                email=f"{name}@example.com",
                plan=plan,
            )
        )
    return found


def _google() -> list[Credential]:
    keys = {"AQ.sim-1": State.OK, "AQ.sim-2": State.OK, "AQ.sim-3": State.OK} | {
        "AIzaSim-1": State.OK,
        "AIzaSim-blocked": State.BLOCKED,
        "AQ.sim-exhausted": State.EXHAUSTED,
    }
    found = [
        Credential(key, "gemini", "api-key", frozenset({"gemini"}), state)
        for key, state in keys.items()
    ]
    logins = {"1": State.OK, "2": State.OK, "3": State.OK} | {
        "expired": State.EXPIRED,
        "exhausted": State.EXHAUSTED,
        "free": State.RETIRED,
        "new": State.NEW,
        "unlicensed": State.NO_LICENCE,
    }
    found += [
        Credential(
            f"ya29.sim-{name}", "gemini", "code-assist", frozenset({"code-assist"}), state,
            refresh=f"1//0e-sim-{name}", email=f"{name}@example.com", account_id="corp-proj",
        )
        for name, state in logins.items()
    ]  # fmt: skip
    return found


def _qwen_iflow_compatible() -> list[Credential]:
    table = [
        ("qwen", "api-key", "qwen", "sk-sim-qwen-", {"broke": State.BROKE}),
        ("qwen", "coding-plan", "qwen-coding", "sk-sp-sim-coding-", {"exhausted": State.EXHAUSTED}),
        ("qwen", "token-plan", "qwen-token-plan", "sk-sp-sim-token-", {"exhausted": State.EXHAUSTED}),
        ("qwen", "oauth", "qwen-portal", "qwen-oauth-sim-", {}),
        ("iflow", "api-key", "iflow", "sk-iflow-sim-", {
            "blocked": State.BLOCKED, "expired": State.EXPIRED, "exhausted": State.EXHAUSTED,
        }),
        ("compatible", "chat", "compat-chat", "sk-compat-sim-", {}),
    ]  # fmt: skip
    found = [
        Credential(
            f"iflow-at-sim-{n}", "iflow", "login", frozenset({"iflow-auth"}), refresh=f"iflow-rt-sim-{n}",
            account_id=f"sk-iflow-sim-{n}", email=f"{n}@example.com",
        )
        for n in ("1", "2", "3")
    ]  # fmt: skip
    for provider, access, host, prefix, odd in table:
        hosts = frozenset({host})
        if host == "compat-chat":
            hosts |= {"compat-responses", "compat-anthropic", "compat-gemini"}
        for name, state in {"1": State.OK, "2": State.OK, "3": State.OK, **odd}.items():
            retired = access == "oauth"
            found.append(
                Credential(
                    f"{prefix}{name}",
                    provider,
                    access,
                    hosts,
                    State.RETIRED if retired else state,
                    refresh=f"qwen-rt-sim-{name}" if retired else "",
                )
            )
    return found


CREDENTIALS: tuple[Credential, ...] = (
    *_claude(),
    *_openai(),
    *_google(),
    *_qwen_iflow_compatible(),
)
