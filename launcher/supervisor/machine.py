"""
The supervisor: what to do next, from what is known. Pure: clock and chance are handed in, processes are numbers.

There is one current gateway. While it is replaced (a restart that a person or an update asked for), a second one is prepared
beside it, and only when that one answers does the first retire; both share the listening sockets, so no connection is refused.
Where sockets cannot be shared (Windows), the first finishes and ends, and then the second begins.
A gateway that crashed or hangs is replaced after a back-off with full jitter; three such restarts without a minute of health
between them, and the supervisor gives up and says why.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from korproxy_addons.control.protocol import Drain, Pause, Resume, Retire, Wake
from launcher.supervisor.children import Child
from launcher.supervisor.crew import Crew
from launcher.supervisor.rules import Rules
from launcher.supervisor.signals import (
    Answered,
    Asked,
    AskHealth,
    BecameReady,
    CloseListeners,
    Exited,
    InFlight,
    Missed,
    Send,
    Spawned,
    SpawnRefused,
    StartWith,
    Tick,
    Told,
    Waits,
    Wish,
    Wished,
    Woke,
)
from launcher.supervisor.states import NEXT, Phase, Reason, State, Status

EXIT_CONFIG = 78


class Supervisor:
    """
    Decides.

    Args:
        rules: The numbers.
        chance: A random number in [0, 1).
    """

    def __init__(self, rules: Rules, chance: Callable[[], float]) -> None:
        self.rules = rules
        self.status = Status()
        self.restarted: Counter[str] = Counter()  # how often, by the metrics' own reasons
        self._chance = chance
        self._wanted = False
        self._paused = False
        self._crew = Crew()
        self._start_with = StartWith.CONFIG
        self._again_at: float | None = None
        self._ask_at: float | None = None
        self._inspect_until: float | None = None
        self._asking = False
        self._healthy_since: float | None = None
        self._deaf_until = 0.0
        self._do: list[Asked] = []
        self._now = 0.0

    def handle(self, told: Told, now: float) -> tuple[Asked, ...]:
        """
        Take in one thing, and say what is to be done.

        Args:
            told: What happened.
            now: Seconds of a clock that only goes forward; the same one at every call.
        """
        self._now, self._do = now, []
        match told:
            case Wished():
                self._wished(told.wish)
            case Waits():
                self._waits(told)
            case Spawned():
                self._spawned(told)
            case SpawnRefused():
                self._spawn_refused(told)
            case BecameReady():
                self._became_ready(told)
            case Exited():
                self._exited(told)
            case Answered():
                self._answered(told)
            case Missed():
                self._missed(told)
            case InFlight():
                self._in_flight(told)
            case Woke():
                self._woke()
            case Tick():
                pass
        self._on_time()
        self._update(inspecting=self._crew.current is not None and self._crew.current.inspects)
        return tuple(self._do)

    def due_at(self) -> float | None:
        """When a `Tick` is needed at the latest, on the clock of `handle`; None: not before something happens."""
        times = [self._again_at, None if self._asking else self._ask_at, self._inspect_until]
        times += self._crew.due(self.rules.ready_s)
        return min((it for it in times if it is not None), default=None)

    @property
    def replacing(self) -> bool:
        """Whether a successor is being prepared."""
        return self._crew.replacing

    @property
    def idle(self) -> bool:
        """Whether no process is left and none is to come."""
        return not any(self._crew) and not self._wanted

    @property
    def departing(self) -> bool:
        """Whether one that was sent away is still there."""
        return bool(self._crew.leaving)

    def wants(self, child: int) -> bool:
        """Whether this process shall serve: it was asked for and not sent away since."""
        return self._crew.wants(child)

    # -------------------------------------------------------------------------------------------- wishes

    def _wished(self, wish: Wish) -> None:
        match wish:
            case Wish.START | Wish.START_PLAIN | Wish.START_LAST_GOOD:
                self._start(wish)
            case Wish.STOP:
                self._stop()
            case Wish.RESTART:
                self._restart()
            case Wish.INSPECT:
                self._inspect()
            case Wish.PAUSE:
                self._paused = True
                if self._crew.current is not None and self._crew.current.healthy:
                    self._send(Pause())
                    self._enter(State.PAUSED, "no new requests are served until it is resumed")
            case Wish.RESUME:
                self._paused = False
                if self.status.state is State.PAUSED:
                    self._send(Resume())
                    self._enter(State.HEALTHY)

    def _start(self, wish: Wish) -> None:
        if self._wanted and self.status.state is not State.FAILED:
            return
        self._wanted = True
        self._start_with = {
            Wish.START_PLAIN: StartWith.PLAIN,
            Wish.START_LAST_GOOD: StartWith.LAST_GOOD,
        }.get(wish, StartWith.CONFIG)
        self._update(restarts=0, reason=Reason.NONE, last_lines=(), refused="")
        self._enter(State.STARTING)
        self._crew.current = self._spawn()

    def _stop(self) -> None:
        self._wanted = False
        self._paused = False
        self._again_at = self._ask_at = self._inspect_until = None
        for child in (self._crew.current, self._crew.next):
            if child is not None:
                self._send_away(child, Drain())
        self._crew.current = self._crew.next = None
        self._do.append(CloseListeners())
        if self._crew.leaving:
            self._update(phase=Phase.DRAINING, detail="finishing what is in flight")
        else:
            self._enter(State.STOPPED)

    def _restart(self) -> None:
        if not self._wanted or self.status.state is State.FAILED:
            self._start(Wish.START)
        elif self._crew.current is None or self._crew.current.ready is None:
            # There is nothing to hand over: begin anew, at once.
            self._update(restarts=0, refused="")
            self._again_at = None
            if self._crew.current is not None:
                self._send_away(self._crew.current, Drain())
            self._enter(State.STARTING)
            self._crew.current = self._spawn()
        elif self._crew.next is None:
            self._start_with = StartWith.CONFIG
            self._replace(StartWith.CONFIG, "a successor is being prepared")

    def _inspect(self) -> None:
        """Put a gateway that shows what passes in the place of the plain one; once more: for longer."""
        if (
            self._crew.current is None
            or self._crew.current.ready is None
            or self._crew.next is not None
        ):
            return
        if self._crew.current.inspects:
            self._inspect_until = self._now + self.rules.inspect_s
            return
        self._replace(StartWith.INSPECT, "mitmweb is being prepared")

    def _replace(self, start_with: StartWith, detail: str) -> None:
        self._update(refused="")
        if self.rules.hands_over:
            self._crew.next = self._spawn(start_with)
            self._update(phase=Phase.REPLACING, detail=detail)
            return
        assert self._crew.current is not None
        self.restarted["asked"] += 1
        self._send_away(self._crew.current, Drain())
        self._ask_at = None
        self._update(pid=None, instance="")
        self._enter(State.STARTING, "the one before finishes first")
        self._crew.current = self._spawn(start_with)
        self._crew.current.relieves = True

    # ------------------------------------------------------------------------------------- what processes do

    def _waits(self, told: Waits) -> None:
        child = self._crew.find(told.child)
        if child is None or child.number in self._crew.leaving:
            return
        child.spawned_at = math.inf  # its time runs from its start
        if child is self._crew.current:
            self._update(detail=told.detail)

    def _spawned(self, told: Spawned) -> None:
        child = self._crew.find(told.child)
        if child is not None:
            child.pid, child.spawned_at = told.pid, self._now
        if child is self._crew.current:
            self._update(pid=told.pid)

    def _spawn_refused(self, told: SpawnRefused) -> None:
        if self._crew.next is not None and told.child == self._crew.next.number:
            self._not_replaced(told.detail)
        elif self._crew.current is not None and told.child == self._crew.current.number:
            self._crew.current = None
            if told.port_busy:
                self._fail(Reason.PORT_BUSY, told.detail)
            else:
                self._again("refused", told.detail, ())
        elif self._crew.leaving.gone(told.child):
            self._left()

    def _became_ready(self, told: BecameReady) -> None:
        child = self._crew.find(told.child)
        if child is None or child.number in self._crew.leaving:
            return
        child.ready, child.pid = told.ready, told.ready.pid
        if child is self._crew.current:
            self._inspect_until = self._now + self.rules.inspect_s if child.inspects else None
            self._show(child)
            if self._paused:
                self._send(Pause())
        elif child is self._crew.next:
            # Both listen now; as long as the first does, nobody can tell who will answer a question.
            self._hand_over(child)
        # The line alone proves nothing: the gateway must answer.
        self._ask_at = self._now

    def _exited(self, told: Exited) -> None:
        if self._crew.leaving.gone(told.child):
            self._left()
        elif self._crew.next is not None and told.child == self._crew.next.number:
            self._update(last_lines=told.last_lines)
            self._not_replaced(told.last_lines[-1] if told.last_lines else f"exit code {told.code}")
        elif self._crew.current is not None and told.child == self._crew.current.number:
            self._crew.current = None
            self._update(pid=None, instance="")
            if self._crew.next is not None:
                # Its successor is on the way already.
                self.restarted["crashed"] += 1
                self._crew.current, self._crew.next = self._crew.next, None
                self._enter(State.STARTING)
            elif told.code == EXIT_CONFIG:
                self._fail(Reason.CONFIG_ERROR, "the config cannot be used", told.last_lines)
            else:
                self._again("crashed", f"it ended with exit code {told.code}", told.last_lines)

    def _not_replaced(self, why: str) -> None:
        """The successor is no more; the one that serves goes on."""
        self._crew.next = None
        self._update(phase=Phase.SETTLED, detail=f"not replaced: {why}", refused=why)

    def _left(self) -> None:
        """One that was sent away is gone."""
        if self._crew.leaving:
            return
        held = self._crew.place_is_free(self._now)
        if held is not None:
            self._do.append(held)
        if self._wanted:
            return
        self._update(pid=None, instance="", in_flight=0)
        self._enter(State.STOPPED)

    def _in_flight(self, told: InFlight) -> None:
        if told.child not in self._crew.leaving or self._wanted:
            return
        word = "request" if told.count == 1 else "requests"
        self._update(in_flight=told.count, detail=f"finishing {told.count} {word}…")

    # ------------------------------------------------------------------------------------------- health

    def _answered(self, told: Answered) -> None:
        self._asking = False
        child = self._crew.current
        if child is None:
            return
        if child.ready is None or child.ready.instance != told.instance:
            # One that is leaving answered, as its listener was still open: ask again.
            self._ask_at = self._now + self.rules.recheck_s
            return
        child.healthy = True
        slow = told.latency_s > self.rules.slow_s
        self._update(
            failures=0, latency_ms=round(told.latency_s * 1000, 1), in_flight=told.in_flight
        )
        if self._paused:
            self._enter(State.PAUSED)
        elif slow:
            self._enter(State.DEGRADED, f"it answers slowly ({told.latency_s:.1f} s)")
        else:
            self._enter(State.HEALTHY)
        if self._healthy_since is None:
            self._healthy_since = self._now
        if self._now - self._healthy_since >= self.rules.settled_s:
            self._update(restarts=0)
        self._ask_at = self._now + self.rules.health_every_s

    def _missed(self, told: Missed) -> None:
        self._asking = False
        child = self._crew.current
        if child is None:
            return
        self._ask_at = self._now + self.rules.recheck_s
        young = self._now < child.spawned_at + self.rules.grace_s and not child.healthy
        if young or self._now < self._deaf_until:
            return
        failures = self.status.failures + 1
        self._update(failures=failures)
        self._healthy_since = None
        if failures < self.rules.misses:
            if child.healthy:
                self._enter(State.DEGRADED, told.detail)
            return
        self._enter(State.UNREACHABLE, told.detail)
        # It may only be stuck: it is told to finish what it can, and ended soon.
        self._send_away(child, Drain(), drain_s=0.0)
        self._crew.current = None
        if self._crew.next is not None:
            self.restarted["hung"] += 1
            self._crew.current, self._crew.next = self._crew.next, None
        else:
            self._again("hung", told.detail, ())

    def _woke(self) -> None:
        self._deaf_until = self._now + self.rules.wake_s
        if self._crew.current is not None and self._crew.current.ready is not None:
            self._send(Wake())
            self._ask_at = self._now

    # --------------------------------------------------------------------------------------------- time

    def _on_time(self) -> None:
        now = self._now
        if self._again_at is not None and now >= self._again_at:
            self._again_at = None
            self._enter(State.STARTING)
            self._crew.current = self._spawn()
        for child in (self._crew.current, self._crew.next):
            if child is not None and child.ready is None:
                self._overdue(child)
        self._do += self._crew.leaving.overdue(now, self.rules)
        if self._inspect_until is not None and now >= self._inspect_until:
            # Again in a moment if this is no time to replace anything.
            self._inspect_until = now + self.rules.recheck_s
            if self._crew.current is None or not self._crew.current.inspects:
                self._inspect_until = None
            elif self._crew.current.ready is not None:
                self._restart()
        if self._ask_at is not None and now >= self._ask_at and not self._asking:
            self._asking, self._ask_at = True, None
            self._do.append(AskHealth())

    def _overdue(self, child: Child) -> None:
        if self._now < child.spawned_at + self.rules.ready_s:
            return
        self._send_away(child, Drain(), drain_s=0.0)
        detail = f"it did not say in {self.rules.ready_s:g} s that it listens"
        if child is self._crew.next:
            self._not_replaced(detail)
        else:
            self._crew.current = None
            self._again("hung", detail, ())

    # ---------------------------------------------------------------------------------------------- parts

    def _again(self, why: str, detail: str, last_lines: tuple[str, ...]) -> None:
        """After a failure: once more, unless it was tried often enough."""
        self._healthy_since = self._ask_at = None
        if self.status.restarts >= self.rules.restarts:
            reason = Reason.CANNOT_START if why == "refused" else Reason.CRASH_LOOP
            self._fail(reason, f"{detail}, {self.rules.restarts} restarts in a row", last_lines)
            return
        restarts = self.status.restarts + 1
        self.restarted[why] += 1
        longest = min(
            self.rules.longest_backoff_s, self.rules.first_backoff_s * 2.0 ** (restarts - 1)
        )
        self._again_at = self._now + self._chance() * longest
        if self.status.state is not State.UNREACHABLE:
            self._enter(State.STARTING)
        self._update(
            phase=Phase.BACKING_OFF,
            restarts=restarts,
            failures=0,
            detail=f"{detail}; restart {restarts} of {self.rules.restarts}",
            last_lines=last_lines,
        )

    def _fail(self, reason: Reason, detail: str, last_lines: tuple[str, ...] = ()) -> None:
        self._again_at = self._ask_at = self._healthy_since = None
        self._do.append(CloseListeners())
        self._update(reason=reason, pid=None, instance="", last_lines=last_lines, failures=0)
        self._enter(State.FAILED, detail)

    def _hand_over(self, successor: Child) -> None:
        if self._crew.current is not None:
            self._send_away(self._crew.current, Retire())
            self.restarted["asked"] += 1
        self._crew.current, self._crew.next = successor, None
        self._inspect_until = self._now + self.rules.inspect_s if successor.inspects else None
        self._show(successor)
        self._update(phase=Phase.SETTLED, detail="")
        if self._paused:
            self._send(Pause())

    def _spawn(self, start_with: StartWith | None = None) -> Child:
        chosen = start_with or self._start_with
        child, asked = self._crew.one_more(chosen, self._now, hands_over=self.rules.hands_over)
        if asked is not None:
            self._do.append(asked)
        return child

    def _send_away(
        self, child: Child, command: Drain | Retire, drain_s: float | None = None
    ) -> None:
        asked = self._crew.send_away(child, command, self._now, self.rules, drain_s)
        if asked is not None:
            self._do.append(asked)

    def _send(self, command: Pause | Resume | Wake) -> None:
        if self._crew.current is not None:
            self._do.append(Send(self._crew.current.number, command))

    def _show(self, child: Child) -> None:
        assert child.ready is not None
        port, instance, version = child.ready.port, child.ready.instance, child.ready.version
        self._update(pid=child.pid, port=port, instance=instance, version=version)

    def _enter(self, state: State, detail: str = "") -> None:
        before = self.status.state
        if state is before:
            phase = Phase.REPLACING if self._crew.next is not None else Phase.SETTLED
            self._update(phase=phase, detail=detail)
            return
        assert state in NEXT[before], f"{before} to {state}"
        reason = self.status.reason if state is State.FAILED else Reason.NONE
        self._update(
            state=state, phase=Phase.SETTLED, reason=reason, detail=detail, since=self._now
        )

    def _update(self, **changes: object) -> None:
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]
