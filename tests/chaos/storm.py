"""
The chaos run: many clients, five accounts of three providers, a fifth of all replies spoiled, and a kill -9 in the middle.

What was asked, what was answered, what the simulator saw and what the gateway's ledger says are put side by side.
"""

import http.client
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.house import bad_weather, by_number, rows, settle, wait_until_kept
from launcher.simulator import SimulatorThread
from launcher.simulator.ledger import Entry
from support.asking import DIALECTS, Response, question, said
from support.gateway import GatewayProcess, free_port
from support.waiting import until

MODEL = "storm-1"
WORDS = 40
CLIENT_TIMEOUT_S = 60.0
MOST_PATIENCE_S = 3.0
REST_S = 3600
TOLD_TO_REST = "told to rest"
ACCOUNTS = ("chat-1", "chat-2", "anthropic-1", "anthropic-2", "gemini-3")


@dataclass
class Asked:
    """
    One request as its client saw it; times are Unix seconds.

    `broken` says how the transport failed, "" if it did not; `whole` whether the answer's text is all there.
    """

    number: int
    dialect: str
    stream: bool
    sent_at: float = 0.0
    first_byte_at: float | None = None
    ended_at: float = 0.0
    status: int = 0
    text: str = ""
    broken: str = ""
    whole: bool = False
    code: str = ""
    why: str = ""
    retry_after_s: float = 0.0

    @property
    def id(self) -> str:
        """Its correlation id."""
        return f"storm-{self.number:06}"


@dataclass
class Report:
    """Everything the run left behind; `kept` are the requests that were known to be in the ledger when the kill came."""

    asked: list[Asked]
    entries: dict[int, list[Entry]]
    rows: dict[int, dict[str, Any]]
    strangers: list[dict[str, Any]]
    killed: set[int]
    kept: set[int]
    killed_at: float
    before_kill: dict[str, Any] | None
    after_restart: dict[str, Any] | None
    seconds: float


