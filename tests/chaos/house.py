"""What the chaos run and the sums share: a simulator in bad weather, a KorProxy folder beside it, and how both ledgers are read."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from chaos.weather import rules
from launcher.simulator import SimulatorThread
from launcher.simulator.ledger import Entry
from support import config_file
from support.waiting import until

HOSTS = {
    "chat": ("openai-chat", "/compat-chat/v1"),
    "responses": ("openai-responses", "/compat-responses/v1"),
    "anthropic": ("anthropic-messages", "/compat-anthropic"),
    "gemini": ("gemini", "/compat-gemini/v1beta"),
}
"""By name, a compatible provider of the simulator: its dialect and its path."""


@contextmanager
def bad_weather(sim: SimulatorThread, share: float, seed: int) -> Iterator[SimulatorThread]:
    """The simulator at work, with `share` of its replies spoiled."""
    with sim:
        sim.simulator.world.script.reseed(seed)
        for name, words in rules(share):
            sim.script(name, **words)
        yield sim


def settle(
    home: Path, base: str, port: int, models: Mapping[str, list[str]], accounts: Iterable[str]
) -> None:
    """
    Write the folder's config.

    Args:
        home: The folder.
        base: The simulator's address.
        port: The gateway's.
        models: Of each provider, by its name in `HOSTS`.
        accounts: Names and numbers of accounts: `chat-1`; see `checks.account_of`.
    """
    providers: dict[str, Any] = {}
    for name, offered in models.items():
        dialect, path = HOSTS[name]
        providers[f"sim-{name}"] = {
            "dialect": dialect,
            "base_url": f"{base}{path}",
            "models": offered,
            "list_models": False,
            "local": True,
        }
    owned = []
    for account in accounts:
        name, _, key = account.partition("-")
        secret = f"plain:sk-compat-sim-{key}"
        owned.append({"id": account, "provider": f"sim-{name}", "secret": secret})
    settings = {
        "version": 1,
        "listen": {"port": port},
        "allow_plain_secrets": True,
        "providers": providers,
        "accounts": owned,
        "groups": [{"id": "default", "strategy": "round-robin"}],
        "timeouts": {"connect_s": 5, "first_byte_s": 5, "idle_s": 3},
        "logging": {"level": "warning"},
        "runaway": {"repeats": 0},
    }
    home.mkdir(mode=0o700, exist_ok=True)
    config_file.write(home, settings)


@contextmanager
def ledger(home: Path) -> Iterator[sqlite3.Connection]:
    """The folder's ledger, to be read; its rows go by the names of their columns."""
    with closing(sqlite3.connect(f"{(home / 'korproxy.db').as_uri()}?mode=ro", uri=True)) as found:
        found.row_factory = sqlite3.Row
        yield found


def rows(home: Path) -> Iterator[dict[str, Any]]:
    """What the ledger says of each request."""
    with ledger(home) as connection:
        for row in connection.execute("SELECT * FROM exchanges"):
            found = dict(row)
            found["attempts"] = json.loads(found["attempts"])
            yield found


def wait_until_kept(home: Path, request_ids: Collection[str]) -> None:
    """
    Wait until all of these are in the ledger: from then on no kill may take them away.

    How long the gateway lets them wait is for the tests of its database; how long it waits for its turn is the machine's. What is
    never kept is found when the ledgers are compared.
    """

    def missing() -> set[str]:
        with ledger(home) as connection:
            kept = connection.execute("SELECT request_id FROM exchanges").fetchall()
        return set(request_ids) - {row["request_id"] for row in kept}

    with suppress(TimeoutError):
        until(lambda: not missing())


def by_number(entries: Iterable[Entry]) -> dict[int, list[Entry]]:
    """The simulator's entries by the number of the request that they were made for."""
    found: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.operation == "generate" and entry.body is not None:
            marker = entry.body.rpartition("request-")[2]
            found[int(marker.partition(".")[0])].append(entry)
    return found
