"""What is done for accounts while nobody asks: logins renewed, quotas looked up, each by a task of its own."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.accounts.pool import ALL_MODELS
from korproxy_addons.auth.states import LoginError
from korproxy_addons.config.schema import Config
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.front import start_task
from korproxy_addons.gateway.wire import Wire
from korproxy_addons.io.token_keeper import TokenKeeper
from korproxy_addons.providers.failure import Failure, Scope, Verdict
from korproxy_addons.providers.resolve import ResolvedAccount

log = logging.getLogger("korproxy.caretaker")

# Replies tell most of it; a quota page is asked for accounts that were not heard of for so long.
QUOTA_AGE_S = 600.0
QUOTA_LOOK_S = 60.0
# A page that fails, or answers 429 itself, is left alone for so long.
QUOTA_PAUSE_S = 1800.0
ASK_BUDGET_S = 30.0


class Caretaker:
    """
    Looks after the accounts of a process.

    Args:
        wire: Knows the accounts.
        fleet: Is told what is found.
        config: The one in force.
        on_wake: Called when the machine has slept.
        clock: Unix seconds.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self,
        wire: Wire,
        fleet: Fleet,
        config: Callable[[], Config],
        on_wake: Callable[[], None] = lambda: None,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._wire = wire
        self._fleet = fleet
        self._config = config
        self._clock = clock
        self._sleep = sleep
        self._keeper = TokenKeeper(
            wire.broker, self._in_use, self._lost, on_wake, clock=clock, sleep=sleep
        )
        self._not_before: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._tasks = [
            start_task(self._keeper.run(), "token keeper"),
            start_task(self._watch_quotas(), "quota watch"),
        ]

    async def stop(self) -> None:
        """End; a renewal that was sent is waited for."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._wire.broker.close()

    def wake(self) -> None:
        """The machine slept: tokens may have run out meanwhile."""
        self._keeper.wake()

    async def look_at_quotas(self) -> None:
        """Ask for the quotas of accounts that were not heard of for a while."""
        now = self._clock()
        due = [way for way in self._in_use() if self._unheard(way, now)]
        await asyncio.gather(*(self._ask(way) for way in due))

    async def _watch_quotas(self) -> None:
        while True:
            await self._sleep(QUOTA_LOOK_S)
            await self.look_at_quotas()

    def _unheard(self, way: ResolvedAccount, now: float) -> bool:
        if way.access.quota.ask is None or not way.quota_url:
            return False
        if now < self._not_before.get(way.id, -math.inf):
            return False
        heard_at = max((it.seen_at for it in self._fleet.quota.windows(way.id)), default=-math.inf)
        return now - heard_at >= QUOTA_AGE_S

    async def _ask(self, way: ResolvedAccount) -> None:
        pause_s = QUOTA_AGE_S
        try:
            async with asyncio.timeout(ASK_BUDGET_S):
                windows = await self._wire.quota(way, self._clock())
            self._fleet.quota.observe(way.id, windows)
        except (KorProxyError, TimeoutError) as error:
            code = error.spec.code if isinstance(error, KorProxyError) else "timeout"
            told_s = (error.retry_after_s or 0.0) if isinstance(error, KorProxyError) else 0.0
            pause_s = max(QUOTA_PAUSE_S, told_s)
            fields = {"account": way.id, "code": code, "wait_s": pause_s}
            log.info("quota not available", extra={"fields": fields})
        except Exception:
            log.exception("internal error", extra={"fields": {"account": way.id}})
        self._not_before[way.id] = self._clock() + pause_s

    def _in_use(self) -> Iterable[ResolvedAccount]:
        """Those that may be used at all: what its owner has not agreed to, or what is over, is left alone."""
        ways = self._wire.accounts(self._config()).values()
        return [way for way in ways if way.refusal(way.access.only_for_tool) is None]

    def _lost(self, way: ResolvedAccount, error: LoginError) -> None:
        failure = Failure(
            spec=error.spec,
            message=error.detail,
            scope=Scope.ACCOUNT,
            verdict=Verdict.NEEDS_LOGIN,
        )
        self._fleet.pool.failed(way.id, ALL_MODELS, failure, self._clock())
