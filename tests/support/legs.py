"""The gateway's upstream half without mitmproxy's proxy core: a config, a request, and the leg that serves it."""

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mitmproxy import http
from mitmproxy.test import tflow

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.config.schema import Config
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import Inbound
from korproxy_addons.gateway.exchange import ClientRequest, Exchange
from korproxy_addons.gateway.flow_record import FlowRecord
from korproxy_addons.gateway.leg import Leg, Services
from korproxy_addons.gateway.models import ModelLists
from korproxy_addons.gateway.planning import Planner
from korproxy_addons.gateway.wire import Wire
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.io.upstream import UpstreamClient
from korproxy_addons.io.workspace import Workspace
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.paths import read_path
from korproxy_addons.routing.tools import tool_of
from support.asking import Question
from support.clock import FakeClock
from support.fake_sink import FakeSink
from support.flows import config_with

NOWHERE = Path("no-such-folder")


def config_of(settings: Mapping[str, Any]) -> Config:
    """A config, checked as a file is."""
    return config_with(**settings)


def accounts_of(dialects: Mapping[str, str], **extra: Any) -> Config:
    """
    A config with one user-added provider and account per name, at `https://NAME.example`, each serving the model `m`.

    Args:
        dialects: Name to dialect id.
        extra: Further settings.
    """
    providers = {
        name: {
            "dialect": dialect_id,
            "base_url": f"https://{name}.example",
            "models": ["m"],
            "list_models": False,
        }
        for name, dialect_id in dialects.items()
    }
    accounts = [
        {"id": name, "provider": name, "label": f"Account {name}", "secret": f"plain:sk-{name}"}
        for name in dialects
    ]
    return config_of({"providers": providers, "accounts": accounts, **extra})


def exchange_for(
    config: Config,
    asked: Question,
    *,
    method: str = "POST",
    tool: str = "",
    body: bytes | None = None,
) -> Exchange:
    """
    An exchange as the request hooks leave it.

    Args:
        config: Of that moment.
        asked: Path, body and headers.
        method: HTTP method.
        tool: The calling tool's own word for itself (`User-Agent`).
        body: In place of the question's.
    """
    path, _, query = asked.path.partition("?")
    headers = {name.lower(): value for name, value in asked.headers.items()}
    if tool:
        headers["user-agent"] = tool
    fields = http.Headers([(name.encode(), value.encode()) for name, value in headers.items()])
    wanted = read_path(method, path, query, headers)
    raw = json.dumps(asked.body).encode() if body is None else body
    exchange = Exchange(
        id="kp-test",
        seed="seed",
        config=config,
        client=ClientRequest(method, path, query, fields, "HTTP/1.1", None, raw),
        received_at=1_800_000_000.0,
        clock_started_s=time.monotonic(),
        dialect=wanted.dialect,
        wanted=wanted,
        tool=tool_of(headers),
        cleared=True,
    )
    if wanted.operation not in (None, Operation.MODELS):
        exchange.inbound = Inbound(
            body=raw,
            path_model=wanted.path_model or "",
            path_stream=wanted.stream,
            sse=not wanted.array,
        )
        exchange.peek = dialect(wanted.dialect).peek_request(exchange.inbound)
    return exchange


class Rig:
    """
    Everything the legs of one process share.

    Args:
        config: Of every request.
        upstream: What is asked; a `FakeUpstream`, or the real client.
        home: Where secret files lie.
        wire: In place of one made of the two.

    Attributes:
        slept: The waits that were asked for, in seconds; none takes any time.
        hangs_after_s: An exchange that takes longer is taken for one that never ends; None: whoever started us sees to that.
    """

    def __init__(
        self,
        config: Config,
        upstream: UpstreamClient,
        home: Path = NOWHERE,
        wire: Wire | None = None,
    ) -> None:
        self.config = config
        self.clock = FakeClock()
        self.slept: list[float] = []
        self.hangs_after_s: float | None = 10.0
        self.fleet = Fleet()
        self.pool = self.fleet.pool
        self.wire = wire or Wire(upstream, SecretStore(home, lambda _: None), self._sleep)
        self.lists = ModelLists(self.wire, self.clock)
        self.planner = Planner(self.wire, self.lists, Workspace(NOWHERE), self.clock)
        self.services = Services(
            self.wire, self.lists, self.planner, self.fleet, self.clock, self._sleep
        )

    async def serve(self, exchange: Exchange, sink: FakeSink | None = None) -> FakeSink:
        """Serve an exchange to its end, as the addons start it: the client's leaving cancels the leg."""
        sink = sink or FakeSink()
        leg = Leg(exchange, sink, FlowRecord(tflow.tflow()), self.services)
        task = asyncio.get_running_loop().create_task(leg.run())
        sink.when_gone(lambda: _cancel(task))
        await asyncio.wait([task], timeout=self.hangs_after_s)
        assert task.done(), "the leg hangs"
        if not task.cancelled():
            task.result()
        return sink

    def ask(self, asked: Question, **words: Any) -> tuple[FakeSink, Exchange]:
        """Serve one question in an event loop of its own; `words` go to `exchange_for`."""
        exchange = exchange_for(self.config, asked, **words)
        return asyncio.run(self.serve(exchange)), exchange

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
