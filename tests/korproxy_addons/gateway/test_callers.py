"""Records that learn who called before they are kept, and never wait for it long."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from msgspec import structs

from korproxy_addons.gateway import callers as module
from korproxy_addons.gateway.callers import Callers
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.io.workspace import Caller, Project, Workspace
from korproxy_addons.usage.record import ExchangeRecord
from support.flows import client_flow, exchange_of

RECORD = ExchangeRecord(
    id="kp1", request_id="r", started_at=0.0, client_dialect="gemini", operation="generate",
    outcome="ok", total_ms=1.0,
)  # fmt: skip
FOUND = Caller(Project("/p"), "codex-cli")


class House:
    """Callers whose finder is the test's, and what they let be kept."""

    def __init__(self, home: Path, find: Callable[..., Caller]) -> None:
        self.workspace = Workspace(home)
        self.workspace.find = find  # type: ignore[method-assign]
        self.kept: list[ExchangeRecord] = []
        self.came = asyncio.Event()
        self.callers = Callers(self.workspace, self._keep)

    def _keep(self, record: ExchangeRecord) -> None:
        self.kept.append(record)
        self.came.set()

    def who(self) -> list[tuple[str, str]]:
        return [(it.tool, it.project) for it in self.kept]


def asking(**fields: Any) -> Exchange:
    exchange = exchange_of(client_flow(), **fields)
    exchange.client = replace(exchange.client, own=("127.0.0.1", 1337), connection="c")
    return exchange


def test_a_record_waits_for_its_caller(tmp_path: Path) -> None:
    async def run() -> None:
        house = House(tmp_path, lambda *_: FOUND)
        house.callers.complete(asking(), RECORD)
        assert house.kept == []
        await house.came.wait()
        assert house.who() == [("codex-cli", "/p")]

    asyncio.run(run())


def test_a_caller_that_is_known_costs_no_wait(tmp_path: Path) -> None:
    async def run() -> None:
        house = House(tmp_path, lambda *_: FOUND)
        exchange = asking()
        task = house.callers.look(exchange)
        assert task is not None
        await task
        house.callers.complete(exchange, RECORD)
        assert house.who() == [("codex-cli", "/p")]

    asyncio.run(run())


def test_what_the_request_said_of_itself_stays(tmp_path: Path) -> None:
    """And what routes and limits go by is the exchange's own word alone."""

    async def run() -> None:
        house = House(tmp_path, lambda *_: FOUND)
        exchange = asking(tool="cline")
        house.callers.complete(exchange, structs.replace(RECORD, tool="cline"))
        await house.came.wait()
        assert house.who() == [("cline", "/p")]
        assert (exchange.tool, exchange.project) == ("cline", "")

    asyncio.run(run())


def test_who_has_said_everything_is_not_looked_for(tmp_path: Path) -> None:
    house = House(tmp_path, lambda *_: FOUND)
    exchange = asking(tool="cline", project="/own")
    assert house.callers.look(exchange) is None
    house.callers.complete(exchange, RECORD)
    assert house.kept == [RECORD]


def test_without_an_address_or_a_finder_the_record_is_kept_as_it_is(tmp_path: Path) -> None:
    house = House(tmp_path, lambda *_: FOUND)
    house.callers.complete(exchange_of(client_flow()), RECORD)
    Callers(None, house.kept.append).complete(asking(), RECORD)
    assert house.kept == [RECORD, RECORD]


def test_a_search_that_takes_too_long_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD_S", 0.01)
    go_on = Event()

    def find(*_: object) -> Caller:
        go_on.wait(20)
        return FOUND

    async def run() -> None:
        house = House(tmp_path, find)
        house.callers.complete(asking(), RECORD)
        await house.came.wait()
        go_on.set()
        task = house.callers.look(asking())
        assert task is not None
        await task
        assert house.kept == [RECORD], "once, though the answer came later"

    asyncio.run(run())


def test_at_the_end_nothing_is_held_back(tmp_path: Path) -> None:
    go_on = Event()

    def find(*_: object) -> Caller:
        go_on.wait(20)
        return FOUND

    async def run() -> None:
        house = House(tmp_path, find)
        house.callers.complete(asking(), RECORD)
        house.callers.flush()
        assert house.kept == [RECORD]
        go_on.set()

    asyncio.run(run())


def test_a_search_that_fails_leaves_the_record_as_it_is(tmp_path: Path) -> None:
    def find(*_: object) -> Caller:
        raise OSError("no such process")

    async def run() -> None:
        house = House(tmp_path, find)
        house.callers.complete(asking(), RECORD)
        await house.came.wait()
        assert house.kept == [RECORD]

    asyncio.run(run())
