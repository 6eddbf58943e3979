"""What the launcher writes down of the gateway's life: each change of state, and that it was there to see it."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from korproxy_addons.io.database import Database
from korproxy_addons.io.tables.timeline import (
    FILE_NAME,
    INSERT_MOMENT,
    LAST_MOMENT,
    SEE,
    SEEN_AT,
    TIMELINE,
)
from korproxy_addons.usage.availability import ASLEEP, ENDED, RESTART, Moment
from launcher.supervisor.states import Phase, State, Status

BEAT_S = 60.0
# A beat that comes so much too late was slept through.
_ASLEEP_S = 3 * BEAT_S
_OVER = (ENDED, State.STOPPED)


class Timeline:
    """
    Writes the timeline of one KorProxy folder; only its running launcher may.

    Args:
        home: The KorProxy folder.
        clock: Unix seconds.
    """

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(home / FILE_NAME, (TIMELINE,), clock=clock)
        self._clock = clock
        self._last: Moment | None = None
        self._restarts = 0
        self._seen_at = 0.0

    def begin(self) -> None:
        """Open the file; a launcher before this one that has not said its end had it when it was last seen."""
        self._database.open()
        last = self._database.read(LAST_MOMENT)
        if last and last[0][1] not in _OVER:
            at = float(last[0][0] or 0)
            seen = self._database.read(SEEN_AT)
            ended_at = max(at, float(seen[0][0] or 0)) if seen else at
            detail = "the launcher was ended, or the machine was switched off"
            self._keep(Moment(ended_at, ENDED, "lost", detail))
        self._see()

    def changed(self, status: Status) -> None:
        """Keep what is new in a status: another state, or one more breakdown."""
        broke_down = status.phase is Phase.BACKING_OFF and status.restarts != self._restarts
        self._restarts = status.restarts
        before = self._last
        reason = RESTART if broke_down else str(status.reason)
        same = before is not None and before.state == status.state
        if same and not broke_down and reason in ("", before.reason if before else ""):
            return
        self._keep(Moment(self._clock(), str(status.state), reason, status.detail))

    async def beat(self) -> None:
        """Say again and again that the launcher is there; runs until it is cancelled."""
        while True:
            await asyncio.sleep(BEAT_S)
            self.beat_once()

    def beat_once(self) -> None:
        """Say that the launcher is there, and what it has slept through."""
        now, seen_at, last = self._clock(), self._seen_at, self._last
        if now - seen_at > _ASLEEP_S and last is not None:
            self._keep(Moment(seen_at, ASLEEP))
            self._keep(Moment(now, last.state, "" if last.reason == RESTART else last.reason))
        self._see()

    def close(self) -> None:
        """Say that the launcher ends, and close the file."""
        self._keep(Moment(self._clock(), ENDED))
        self._see()
        self._database.close()

    def _see(self) -> None:
        self._seen_at = self._clock()
        self._database.write(SEE, [(self._seen_at,)])

    def _keep(self, moment: Moment) -> None:
        self._last = moment
        self._database.write(INSERT_MOMENT, [tuple(moment)])