class Storm:
    """
    Runs it.

    Args:
        home: Folder of the gateway.
        requests: How many.
        clients: At the same time.
        share: Of the replies that are spoiled.
        seed: Of everything that is left to chance.
        kill: Kill the gateway in the middle, and start it again.
    """

    def __init__(
        self,
        home: Path,
        requests: int,
        clients: int,
        *,
        share: float = 0.2,
        seed: int = 1,
        kill: bool = True,
    ) -> None:
        self._home = home
        self._requests = requests
        self._clients = clients
        self._share = share
        self._seed = seed
        self._chance = random.Random(seed)
        self._kill = kill
        self._port = free_port()
        self._sim = SimulatorThread()
        self._numbers = iter(range(requests))
        self._lock = threading.Lock()
        self._done = threading.Condition(self._lock)
        self._asked: list[Asked] = []
        self._open: set[int] = set()
        self._up = threading.Event()
        self._killed: set[int] = set()
        self._kept: set[int] = set()
        self._killed_at = 0.0
        self._gateway: GatewayProcess | None = None
        self._before_kill: dict[str, Any] | None = None
        self._after_restart: dict[str, Any] | None = None

    def run(self) -> Report:
        """Let it blow; raises nothing that a check of the report could say better."""
        began = time.monotonic()
        with bad_weather(self._sim, self._share, self._seed) as sim:
            models = {name: [MODEL] for name in ("chat", "anthropic", "gemini")}
            settle(self._home, sim.base_url, self._port, models, ACCOUNTS)
            self._gateway = self._start()
            self._up.set()
            try:
                with ThreadPoolExecutor(self._clients + 1) as pool:
                    killing = pool.submit(self._strike) if self._kill else None
                    for future in [pool.submit(self._client) for _ in range(self._clients)]:
                        future.result()
                    if killing is not None:
                        killing.result()
            finally:
                self._gateway.stop()
            entries = by_number(sim.ledger.entries)
        own, strangers = {}, []
        for row in rows(self._home):
            if row["request_id"].startswith("storm-"):
                own[int(row["request_id"].removeprefix("storm-"))] = row
            else:
                strangers.append(row)
        return Report(
            asked=sorted(self._asked, key=lambda it: it.number),
            entries=entries,
            rows=own,
            strangers=strangers,
            killed=self._killed,
            kept=self._kept,
            killed_at=self._killed_at,
            before_kill=self._before_kill,
            after_restart=self._after_restart,
            seconds=time.monotonic() - began,
        )

    def _start(self) -> GatewayProcess:
        argv = GatewayProcess(self._home)._command
        argv[argv.index("--port") + 1] = str(self._port)
        gateway = GatewayProcess(self._home, argv)
        gateway.__enter__()
        return gateway

    def _client(self) -> None:
        while True:
            with self._lock:
                number = next(self._numbers, None)
                if number is None:
                    return
                dialect = self._chance.choice(DIALECTS)
                asked = Asked(number, dialect, stream=self._chance.random() < 0.5)
                self._open.add(number)
            self._up.wait()
            self._ask(asked)
            with self._done:
                self._open.discard(number)
                self._asked.append(asked)
                self._done.notify_all()
            if asked.status == 429:
                # Everybody was told to wait; so does a client, or the rest of the run would be refused at once.
                threading.Event().wait(min(asked.retry_after_s, MOST_PATIENCE_S))

    def _ask(self, asked: Asked) -> None:
        words = " ".join(f"w{asked.number}.{n}" for n in range(WORDS))
        prompt = f'[[sim text="{words}"]] request-{asked.number}.'
        made = question(asked.dialect, MODEL, prompt, stream=asked.stream)
        if asked.stream and asked.dialect == "openai-chat":
            made.body["stream_options"] = {"include_usage": True}
        headers = {
            "content-type": "application/json",
            "x-korproxy-request-id": asked.id,
            "x-session-id": f"session-{asked.number % 97}",
            **made.headers,
        }
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=CLIENT_TIMEOUT_S)
        asked.sent_at = time.time()
        body = b""
        try:
            connection.request("POST", made.path, json.dumps(made.body).encode(), headers)
            reply = connection.getresponse()
            asked.status = reply.status
            asked.code = reply.getheader("x-korproxy-error") or ""
            asked.why = reply.getheader("x-korproxy-why") or ""
            asked.retry_after_s = float(reply.getheader("retry-after") or 0.0)
            while piece := reply.read1(65_536):
                if asked.first_byte_at is None:
                    asked.first_byte_at = time.time()
                body += piece
        except (OSError, http.client.HTTPException) as error:
            asked.broken = type(error).__name__
        finally:
            connection.close()
            asked.ended_at = time.time()
        asked.text = body.decode("utf-8", "replace")
        asked.whole = asked.status == 200 and _heard(asked, body) == words

    def _strike(self) -> None:
        """At the half: one account is told to rest; once that is kept the gateway is killed, and started again."""
        with self._done:
            self._done.wait_for(lambda: len(self._asked) >= self._requests // 2)
        # Whoever is asked next: some account may not be asked at all just then.
        self._sim.script("429", operation="generate", retry_after=REST_S, message=TOLD_TO_REST)
        self._before_kill = until(self._resting)
        # What was handed in before the row of one more request is kept once that row is; the requests go on meanwhile.
        with self._done:
            ended = len(self._asked)
            self._done.wait_for(lambda: len(self._asked) > ended)
            kept = list(self._asked)
        wait_until_kept(self._home, [it.id for it in kept])
        self._kept = {it.number for it in kept}
        assert self._gateway is not None
        self._up.clear()
        with self._lock:
            self._killed = set(self._open)
            self._killed_at = time.time()
        try:
            self._gateway.process.kill()
            self._gateway.stop()
            self._gateway = self._start()
            self._after_restart = self._resting()
        finally:
            self._up.set()

    def _resting(self) -> dict[str, Any] | None:
        """What the health page says of the account that was told to rest."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=CLIENT_TIMEOUT_S)
        with closing(connection):
            connection.request("GET", "/_korproxy/health")
            accounts: list[dict[str, Any]] = json.loads(connection.getresponse().read())["accounts"]
        # Longer than any rest of our own making.
        long_ahead = time.time() + 0.75 * REST_S
        return next((it for it in accounts if (it["until"] or 0.0) > long_ahead), None)


def _heard(asked: Asked, body: bytes) -> str:
    """The text of an answer; what cannot be read is none."""
    try:
        return said(asked.dialect, Response(asked.status, {}, body), stream=asked.stream)
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
