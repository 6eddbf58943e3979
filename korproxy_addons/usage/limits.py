"""The user's limits at work: what is used of each, by whom, and which are reached; pure, the clock is handed in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from pathlib import PurePath

from korproxy_addons.config.limits import LimitAction, Per, QuotaRule
from korproxy_addons.config.schema import Config, LocalKey
from korproxy_addons.usage.counters import Counter, counter_of

EACH = "*"
MOST_COUNTERS = 5_000
FIELDS = ("account", "group", "profile", "tool", "key", "project")
OF_UPSTREAM = frozenset(("account", "group"))


class Counts(StrEnum):
    """What a limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    COST = "cost_usd"


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks whom; "" for what is not known, or not there."""

    account: str = ""
    group: str = ""
    profile: str = ""
    tool: str = ""
    key: str = ""
    project: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """
    One limit.

    Attributes:
        name: As refusals show it.
        scope: Fields of a `Subject` with the value each must have; `*`: any, counted apart.
        counts: See `Counts`.
        most: So much may be used.
        per: In this time.
        sliding: In the time just passed, not by the calendar.
        action: What follows when it is reached.
        slow_s: How long a request waits then.
        to: Group that serves then, "" if none is named.
    """

    name: str
    scope: tuple[tuple[str, str], ...]
    counts: Counts
    most: float
    per: Per
    sliding: bool = False
    action: LimitAction = LimitAction.REFUSE
    slow_s: float = 0.0
    to: str = ""

    @property
    def of_upstream(self) -> bool:
        """Whether it is about an account or a group, so that another one may serve."""
        return any(field in OF_UPSTREAM for field, _ in self.scope)

    def who(self, subject: Subject) -> tuple[str, ...] | None:
        """The values that `subject` is counted under; None if it does not count."""
        values = tuple(getattr(subject, field) for field, _ in self.scope)
        for value, (_, wanted) in zip(values, self.scope, strict=True):
            if not value or wanted not in (EACH, value):
                return None
        return values


@dataclass(frozen=True, slots=True)
class Reached:
    """
    A limit that is reached.

    Attributes:
        limit: Which.
        who: For whom, in words; "" for all.
        used: What is used.
        resets_at: Unix seconds at which something may be used again.
    """

    limit: Limit
    who: str
    used: float
    resets_at: float

    def words(self, now: float, zone: tzinfo | None = None) -> str:
        """The rule, the limit, what is used, and the time of the reset, for a person."""
        limit = self.limit
        whom = f" for {self.who}" if self.who else ""
        time = "last " if limit.sliding else ""
        at = datetime.fromtimestamp(self.resets_at, zone).astimezone(zone)
        return (
            f"rule “{limit.name}” allows {amount(limit.counts, limit.most)} per {time}{limit.per}{whom};"
            f" {amount(limit.counts, self.used)} used; resets at {at.isoformat(timespec='seconds')}"
            f" (in {span(self.resets_at - now)})"
        )


class LimitBook:
    """
    What is used of a set of limits.

    Args:
        limits: In the order in which they are asked.
        zone: Whose midnight counts; by default this machine's.
    """

    def __init__(self, limits: Iterable[Limit], zone: tzinfo | None = None) -> None:
        self.limits = tuple(limits)
        self._zone = zone
        self._counters: dict[tuple[Limit, tuple[str, ...]], Counter] = {}

    def reached(self, subject: Subject, now: float, *, of_upstream: bool) -> Iterator[Reached]:
        """The limits that `subject` has reached, those of accounts and groups or the others."""
        for limit in self.limits:
            if limit.of_upstream is not of_upstream:
                continue
            who = limit.who(subject)
            counter = None if who is None else self._counters.get((limit, who))
            if who is None or counter is None:
                continue
            used = counter.used(now)
            if used >= limit.most:
                names = (
                    f"{field} {value}" for (field, _), value in zip(limit.scope, who, strict=True)
                )
                yield Reached(limit, ", ".join(names), used, counter.resets_at(limit.most, now))

    def count(
        self, subject: Subject, counts: Counts, amount: float, at: float, *, of_upstream: bool
    ) -> None:
        """Count `amount`, used at `at` (Unix seconds)."""
        for limit in self.limits:
            if limit.counts is counts and limit.of_upstream is of_upstream and amount:
                self._count(limit, subject, amount, at)

    def adopt(self, other: "LimitBook") -> tuple[Limit, ...]:
        """
        Take over what another book has counted of the same limits.

        Returns:
            The limits it knows nothing of.
        """
        known = set(other.limits)
        for key, counter in other._counters.items():  # noqa: SLF001 - of its own kind
            if key[0] in self.limits:
                self._counters[key] = counter
        return tuple(it for it in self.limits if it not in known)

    def restore(self, limits: Iterable[Limit], subject: Subject, at: float, used: "Used") -> None:
        """Count for some of the limits what an earlier run has used."""
        amounts = {
            Counts.TOKENS: float(used.tokens),
            Counts.COST: used.cost_usd,
        }
        for limit in limits:
            requests = used.attempts if limit.of_upstream else used.requests
            amount = amounts.get(limit.counts, float(requests))
            if amount:
                self._count(limit, subject, amount, at)

    def _count(self, limit: Limit, subject: Subject, amount: float, at: float) -> None:
        who = limit.who(subject)
        if who is None:
            return
        key = (limit, who)
        counter = self._counters.get(key)
        if counter is None:
            if len(self._counters) >= MOST_COUNTERS:
                self._make_room(at)
            counter = self._counters[key] = counter_of(
                limit.per, sliding=limit.sliding, zone=self._zone
            )
        counter.add(amount, at)

    def _make_room(self, now: float) -> None:
        kept = {key: it for key, it in self._counters.items() if not it.empty(now)}
        if len(kept) >= MOST_COUNTERS:
            # Oldest first: a name that somebody makes up is not used again.
            for key in list(kept)[: MOST_COUNTERS // 10]:
                del kept[key]
        self._counters = kept


@dataclass(frozen=True, slots=True)
class Used:
    """What an earlier run has used."""

    requests: int
    attempts: int
    tokens: int
    cost_usd: float


def limits_of(config: Config, home: str = "~") -> tuple[Limit, ...]:
    """Every limit that a configuration sets, those of local keys first; `home` is the path of the user's home folder."""
    of_keys = [limit for key in config.local_keys.keys for limit in _limits_of_key(key)]
    return (*of_keys, *(_limit(rule, home) for rule in config.quota_rules if not rule.disabled))


