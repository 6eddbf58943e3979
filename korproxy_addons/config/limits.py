"""The user's own limits: quota rules, what a local key may do, and what counts as running away."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from korproxy_addons.config.fields import Name, Seconds, Settings, Text
from korproxy_addons.config.profiles import Texts


class Per(StrEnum):
    """The time that a limit is for."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class LimitAction(StrEnum):
    """What follows when a limit is reached."""

    WARN = "warn"
    SLOW = "slow"
    REROUTE = "reroute"
    REFUSE = "refuse"


type Many = Annotated[int, Field(ge=1, le=10**15)]
type Dollars = Annotated[float, Field(gt=0, le=10**9, allow_inf_nan=False)]

COUNTED = ("requests", "tokens", "cost_usd")
"""What a quota rule can count; each sets one of them."""


class QuotaRule(Settings):
    """
    A limit on what is asked for.

    What is set among account, group, profile, tool, key and project says whose requests count together; `*` counts each
    one's apart. With none of them all count together.
    """

    name: Name
    """Name of the rule; refusals and X-KorProxy-Why show it."""
    account: Text | None = None
    """Id of an account, or * for each."""
    group: Text | None = None
    """Id of a group, or * for each."""
    profile: Text | None = None
    """Id of a profile, or * for each."""
    tool: Text | None = None
    """Tool, such as claude-code, or * for each."""
    key: Text | None = None
    """Id of a local key, or * for each."""
    project: Text | None = None
    """Folder of a project, ~ is the home folder; or * for each."""
    requests: Many | None = None
    """Most requests."""
    tokens: Many | None = None
    """Most tokens, of prompts and answers together."""
    cost_usd: Dollars | None = None
    """Most US dollars that the tokens would cost by the price list."""
    per: Per
    """For which time: minute, hour, day, week or month."""
    sliding: bool = False
    """Count the time that has just passed, instead of the minute, day or month by the calendar."""
    action: LimitAction = LimitAction.REFUSE
    """What follows: warn, slow, reroute or refuse. An account or group is left out, and refused if nobody else is left."""
    slow_s: Seconds = 5.0
    """With slow: how long each further request waits."""
    to: Name | None = None
    """With reroute: id of the group that serves instead."""
    disabled: bool = False
    """Keep the rule, but do not use it."""

    @model_validator(mode="after")
    def _counts_one_thing(self) -> Self:
        if sum(getattr(self, name) is not None for name in COUNTED) != 1:
            raise ValueError(f"one of {', '.join(COUNTED)}")
        return self


class KeyLimits(Settings):
    """What requests with a local key may do."""

    requests_per_minute: Many | None = None
    """Most requests in the last 60 seconds."""
    tokens_per_day: Many | None = None
    """Most tokens in a day, of prompts and answers together."""
    cost_usd_per_month: Dollars | None = None
    """Most US dollars in a month, by the price list."""
    concurrency: Many | None = None
    """Most requests at the same time."""
    models: Texts = ()
    """Models that may be asked for, as the tool names them; patterns with * and ?. By default all."""


class RunawaySettings(Settings):
    """When a client that repeats itself is stopped."""

    repeats: int = Field(default=300, ge=0, le=10**6)
    """Requests with the very same body from one client within window_s; 0 turns this off."""
    tool_calls: int = Field(default=12, ge=0, le=10**4)
    """Equal tool calls with equal results in a row at the end of a conversation; 0 turns this off."""
    window_s: Seconds = 60.0
    """Time for repeats, and how long a client that ran away is refused the same request."""
