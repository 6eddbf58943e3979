"""The config.yaml that points a gateway at the simulated providers."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

type Ways = Mapping[tuple[str, str], Mapping[str, str]]
"""(provider, access) of the simulator to base URL, token URL, secret, model and account id."""

# The simulator names companies, the gateway its providers.
_BUILT_IN = {
    "claude": "claude",
    "openai": "codex",
    "gemini": "gemini",
    "qwen": "qwen",
    "iflow": "iflow",
}
# Ways in that one account serves together, or that the gateway offers under another name.
_LEFT_OUT = {("openai", "api-key-chat"), ("qwen", "oauth"), ("iflow", "login")}
_FOR_ITS_OWN_TOOL = {("claude", "subscription"), ("gemini", "code-assist")}


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One account of the demo: its id, the provider's id in the gateway, its access, and a model it serves."""

    id: str
    provider: str
    access: str
    dialect: str
    model: str

    @property
    def serves_any_tool(self) -> bool:
        """False for a plan login that its provider keeps for its own tool (the registry and the terms say so)."""
        return (self.provider, self.access) not in _FOR_ITS_OWN_TOOL

    @property
    def pinned_model(self) -> str:
        """The model's name that asks for this very account."""
        return f"{self.provider}@{self.id}/{self.model}"


def demo_accounts(ways: Ways) -> tuple[DemoAccount, ...]:
    """An account for each way in that the simulator offers."""
    found = []
    for (company, access), way in ways.items():
        if (company, access) in _LEFT_OUT:
            continue
        built_in = _BUILT_IN.get(company)
        provider = built_in or f"sim-{access}"
        account_id = f"{provider}-{access}" if built_in else provider
        found.append(
            DemoAccount(
                account_id,
                provider,
                access if built_in else "api-key",
                way["dialect"],
                way["model"],
            )
        )
    return tuple(found)


def write_settings(
    home: Path, ways: Ways, *, port: int = 1337, extra: Mapping[str, Any] | None = None
) -> Path:
    """
    Write `config.yaml` and its secret files.

    Args:
        home: The folder; made, and private to the user.
        ways: As the simulator says.
        port: Port of the gateway; 0 takes a free one.
        extra: Settings to add, or to put in place of those written here.
    Returns:
        The path of the config.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    secrets = home / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    providers: dict[str, Any] = {}
    accounts: list[dict[str, Any]] = []
    for account, way in zip(demo_accounts(ways), _used(ways), strict=True):
        _write_private(secrets / account.id, way["secret"])
        entry = providers.setdefault(account.provider, {"local": True})
        if account.provider not in _BUILT_IN.values():
            entry.update(
                dialect=account.dialect,
                base_url=way["base"],
                models=[account.model],
                name="Simulated",
            )
        # Code Assist's methods hang on the host itself: `/v1internal:generateContent`.
        base = way["host"] if account.access == "code-assist" else way["base"]
        urls = {"base": base} | {name: way[name] for name in ("token", "quota") if way[name]}
        accounts.append(_account(account, way, urls))
    settings = {
        "version": 1,
        "listen": {"port": port},
        "providers": providers,
        "accounts": accounts,
        **(extra or {}),
    }
    path = home / "config.yaml"
    text = StringIO()
    YAML().dump(settings, text)
    _write_private(path, "# Written by `korproxy demo`.\n" + text.getvalue())
    return path


def _account(account: DemoAccount, way: Mapping[str, str], urls: dict[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": account.id,
        "provider": account.provider,
        "access": account.access,
        "label": f"simulated {account.id}",
        "secret": f"file:secrets/{account.id}",
        "consent": True,
        "urls": urls,
    }
    if account.access == "code-assist" and way["account_id"]:
        entry["project"] = way["account_id"]
    elif way["account_id"]:
        entry["account_id"] = way["account_id"]
    return entry


def _used(ways: Ways) -> list[Mapping[str, str]]:
    return [way for key, way in ways.items() if key not in _LEFT_OUT]


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