def _limit(rule: QuotaRule, home: str) -> Limit:
    counts = next(it for it in Counts if getattr(rule, it) is not None)
    said = {it: getattr(rule, it) for it in FIELDS if getattr(rule, it) is not None}
    folder = said.get("project", EACH)
    if folder != EACH:
        # As a caller's folder is written on this system, without a slash at its end.
        path = home + folder[1:] if folder == "~" or folder.startswith(("~/", "~\\")) else folder
        said["project"] = str(PurePath(path))
    return Limit(
        name=rule.name,
        scope=tuple(said.items()),
        counts=counts,
        most=float(getattr(rule, counts)),
        per=rule.per,
        sliding=rule.sliding,
        action=rule.action,
        slow_s=rule.slow_s,
        to=rule.to or "",
    )


def _limits_of_key(key: LocalKey) -> Iterator[Limit]:
    limits, scope = key.limits, (("key", key.id),)
    for field, counts, per in (
        ("requests_per_minute", Counts.REQUESTS, Per.MINUTE),
        ("tokens_per_day", Counts.TOKENS, Per.DAY),
        ("cost_usd_per_month", Counts.COST, Per.MONTH),
    ):
        most = getattr(limits, field)
        if most is not None:
            yield Limit(field, scope, counts, float(most), per, sliding=per is Per.MINUTE)


def amount(counts: Counts, number: float) -> str:
    """A number of what is counted, in words."""
    if counts is Counts.COST:
        return f"${number:,.2f}"
    if number == 1:
        return f"1 {counts.removesuffix('s')}"
    return f"{number:,.0f} {counts}"


def span(seconds: float) -> str:
    """A time to wait, in words; never less than it is."""
    whole = max(1, -int(-seconds // 1))
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if whole >= 2 * length:
            return f"{-(-whole // length)} {unit}"
    return f"{whole} s"
