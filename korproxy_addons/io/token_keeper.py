"""
Looks after every login while nobody asks.

Renews what is due, notices that the machine slept, and warns of ends that no renewal moves.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

from korproxy_addons.auth.states import LoginError
from korproxy_addons.auth.tokens import WARN_BEFORE_DEADLINE_S
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.broker import Broker
from korproxy_addons.providers.resolve import ResolvedAccount

log = logging.getLogger("korproxy.broker")

TICK_S = 1.0
# How often a login's file is looked at; a due time that is known is met to the tick.
LOOK_EVERY_S = 5.0
DRIFT_S = 5.0
WARN_EVERY_S = 86_400.0


class TokenKeeper:
    """
    The task beside the requests.

    Args:
        broker: Renews.
        accounts: Those that may be used now.
        on_lost: Told an account whose login only its owner can bring back, and why.
        on_wake: Called when the machine has slept.
        clock: Unix seconds.
        monotonic: Seconds that stand still while the machine sleeps.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self,
        broker: Broker,
        accounts: Callable[[], Iterable[ResolvedAccount]],
        on_lost: Callable[[ResolvedAccount, LoginError], None],
        on_wake: Callable[[], None] = lambda: None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._broker = broker
        self._accounts = accounts
        self._on_lost = on_lost
        self._on_wake = on_wake
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._next_look_at = 0.0
        self._warned_at: dict[str, float] = {}
        self._lost: dict[str, LoginError] = {}
        self._tending: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look after the logins until cancelled."""
        wall, steady = self._clock(), self._monotonic()
        while True:
            self._look()
            await self._sleep(TICK_S)
            now, steady_now = self._clock(), self._monotonic()
            if abs((now - wall) - (steady_now - steady)) > DRIFT_S:
                fields = {"drift_s": round((now - wall) - (steady_now - steady), 1)}
                log.info("the clock has jumped, as after a sleep", extra={"fields": fields})
                self._on_wake()
                self.wake()
            wall, steady = now, steady_now

    def wake(self) -> None:
        """Look at every login at the next tick."""
        self._next_look_at = 0.0

    def _look(self) -> None:
        now = self._monotonic()
        if now < self._next_look_at:
            return
        self._next_look_at = now + LOOK_EVERY_S
        # Side by side: one provider that does not answer must not keep the others waiting.
        for way in self._accounts():
            if way.id not in self._tending:
                task = asyncio.get_running_loop().create_task(self._tend(way), name=way.id)
                self._tending[way.id] = task
                task.add_done_callback(lambda done: self._tending.pop(done.get_name(), None))

    async def _tend(self, way: ResolvedAccount) -> None:
        try:
            deadline = await self._broker.tend(way)
        except LoginError as error:
            if error.ends_login and self._lost.get(way.id) is not error:
                self._lost[way.id] = error
                self._on_lost(way, error)
            return
        except KorProxyError:
            # Said in the log where it happened; a request that needs the account is told again.
            return
        except Exception:
            fields = {"account": way.id}
            log.exception("internal error", extra={"fields": fields})
            return
        if deadline is not None:
            self._warn(way, deadline)

    def _warn(self, way: ResolvedAccount, deadline: float) -> None:
        now = self._clock()
        left_s = deadline - now
        if left_s > WARN_BEFORE_DEADLINE_S or now - self._warned_at.get(way.id, 0.0) < WARN_EVERY_S:
            return
        self._warned_at[way.id] = now
        ends = datetime.fromtimestamp(deadline, UTC).isoformat(timespec="minutes")
        fields = {"account": way.id, "ends_at": ends, "days_left": round(left_s / 86_400, 1)}
        log.warning("sign-in ends soon and must be made anew", extra={"fields": fields})
