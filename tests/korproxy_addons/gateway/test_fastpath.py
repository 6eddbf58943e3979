"""Each test runs the walk of mitmproxy and the plan of ours over the same addons, and compares what was called."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from mitmproxy import exceptions, options, version
from mitmproxy.addonmanager import Loader
from mitmproxy.flow import Flow
from mitmproxy.hooks import UpdateHook
from mitmproxy.master import Master
from mitmproxy.proxy.layers.http._hooks import HttpRequestHook
from mitmproxy.proxy.server_hooks import ClientConnectedHook
from mitmproxy.test import tflow

from korproxy_addons.gateway import fastpath, quick_objects
from korproxy_addons.gateway.fastpath import CachedDispatch, FastPath, begin_of

type Calls = list[str]


class Addon:
    """Notes its calls; may hold others, and may raise."""

    def __init__(
        self, name: str, calls: Calls, *addons: "Addon", error: BaseException | None = None
    ) -> None:
        self.name = name
        self.addons = list(addons)
        self._calls = calls
        self._error = error

    def request(self, _flow: object) -> None:
        self._calls.append(f"{self.name}.request")
        if self._error is not None:
            raise self._error

    def client_connected(self, _client: object) -> None:
        self._calls.append(f"{self.name}.client_connected")

    def update(self, flows: list[object]) -> None:
        self._calls.append(f"{self.name}.update {len(flows)}")


class Slow(Addon):
    async def request(self, _flow: object) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self._calls.append(f"{self.name}.request")


class Silent:
    name = "silent"


class Uncallable:
    name = "uncallable"
    request = 3

    def __repr__(self) -> str:
        return "Uncallable"


type Make = Callable[[Calls], list[Any]]

CASES: dict[str, Make] = {
    "none": lambda _: [],
    "one": lambda calls: [Addon("a", calls)],
    "in their order": lambda calls: [Addon(name, calls) for name in "cab"],
    "addons of addons": lambda calls: [
        Addon("a", calls, Addon("a1", calls, Addon("a11", calls)), Addon("a2", calls)),
        Addon("b", calls),
    ],
    "one that waits": lambda calls: [Slow("a", calls), Addon("b", calls)],
    "one without the hook": lambda calls: [Silent(), Addon("b", calls)],
    "one that raises": lambda calls: [
        Addon("a", calls, Addon("a1", calls), error=ValueError("x")),
        Addon("b", calls),
    ],
    "one inside that raises": lambda calls: [
        Addon("a", calls, Addon("a1", calls, error=KeyError("x")), Addon("a2", calls)),
        Addon("b", calls),
    ],
    "one that halts": lambda calls: [
        Addon("a", calls),
        Addon("b", calls, error=exceptions.AddonHalt()),
        Addon("c", calls),
    ],
    "one whose handler is none": lambda calls: [Addon("a", calls), Uncallable(), Addon("b", calls)],
}


@contextmanager
def a_master() -> Iterator[Master]:
    master = Master(options.Options())
    try:
        yield master
    finally:
        master._legacy_log_events.uninstall()


async def lived_through(make: Make, *, planned: bool, times: int = 2) -> Calls:
    calls: Calls = []
    with a_master() as master:
        master.addons.add(*make(calls))
        if planned:
            CachedDispatch(master).install()
        for _ in range(times):
            calls.append("-")
            await master.addons.handle_lifecycle(HttpRequestHook(tflow.tflow()))
    return calls


@pytest.mark.parametrize("case", CASES)
def test_the_same_are_called_in_the_same_order(case: str, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        stock = await lived_through(CASES[case], planned=False)
        stock_logs = [(it.name, it.levelname, it.getMessage()) for it in caplog.records]
        caplog.clear()
        assert await lived_through(CASES[case], planned=True) == stock
        ours = [(it.name, it.levelname, it.getMessage()) for it in caplog.records]
        assert ours == stock_logs

    asyncio.run(run())


async def begun(make: Make, times: int = 2) -> Calls:
    """As `lived_through`, with hooks that are begun at once; what was kept waiting is marked."""
    calls: Calls = []
    with a_master() as master:
        master.addons.add(*make(calls))
        assert begin_of(master) is None
        CachedDispatch(master).install()
        begin = begin_of(master)
        assert begin is not None
        for _ in range(times):
            calls.append("-")
            hook = HttpRequestHook(tflow.tflow())
            left = begin(hook)
            if left is not None:
                assert (left.hook, left.blocking) == (hook, hook.blocking)
                calls.append("waits")
                await master.addons.handle_lifecycle(left)
    return calls


@pytest.mark.parametrize("case", CASES)
def test_a_hook_that_is_begun_at_once_calls_the_same(
    case: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        stock = await lived_through(CASES[case], planned=False)
        stock_logs = [(it.name, it.levelname, it.getMessage()) for it in caplog.records]
        caplog.clear()
        ours = await begun(CASES[case])
        assert [it for it in ours if it != "waits"] == stock
        assert ("waits" in ours) == (case in ("one that waits", "one whose handler is none"))
        assert [(it.name, it.levelname, it.getMessage()) for it in caplog.records] == stock_logs

    asyncio.run(run())


def test_what_fails_after_it_has_waited_fails_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    class Fails(Addon):
        async def request(self, _flow: object) -> None:  # type: ignore[override]
            await asyncio.sleep(0)
            raise ValueError("late")

    def make(calls: Calls) -> list[Any]:
        return [Fails("a", calls, Addon("a1", calls)), Addon("b", calls)]

    assert asyncio.run(begun(make, times=1)) == ["-", "waits", "b.request", "a.update 1", "a1.update 1", "b.update 1"]  # fmt: skip
    (record,) = caplog.records
    assert (record.name, record.getMessage()) == ("mitmproxy.addonmanager", "Addon error: late")


def test_who_is_cancelled_while_a_handler_waits_is_cancelled() -> None:
    async def run() -> None:
        calls: Calls = []
        with a_master() as master:
            master.addons.add(Slow("a", calls), Addon("b", calls))
            CachedDispatch(master).install()
            begin = begin_of(master)
            assert begin is not None
            left = begin(HttpRequestHook(tflow.tflow()))
            assert left is not None
            left.rest.send(None)
            with pytest.raises(asyncio.CancelledError):
                left.rest.throw(asyncio.CancelledError())
        assert calls == []

    asyncio.run(run())


def test_what_a_handler_sets_in_its_context_ends_with_the_hook() -> None:
    mark: ContextVar[str] = ContextVar("mark", default="")
    seen: list[str] = []

    class Marks:
        def request(self, _flow: object) -> None:
            seen.append(mark.get())
            mark.set("set")

    async def run() -> None:
        with a_master() as master:
            master.addons.add(Marks())
            CachedDispatch(master).install()
            begin = begin_of(master)
            assert begin is not None
            for _ in range(2):
                assert begin(HttpRequestHook(tflow.tflow())) is None
        assert (seen, mark.get()) == (["", ""], "")

    asyncio.run(run())


def test_a_flow_that_an_addon_holds_back_is_waited_for() -> None:
    class Holds:
        def request(self, flow: Flow) -> None:
            flow.intercept()

    async def run() -> None:
        with a_master() as master:
            master.addons.add(Holds())
            CachedDispatch(master).install()
            begin = begin_of(master)
            assert begin is not None
            flow = tflow.tflow()
            left = begin(HttpRequestHook(flow))
            assert left is not None
            waiting = asyncio.create_task(master.addons.handle_lifecycle(left))
            await asyncio.sleep(0)
            assert not waiting.done()
            flow.resume()
            await waiting

    asyncio.run(run())


def test_what_may_not_be_caught_is_not_caught() -> None:
    def raising(calls: Calls) -> list[Any]:
        return [Addon("a", calls, error=exceptions.OptionsError("x"))]

    async def run() -> None:
        for planned in (False, True):
            with pytest.raises(exceptions.OptionsError):
                await lived_through(raising, planned=planned)

    asyncio.run(run())


async def after(change: Callable[[Master, Calls], object]) -> Calls:
    """What is called once `change` was made to a master whose plan was in use."""
    calls: Calls = []
    with a_master() as master:
        master.addons.add(Addon("a", calls))
        CachedDispatch(master).install()
        await master.addons.trigger_event(HttpRequestHook(tflow.tflow()))
        calls.clear()
        change(master, calls)
        await master.addons.trigger_event(HttpRequestHook(tflow.tflow()))
    return calls


def test_an_addon_that_comes_or_goes_is_noticed() -> None:
    class Brings:
        """Loads another one while it is loaded itself, and has the plan made in between."""

        name = "brings"

        def __init__(self, calls: Calls) -> None:
            self._calls = calls
            self.addons: list[Addon] = []

        def load(self, loader: Loader) -> None:
            loader.master.addons.register(Addon("early", self._calls))
            self.addons.append(loader.master.addons.get("early"))

    async def run() -> None:
        assert await after(lambda _master, _calls: None) == ["a.request"]
        assert await after(lambda master, calls: master.addons.add(Addon("b", calls))) == [
            "a.request",
            "b.request",
        ]
        assert await after(lambda master, _: master.addons.remove(master.addons.get("a"))) == []
        assert await after(lambda master, _: master.addons.clear()) == []
        assert await after(lambda master, calls: master.addons.add(Brings(calls))) == [
            "a.request",
            "early.request",
        ]

    asyncio.run(run())


def test_a_hook_that_an_option_brings_is_noticed() -> None:
    """Some addons of mitmproxy put their hooks in place when they are configured."""

    def grow(master: Master, calls: Calls) -> None:
        silent = Silent()
        master.addons.add(silent)
        vars(silent)["request"] = lambda _flow: calls.append("grown.request")
        master.options.update(confdir="elsewhere")

    async def run() -> None:
        assert await after(grow) == ["a.request", "grown.request"]

    asyncio.run(run())


def test_a_flow_is_followed_by_its_update_and_nothing_else_is() -> None:
    async def run() -> None:
        calls: Calls = []
        with a_master() as master:
            master.addons.add(Addon("a", calls))
            CachedDispatch(master).install()
            await master.addons.handle_lifecycle(HttpRequestHook(tflow.tflow()))
            await master.addons.handle_lifecycle(ClientConnectedHook(tflow.tclient_conn()))
        assert calls == ["a.request", "a.update 1", "a.client_connected"]
        assert UpdateHook.name == "update"

    asyncio.run(run())


@pytest.mark.parametrize(("other", "times"), [(version.VERSION, 1), ("12.20.1", 0)])
def test_with_it_come_the_quick_objects(
    other: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(version, "VERSION", other)
    monkeypatch.setattr(quick_objects, "install", lambda: calls.append("install"))
    asyncio.run(started())
    assert len(calls) == times


async def started(addon: object | None = None) -> tuple[bool, bool, bool]:
    """Whether the fast path says it is on, whether dispatch is planned, whether mitmproxy still mirrors the log."""
    with a_master() as master:
        fast = FastPath()
        if addon is not None:
            master.addons.add(addon)
        master.addons.add(fast)
        await master.running()
        mirrors = master._legacy_log_events in logging.getLogger().handlers
        return fast.active, "trigger_event" in vars(master.addons), mirrors


def test_it_is_on_for_the_version_it_was_measured_on() -> None:
    assert version.VERSION.startswith(fastpath.MEASURED_ON)
    assert asyncio.run(started()) == (True, True, False)


@pytest.mark.parametrize("other", ["12.20.1", "12.1.0", "13.0.0", "11.2.3"])
def test_it_is_off_for_any_other(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "VERSION", other)
    assert asyncio.run(started()) == (False, False, True)


def test_who_listens_to_the_log_goes_on_doing_so() -> None:
    class Listens:
        def add_log(self, _entry: object) -> None:
            """An old way of mitmproxy."""

    assert asyncio.run(started(Listens())) == (True, True, True)
