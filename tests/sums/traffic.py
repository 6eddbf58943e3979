"""
The run behind the sums: clients of every dialect, providers of every dialect, and a launcher whose gateway is not left in peace.

Some replies are spoiled, some clients leave, the gateway is replaced, ended and killed with -9. What the clients saw, the
simulator's own ledger and the gateway's are kept to be put side by side.
"""

import http.client
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from chaos.house import HOSTS, bad_weather, ledger, rows, settle, wait_until_kept
from launcher.actions.usage import report
from launcher.simulator import SimulatorThread
from launcher.simulator.ledger import Entry
from support.asking import DIALECTS, question
from support.gateway import free_port
from support.kept import Launched, gone
from support.waiting import until

CLIENT_TIMEOUT_S = 60.0
MOST_PATIENCE_S = 2.0
ACCOUNTS = 3
"""Of each provider: one that rests leaves two."""
ANY = "any-1"
"""A model that all of them serve, so that a failover crosses dialects."""
NOBODYS = "nobody-1"
_TOOLS = ("codex_cli_rs/1.0", "claude-cli/2.0", "curl/8", "")
# The launcher shall go on, however often its gateway is killed.
_RULES = {"restarts": 10_000, "first_backoff_s": 0.01, "longest_backoff_s": 0.02}


@dataclass
class Asked:
    """
    One request as its client saw it; times are Unix seconds.

    `leaves_after` is how many lines of an answer its client waits for before it goes, None if it stays; `broken` how the
    transport failed, "" if it did not.
    """

    number: int
    dialect: str
    model: str
    stream: bool
    leaves_after: int | None = None
    sent_at: float = 0.0
    ended_at: float = 0.0
    status: int = 0
    broken: str = ""

    @property
    def id(self) -> str:
        """Its correlation id."""
        return f"sums-{self.number:06}"


@dataclass(frozen=True)
class Kill:
    """A kill -9, known to be done at this Unix second; `kept` are the ids that were known to be in the ledger before it."""

    done_at: float
    kept: frozenset[str]

    def spared(self, asked: Asked) -> bool:
        """Whether the ledger must know of a request in spite of it."""
        return asked.sent_at > self.done_at or asked.id in self.kept


@dataclass
class Evidence:
    """Everything the run left behind; `sums` are those of each roll-up, and of the report that users see."""

    asked: list[Asked] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    sums: dict[str, dict[str, float]] = field(default_factory=dict)
    kills: list[Kill] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    restarts: str = ""
    seconds: float = 0.0


