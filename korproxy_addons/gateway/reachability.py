"""
Whether any provider can be reached at all.

One provider that is down is that provider's trouble. Connections that fail one after the other, with none that works in between,
may mean that the machine is offline: then every provider is knocked at, without a word sent, and only if none opens is it said.
From then on it is tried again, ever less often, until one opens or a request gets through. Nothing is restarted, and requests are
tried as always: the first one that gets through ends it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from korproxy_addons.gateway.front import start_task

BURST = 3
"""So many failures without a success between them ..."""
BURST_S = 30.0
"""... in this time are worth a look."""
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0


class Reachability:
    """
    Hears of every connection, and looks when too many fail.

    Args:
        knock: Whether any provider can be connected to now.
        told: Told of each change: True, nobody can be reached; False, somebody can be again.
        clock: Seconds of a clock that only goes forward.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self,
        knock: Callable[[], Awaitable[bool]],
        told: Callable[[bool], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.offline = False
        self._knock = knock
        self._told = told
        self._clock = clock
        self._sleep = sleep
        self._failures: deque[float] = deque(maxlen=BURST)
        self._look: asyncio.Task[None] | None = None

    def reached(self) -> None:
        """A provider answered."""
        if self._failures or self.offline:
            # Nothing is left to find out, and the next burst is not to wait for a pause that began before.
            self.stop()
            self._failures.clear()
            self._set(offline=False)

    def failed(self) -> None:
        """No connection to a provider came about."""
        now = self._clock()
        self._failures.append(now)
        burst = len(self._failures) == BURST and now - self._failures[0] <= BURST_S
        if burst and not self._looking():
            self._look = start_task(self._find_out(), "reachability")

    def wake(self) -> None:
        """The machine slept, or its network is another one: what is known may be so no more."""
        if self.offline:
            self.stop()
            self._look = start_task(self._find_out(), "reachability")

    def stop(self) -> None:
        """Look no more."""
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _looking(self) -> bool:
        return self._look is not None and not self._look.done()

    async def _find_out(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not await self._knock():
            self._set(offline=True)
            await self._sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        self._look = None
        self.reached()

    def _set(self, *, offline: bool) -> None:
        if offline is not self.offline:
            self.offline = offline
            self._told(offline)
