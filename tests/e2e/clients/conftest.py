"""What each coding tool finds: an empty home, and gateways that ask for a local key."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from support.coding_tool import LOCAL_KEY, Workplace
from support.gateway import GatewayProcess, SimulatedGateway
from support.relay import Relay

_KEYS = {"local_keys": {"required": True, "keys": [{"id": "tool", "secret": "file:secrets/local"}]}}


def _start(choose: Callable[[dict[str, Any]], list[Any]]) -> Callable[[Path], GatewayProcess]:
    """A gateway with those of the simulator's accounts (id to entry) that `choose` returns."""

    def start(home: Path) -> GatewayProcess:
        (home / "secrets" / "local").write_text(LOCAL_KEY)
        (home / "secrets" / "local").chmod(0o600)
        yaml, path = YAML(), home / "config.yaml"
        settings = yaml.load(path)
        settings["accounts"] = choose({entry["id"]: entry for entry in settings["accounts"]})
        yaml.dump(settings, path)
        return GatewayProcess(home)

    return start


def _every(accounts: dict[str, Any]) -> list[Any]:
    """All of them, and the tools' own logins."""
    owned = [
        {
            "id": f"{provider}-own",
            "provider": provider,
            "access": "own-login",
            "urls": dict(accounts[like]["urls"]),
        }
        for provider, like in (("claude", "claude-subscription"), ("codex", "codex-chatgpt"))
    ]
    return [*accounts.values(), *owned]


def _chatgpt(accounts: dict[str, Any]) -> list[Any]:
    return [accounts["codex-chatgpt"]]


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway with every account; of several that fit, the one by API key comes first."""
    with SimulatedGateway(tmp_path_factory.mktemp("every"), _KEYS, _start(_every)) as running:
        yield running


@pytest.fixture(scope="module")
def chatgpt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway with one account: a ChatGPT plan."""
    with SimulatedGateway(tmp_path_factory.mktemp("chatgpt"), _KEYS, _start(_chatgpt)) as running:
        yield running


@pytest.fixture
def relay(every: SimulatedGateway) -> Iterator[Relay]:
    """The way to the gateway with every account; its simulator has forgotten earlier tests."""
    every.sim.reset()
    with Relay(every.url) as running:
        yield running


@pytest.fixture
def chatgpt_relay(chatgpt: SimulatedGateway) -> Iterator[Relay]:
    """The way to the gateway with the ChatGPT plan, likewise."""
    chatgpt.sim.reset()
    with Relay(chatgpt.url) as running:
        yield running


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """An empty home with a note in its project folder."""
    place = Workplace(tmp_path)
    place.write("project/note.txt", f"The word is {tmp_path.name[::-1]}.\n")
    return place
