"""What a provider says of an account's limits: windows that fill up and begin anew."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace

from korproxy_addons.providers.calls import Reply, Request
from korproxy_addons.providers.failure import Failure, Scope
from korproxy_addons.providers.outgoing import AccountFacts

HOUR_S = 3600.0
FIVE_HOURS_S = 5 * HOUR_S
DAY_S = 24 * HOUR_S
WEEK_S = 7 * DAY_S

_NAMES = {FIVE_HOURS_S: "5h", DAY_S: "daily", WEEK_S: "weekly", 30 * DAY_S: "monthly"}
# A pace that is read off the first moments of a window says nothing.
_EARLY_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Window:
    """
    One limit of an account, as its provider told it.

    Attributes:
        name: `5h`, `weekly`, `daily`, `credits`, `requests-minute` and the like.
        used_share: 0 to 1, beyond 1 where the provider says so; None if it does not say.
        used: The same as a number of `unit`.
        limit: What `used` may come to.
        unit: Such as `requests`, `tokens`, `credits`, `usd`; "" where only a share is known.
        reset_at: Unix seconds at which it begins anew; None: not known, or it never does.
        length_s: From one beginning to the next.
        seen_at: Unix seconds at which the provider said so.
        model_glob: The models it counts, such as `claude-fable-*`; `*`: all.
    """

    name: str
    used_share: float | None = None
    used: float | None = None
    limit: float | None = None
    unit: str = ""
    reset_at: float | None = None
    length_s: float | None = None
    seen_at: float = 0.0
    model_glob: str = "*"

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the account's other windows."""
        return self.name, self.model_glob

    def remaining_share(self) -> float | None:
        """What is left, 0 to 1; None if that is not known."""
        return None if self.used_share is None else max(0.0, 1.0 - self.used_share)

    def remaining(self) -> float | None:
        """What is left, in `unit`; None if that is not known."""
        if self.used is None or self.limit is None:
            return None
        return max(0.0, self.limit - self.used)

    def at(self, now: float) -> "Window":
        """The window as it stands at `now` (Unix seconds): one whose reset has passed is empty again."""
        if self.reset_at is None or now < self.reset_at:
            return self
        following = None
        if self.length_s and self.length_s >= HOUR_S and self.reset_at + self.length_s > now:
            # Sliding and fixed windows alike: the next one cannot end later than a whole length from now.
            following = self.reset_at + self.length_s
        used = None if self.used is None else 0.0
        return replace(self, used_share=0.0, used=used, reset_at=following)

    def pace(self, now: float) -> float | None:
        """
        The share that is used over the share of the window's time that has passed.

        Above 1 it runs out before its reset if things go on like this.

        Returns:
            None where the window says too little, or has only just begun.
        """
        if self.used_share is None or self.reset_at is None or not self.length_s:
            return None
        passed = 1.0 - (self.reset_at - now) / self.length_s
        if not _EARLY_SHARE <= passed <= 1.0:
            return None
        return self.used_share / passed

    def runs_out_at(self, now: float) -> float | None:
        """Unix seconds at which it will be used up at this pace; None if not before its reset."""
        pace = self.pace(now)
        if pace is None or pace <= 1.0 or self.used_share is None or self.used_share >= 1.0:
            return None
        assert self.reset_at is not None
        assert self.length_s is not None
        began_at = self.reset_at - self.length_s
        return began_at + (now - began_at) / self.used_share


type Windows = tuple[Window, ...]
type QuotaQuestion = Generator[Request, Reply, Windows]
"""Requests out (without the credential, which the driver adds), replies in, the windows at the end."""


def no_windows(headers: Mapping[str, str], now: float) -> Windows:
    """For a provider whose replies say nothing of limits."""
    del headers, now
    return ()


@dataclass(frozen=True, slots=True)
class OverageSign:
    """
    The plan is used up, and its provider bills what comes on top.

    Attributes:
        drawn: This request was paid for already; False: the next one would be.
        until: Unix seconds at which the plan serves again.
        words: What the provider calls it.
    """

    drawn: bool
    until: float
    words: str


def no_overage(headers: Mapping[str, str], now: float) -> OverageSign | None:
    """For a way in that never bills beyond what was bought."""
    del headers, now
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaReading:
    """
    How an access tells its limits.

    Attributes:
        headers: Reads them off any reply's headers (names in lower case; Unix seconds).
        overage: Reads off the same whether money beyond the plan is drawn.
        ask: The questions to its quota endpoint (account, endpoint's URL, Unix seconds); None: it has none.
    """

    headers: Callable[[Mapping[str, str], float], Windows] = no_windows
    overage: Callable[[Mapping[str, str], float], OverageSign | None] = no_overage
    ask: Callable[[AccountFacts, str, float], QuotaQuestion] | None = None

    @property
    def tells(self) -> bool:
        """Whether anything is said before a limit is met."""
        return self.headers is not no_windows or self.ask is not None


NO_QUOTA = QuotaReading()


def name_of_length(length_s: float) -> str:
    """What a window of so many seconds is called: `5h`, `weekly`, or its number of minutes, hours or days."""
    known = _NAMES.get(length_s)
    if known is not None:
        return known
    for unit, seconds in (("d", DAY_S), ("h", HOUR_S), ("m", 60.0)):
        if length_s >= seconds and length_s % seconds == 0:
            return f"{length_s / seconds:.0f}{unit}"
    return f"{length_s:.0f}s"


def window_of_failure(failure: Failure, model: str, now: float) -> Window | None:
    """
    The window that a failed attempt showed to be used up; None if it showed none.

    For providers that say nothing before it is so.

    Args:
        failure: As the provider's code read it.
        model: The upstream model that was asked for.
        now: Unix seconds.
    """
    if failure.reset_at is None or failure.reset_at <= now:
        return None
    glob = (failure.model_glob or model) if failure.scope is Scope.MODEL else "*"
    return Window("plan", 1.0, reset_at=failure.reset_at, seen_at=now, model_glob=glob)
