"""The simulator on a thread of its own, for synchronous tests and for gateways in other processes."""

import asyncio
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from launcher.simulator.ledger import Entry, Ledger
from launcher.simulator.scenarios import Scenario
from launcher.simulator.script import Rule
from launcher.simulator.server import Simulator

_START_TIMEOUT_S = 10.0


class SimulatorThread:
    """
    A running simulator as a context manager; same methods as `Simulator`, usable from any thread.

    >>> with SimulatorThread() as sim:
    ...     sim.script("429", provider="claude", retry_after=2)
    ...     url = sim.urls()["claude", "api-key"]["base"]
    """

    def __init__(
        self,
        port: int = 0,
        *,
        clock: Callable[[], float] = time.time,
        keep_body_bytes: int = 1 << 20,
    ) -> None:
        self.simulator = Simulator(port, clock=clock, keep_body_bytes=keep_body_bytes)
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_S):
            raise TimeoutError("the simulator did not start")
        if self._failed is not None:
            raise self._failed
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_START_TIMEOUT_S)

    @property
    def base_url(self) -> str:
        """The simulator's origin."""
        return self.simulator.base_url

    @property
    def ledger(self) -> Ledger:
        """Everything received since the last reset."""
        return self.simulator.ledger

    def script(self, fault: str, **words: Any) -> Rule:
        """See `Simulator.script`."""
        return self.simulator.script(fault, **words)

    def scenario(self, name: str) -> Scenario:
        """See `Simulator.scenario`."""
        return self.simulator.scenario(name)

    def urls(self) -> dict[tuple[str, str], dict[str, str]]:
        """See `Simulator.urls`."""
        return self.simulator.urls()

    def release(self) -> None:
        """See `Simulator.release`."""
        self.simulator.release()

    def hold(self) -> None:
        """See `Simulator.hold`."""
        self.simulator.hold()

    def reset(self) -> None:
        """See `Simulator.reset`."""
        self.simulator.reset()

    def wait(
        self, condition: Callable[[list[Entry]], bool], timeout_s: float = 10.0
    ) -> list[Entry]:
        """See `Ledger.wait`."""
        return self.simulator.ledger.wait(condition, timeout_s)

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            await self.simulator.start()
        except BaseException as failed:  # noqa: BLE001 - the thread that waits shall see it
            self._failed = failed
            self._ready.set()
            return
        self._ready.set()
        try:
            await self._stop.wait()
        finally:
            await self.simulator.stop()
