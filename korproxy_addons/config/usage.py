"""What is kept of finished requests, and what tokens are worth."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from korproxy_addons.config.fields import FrozenMap, Settings, Text

type Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class ModelPrice(Settings):
    """A model's price in US dollars per million tokens."""

    input: Dollars
    """Of the prompt."""
    output: Dollars
    """Of the answer, thinking included."""
    cached: Dollars | None = None
    """Of prompt tokens read from a cache; by default as input."""
    cache_write: Dollars | None = None
    """Of prompt tokens written to a cache; by default as input."""
    cache_write_1h: Dollars | None = None
    """Of those kept for an hour; by default as cache_write."""


class AccountPlan(Settings):
    """What the plan of an account costs; a bare text is its name, a bare number its price."""

    plan: Text | None = None
    """Name of the plan; `korproxy usage plans` lists those whose price is known."""
    usd_per_month: Dollars | None = None
    """What it costs a month, in US dollars; by default what the list says."""

    @model_validator(mode="before")
    @classmethod
    def _one_word(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"plan": value}
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"usd_per_month": value}
        return value


class UsageSettings(Settings):
    """What is kept of finished requests (never what was said), and what tokens are worth."""

    keep_days: int = Field(default=30, ge=1, le=90)
    """Days for which each request is kept and reported on, as far as KorProxy's plan goes (Free: 7); the sums by hour and day,
    which limits count by, last longer."""
    keep_requests: int = Field(default=100_000, ge=1_000, le=5_000_000)
    """Most requests that are kept; some 800 bytes each."""
    prices: FrozenMap[ModelPrice] = Field(default_factory=dict, validate_default=True)
    """Prices of models, by id, in place of the built-in list's."""
    plans: FrozenMap[AccountPlan] = Field(default_factory=dict, validate_default=True)
    """Plans of accounts, by the account's id: their use is shown beside what the plan costs."""
