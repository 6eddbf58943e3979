"""Rules: what the simulator does differently, for which requests, how many times."""

import random
import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Protocol

_MATCHED = ("host", "provider", "access", "key", "model", "path", "operation", "method")


class Matchable(Protocol):
    """What a rule looks at in a request."""

    def matched_value(self, name: str) -> str:
        """The value named `host`, `provider`, `access`, `key`, `model`, `path`, `operation`, `method`."""

    def header(self, name: str) -> str | None:
        """A request header."""


@dataclass
class Rule:
    """
    A fault and the requests it is for.

    Args:
        fault: Name out of `faults.FAULTS`.
        match: Values a request must have; a `*` stands for any text. No entry: every request to a provider.
        headers: Request headers it must have, same patterns.
        params: The fault's own settings.
        count: How many requests it is for; `None` for all.
        skip: How many matching requests pass before.
        share: Of the matching requests, the share that it is for, drawn anew for each.
    """

    fault: str
    match: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    count: int | None = 1
    skip: int = 0
    share: float = 1.0

    @classmethod
    def from_words(cls, fault: str, words: dict[str, Any]) -> "Rule":
        """A rule from flat words: match names, `header`, `count`, `skip`, `share`; all others are the fault's settings."""
        rest = dict(words)
        match = {name: str(rest.pop(name)) for name in _MATCHED if name in rest}
        count = rest.pop("count", 1)
        return cls(
            fault=fault,
            match=match,
            headers={name.lower(): str(value) for name, value in rest.pop("header", {}).items()},
            count=None if count is None else int(count),
            skip=int(rest.pop("skip", 0)),
            share=float(rest.pop("share", 1.0)),
            params=rest,
        )

    def fits(self, request: Matchable) -> bool:
        """True if the request has all values the rule asks for."""
        values = all(fnmatchcase(request.matched_value(k), v) for k, v in self.match.items())
        return values and all(
            fnmatchcase(request.header(k) or "", v) for k, v in self.headers.items()
        )


class Script:
    """
    The rules in force, oldest first. Usable from every thread.

    Args:
        seed: Of the draws for rules with a share; the same requests in the same order get the same faults.
    """

    def __init__(self, seed: int = 0) -> None:
        self._rules: list[Rule] = []
        self._chance = random.Random(seed)  # noqa: S311 - a test wants it predictable
        self._lock = threading.Lock()

    def reseed(self, seed: int) -> None:
        """Begin the draws anew, from another seed."""
        with self._lock:
            self._chance.seed(seed)

    def add(self, rule: Rule) -> None:
        """Append a rule."""
        with self._lock:
            self._rules.append(rule)

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules.clear()

    def take(self, request: Matchable) -> Rule | None:
        """The first rule for this request, counted down; nothing if none is."""
        with self._lock:
            for rule in self._rules:
                if not rule.fits(request):
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                if rule.share < 1.0 and self._chance.random() >= rule.share:
                    continue
                if rule.count is not None:
                    rule.count -= 1
                    if rule.count <= 0:
                        self._rules.remove(rule)
                return rule
            return None

    def pending(self) -> int:
        """How many rules still wait for a request."""
        with self._lock:
            return len(self._rules)