class Traffic:
    """
    Runs it.

    Args:
        home: KorProxy's folder.
        requests: How many.
        clients: At the same time.
        events: What happens, evenly spread over the requests: `replace`, `kill`, `stop`, `reload`.
        share: Of the replies that are spoiled.
        seed: Of everything that is left to chance.
    """

    def __init__(
        self,
        home: Path,
        requests: int,
        clients: int,
        events: tuple[str, ...],
        *,
        share: float = 0.2,
        seed: int = 1,
    ) -> None:
        self._home = home
        self._requests = requests
        self._clients = clients
        self._events = events
        self._share = share
        self._seed = seed
        self._chance = random.Random(seed)
        self._port = free_port()
        self._numbers = iter(range(requests))
        self._allowed = self._due(1)
        self._sim = SimulatorThread()
        self._done = threading.Condition()
        self._up = threading.Event()
        self._kept: frozenset[str] = frozenset()
        self._evidence = Evidence(events=list(events))
        self._stack = ExitStack()
        self._launched = Launched(home, _RULES)

    def run(self) -> Evidence:
        """Let it run; raises nothing that a look at the evidence could say better."""
        began = time.monotonic()
        with bad_weather(self._sim, self._share, self._seed) as sim:
            models = {name: [model_of(name), ANY] for name in HOSTS}
            accounts = [f"{name}-{key}" for name in HOSTS for key in range(1, ACCOUNTS + 1)]
            settle(self._home, sim.base_url, self._port, models, accounts)
            with self._stack:
                self._start()
                with ThreadPoolExecutor(self._clients + 1) as pool:
                    happening = pool.submit(self._happen)
                    for future in [pool.submit(self._client) for _ in range(self._clients)]:
                        future.result()
                    happening.result()
                self._evidence.restarts = self._metrics()
                assert self._launched.stop() == 0
            self._evidence.entries = sim.ledger.entries
        self._read_ledger()
        self._evidence.asked.sort(key=lambda it: it.number)
        self._evidence.seconds = time.monotonic() - began
        return self._evidence

    # ------------------------------------------------------------------------------------------ the gateway

    def _start(self) -> None:
        self._launched = self._stack.enter_context(Launched(self._home, _RULES))
        self._launched.wait_for("healthy")
        self._up.set()

    def _happen(self) -> None:
        """One event after the other, each when its share of the requests has ended."""
        what: dict[str, Callable[[], None]] = {
            "replace": self._replace,
            "kill": self._kill,
            "stop": self._stop,
            "reload": self._reload,
        }
        for number, name in enumerate(self._events, start=1):
            self._until_ended(self._due(number))
            if name == "kill":
                # While nobody asks: what then follows is what the kill may take with it.
                self._kept = self._wait_until_kept()
            # What goes on meanwhile: nobody shall be done before it happens, and nothing happen while nobody asks.
            with self._done:
                self._allowed = self._due(number + 1)
                self._done.notify_all()
            self._until_ended(self._due(number) + self._clients)
            what[name]()

    def _due(self, number: int) -> int:
        """So many requests end before an event; all of them before the one behind the last."""
        return self._requests * number // (len(self._events) + 1)

    def _until_ended(self, count: int) -> None:
        with self._done:
            self._done.wait_for(lambda: len(self._evidence.asked) >= count)

    def _replace(self) -> None:
        before = self._launched.status["pid"]
        self._launched.process.send_signal(signal.SIGHUP)
        self._launched.wait_for("healthy", lambda it: it["pid"] not in (None, before))

    def _kill(self) -> None:
        pid = self._launched.status["pid"]
        self._up.clear()
        os.kill(pid, signal.SIGKILL)
        until(lambda: gone(pid))
        self._evidence.kills.append(Kill(time.time(), self._kept))
        self._launched.wait_for("healthy", lambda it: it["pid"] not in (None, pid))
        self._up.set()

    def _wait_until_kept(self) -> frozenset[str]:
        """The requests that have ended by now, once the ledger has them; without those that an earlier kill took with it."""
        with self._done:
            asked = list(self._evidence.asked)
        kept = frozenset(
            it.id for it in asked if all(kill.spared(it) for kill in self._evidence.kills)
        )
        wait_until_kept(self._home, kept)
        return kept

    def _stop(self) -> None:
        self._up.clear()
        assert self._launched.stop() == 0
        self._start()

    def _reload(self) -> None:
        path = self._home / "config.yaml"
        aside = self._home / "aside"
        aside.write_text(path.read_text() + "\n# another day\n")
        aside.chmod(0o600)
        aside.replace(path)

    def _metrics(self) -> str:
        """What the last gateway says of the ones before it."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=CLIENT_TIMEOUT_S)
        with closing(connection):
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()

    # ------------------------------------------------------------------------------------------- the clients

    def _client(self) -> None:
        while True:
            with self._done:
                number = next(self._numbers, None)
                if number is None:
                    return
                self._done.wait_for(partial(self._may_begin, number))
                asked, body, path, headers = self._made(number)
            self._up.wait()
            wait_s = self._ask(asked, body, path, headers)
            with self._done:
                self._evidence.asked.append(asked)
                self._done.notify_all()
            if wait_s:
                # Everybody was told to wait; so does a client, or the rest of the run would be refused at once.
                threading.Event().wait(min(wait_s, MOST_PATIENCE_S))

    def _may_begin(self, number: int) -> bool:
        return number < self._allowed

    def _made(self, number: int) -> tuple[Asked, bytes, str, dict[str, str]]:
        """A request: who asks whom for what is left to chance; each pair of dialects has its turn."""
        chance = self._chance
        dialect = DIALECTS[number % len(DIALECTS)]
        model = model_of(list(HOSTS)[number // len(DIALECTS) % len(HOSTS)])
        if chance.random() < 0.4:
            model = NOBODYS if chance.random() < 0.06 else ANY
        asked = Asked(number, dialect, model, stream=chance.random() < 0.5)
        words = [f"tokens={chance.randint(1, 80)}", f"cached={chance.choice((0, 7, 30))}"]
        words.append("thinking=hm" if chance.random() < 0.3 else "thinking=off")
        if chance.random() < 0.08:
            asked.leaves_after = chance.choice((0, 3, 9)) if asked.stream else 0
            words.append("delay_ms=5")
        filler = "lorem ipsum " * chance.randint(0, 60)
        prompt = f"[[sim {' '.join(words)}]] {filler}request-{number}."
        made = question(dialect, model, prompt, stream=asked.stream)
        if asked.stream and dialect == "openai-chat" and chance.random() < 0.5:
            made.body["stream_options"] = {"include_usage": True}
        headers = {
            "content-type": "application/json",
            "x-korproxy-request-id": asked.id,
            "x-session-id": f"session-{number % 97}",
            "user-agent": chance.choice(_TOOLS),
            **made.headers,
        }
        return asked, json.dumps(made.body).encode(), made.path, headers

    def _ask(self, asked: Asked, body: bytes, path: str, headers: dict[str, str]) -> float:
        """Seconds that the client was told to wait; 0 if it was not."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=CLIENT_TIMEOUT_S)
        asked.sent_at = time.time()
        wait_s = 0.0
        try:
            connection.request("POST", path, body, headers)
            if asked.leaves_after == 0:
                return 0.0
            reply = connection.getresponse()
            asked.status = reply.status
            if reply.status == 429:
                wait_s = float(reply.getheader("retry-after") or 1.0)
            lines = 0
            while line := reply.readline(65_536):
                lines += line != b"\n"
                if asked.leaves_after is not None and lines >= asked.leaves_after:
                    break
        except (OSError, http.client.HTTPException) as error:
            asked.broken = type(error).__name__
        finally:
            connection.close()
            asked.ended_at = time.time()
        return wait_s

    # -------------------------------------------------------------------------------------------- the ledger

    def _read_ledger(self) -> None:
        self._evidence.rows = list(rows(self._home))
        with ledger(self._home) as connection:
            for table in ("usage_hourly", "usage_daily"):
                columns = ", ".join(f"sum({name}) AS {name}" for name in SUMS)
                found = connection.execute(f"SELECT {columns} FROM {table}").fetchone()
                self._evidence.sums[table] = dict(found)
        # It may be past midnight by now.
        total = asdict(report(self._home, 2).total)
        self._evidence.sums["korproxy usage"] = {name: total[name] for name in SUMS}


SUMS = (
    "requests", "succeeded", "failed", "abandoned", "attempts", "input_tokens", "cached_tokens",
    "cache_write_tokens", "output_tokens", "reasoning_tokens", "incomplete",
)  # fmt: skip
"""Columns of the roll-ups that are compared with the rows."""


def model_of(name: str) -> str:
    """The model that the provider of one dialect alone serves."""
    return f"{name}-1"
