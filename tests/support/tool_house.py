"""A gateway with one account of each kind behind which the simulator answers, for questions about tools' routes."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

from korproxy_addons.config.store import ConfigStore
from korproxy_addons.gateway.explain_program import explain
from korproxy_addons.gateway.explain_query import Query
from korproxy_addons.io.registry_file import load_routes
from korproxy_addons.presets import PRESETS
from launcher.actions import tool_route
from launcher.actions.tool_asking import Asking
from launcher.actions.tool_route import ToolRoute
from launcher.gateway_look import Address
from launcher.simulator import SimulatorThread
from support.gateway import GatewayProcess

MODELS = {
    "anthropic-messages": "claude-sonnet-5-5",
    "openai-responses": "gpt-6.1-sol",
    "gemini": "gemini-3.8-flash",
    "openai-chat": "glm-5",
}
"""A model that one account alone serves, by the API of its provider."""
_WAYS = {
    "claude": ("claude", "api-key"),
    "codex": ("openai", "api-key"),
    "gemini": ("gemini", "api-key"),
    "iflow": ("iflow", "api-key"),
}


@dataclass
class ToolHouse:
    """
    A running gateway.

    Attributes:
        home: Its folder.
        port: Where it listens.
        sim: What answers behind it.
    """

    home: Path
    port: int
    sim: SimulatorThread

    @property
    def address(self) -> Address:
        """Where tools reach it."""
        return Address(port=self.port, hosts=("127.0.0.1",), admin_port=1338)

    def asking(self, key: str = "") -> Asking:
        """Sends requests to it."""
        return Asking(self.address, key)

    def route(self, tool: str, model: str = "", *, told: str = "", **changes: Any) -> ToolRoute:
        """The route of a tool; the gateway's program is asked in this process, where it need not be started."""
        config = ConfigStore(self.home).load()
        routes = load_routes(self.home, time.time)
        with patch.object(tool_route, "explain_route", explained_here):
            found = tool_route.tool_route(
                self.home, PRESETS[tool], config, routes, time.time(), model=model, told_model=told
            )
        return replace(found, **changes)


def explained_here(home: Path, question: dict[str, Any]) -> Any:
    """`explain_route` by the same code in this process: its program takes seconds to start."""
    query = msgspec.convert(question, Query)
    return msgspec.to_builtins(explain(home, query, time.time()))


def settings(sim: SimulatorThread, port: int, **extra: Any) -> dict[str, Any]:
    """The configuration."""
    ways = sim.urls()
    accounts = [
        {
            "id": f"my-{name}", "provider": name, "access": "api-key",
            "secret": f"plain:{ways[way]['secret']}", "base_url": ways[way]["base"],
        }
        for name, way in _WAYS.items()
    ]  # fmt: skip
    return {
        "version": 1, "allow_plain_secrets": True, "listen": {"port": port, "hosts": ["127.0.0.1"]},
        "providers": {name: {"local": True} for name in _WAYS}, "accounts": accounts, **extra,
    }  # fmt: skip


def write(home: Path, config: dict[str, Any]) -> None:
    """Write the configuration."""
    home.mkdir(mode=0o700, exist_ok=True)
    path = home / "config.yaml"
    aside = home / "aside"
    aside.write_text(json.dumps(config))
    aside.chmod(0o600)
    aside.replace(path)


@contextmanager
def tool_house(home: Path, **extra: Any) -> Iterator[ToolHouse]:
    """It, for as long as the block runs."""
    with SimulatorThread() as sim:
        write(home, settings(sim, 0, **extra))
        with GatewayProcess(home) as gateway:
            write(home, settings(sim, gateway.port, **extra))
            yield ToolHouse(home, gateway.port, sim)
