"""What a check found, and what to do about it: the one value of self-test, debug bundle and doctor."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

type Result = Literal["ok", "warn", "fail", "skip"]

ORDER: tuple[Result, ...] = ("fail", "warn", "ok", "skip")
"""Worst first; a check that was not made says nothing."""

MARKS: dict[Result, str] = {"ok": "✓", "warn": "▲", "fail": "✕", "skip": "·"}
"""How each result is shown to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    One thing that was looked at.

    Attributes:
        name: What was looked at, a constant of a few words; the same in every run.
        result: ok: as it should be; warn: works, but somebody should know; fail: something does not work; skip: not made,
            and `detail` says why.
        detail: What was found, in one sentence; "" where the name says it all.
        remedy: What to do, one step each, the likeliest first; empty where nothing is to be done.
        seen: Each single thing that was looked at, for those who want to know it all.
    """

    name: str
    result: Result
    detail: str = ""
    remedy: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()


def worst(checks: Iterable[Check]) -> Result:
    """The worst result among them; "skip" if none was made."""
    found = {it.result for it in checks}
    return next((it for it in ORDER if it in found), "skip")
