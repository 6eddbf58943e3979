"""What a person allows to be spent beyond a plan; nothing, unless it is said here."""

from typing import Self

from pydantic import Field, model_validator

from korproxy_addons.config.fields import Settings


class OverageSettings(Settings):
    """Paid use beyond the account's plan: extra usage, credits."""

    allow: bool = False
    """Go on when the plan is used up and its provider would bill more."""
    cap_usd: float | None = Field(default=None, gt=0, le=100_000, allow_inf_nan=False)
    """Most that may be drawn in a calendar month, at the vendors' list prices; needed with allow."""

    @model_validator(mode="after")
    def _capped(self) -> Self:
        if self.allow and self.cap_usd is None:
            raise ValueError("with allow: true, cap_usd says how much a month may cost")
        return self
