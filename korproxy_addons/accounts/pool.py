"""
The table of healths: what may be used now, and when the rest may be used again.

Pure but for the table itself: the clock and chance are handed in. A limit that concerns one model never cools the whole
account, and an account whose rest is over gets one request at first, not all that waited for it.
"""

import math
import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace

from korproxy_addons.accounts.health import (
    FRESH,
    TRIAL_S,
    Health,
    State,
    after_failure,
    after_success,
)
from korproxy_addons.providers.failure import Failure, Scope, Verdict

ALL_MODELS = "*"
MOST_ENTRIES = 256

type Key = tuple[str, str]
"""An account's id, and a model, a glob of models, or `*`."""

type Changed = Callable[[str, str, Health | None], None]
"""Told an account's id, the models, and their health from here on; None: there is nothing to know any more."""


def covers(pattern: str, model: str) -> bool:
    """Whether a key of the table is about `model`; only `*` is special, as ids such as `opus[1m]` exist."""
    if "*" not in pattern:
        return pattern == model
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), model) is not None


class Pool:
    """
    The healths of all accounts; one that is not in it is available.

    Args:
        changed: Told what must outlive the process.
        chance: A random number in [0, 1), which spreads the rests that we guess.
    """

    def __init__(
        self, changed: Changed | None = None, chance: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._changed = changed
        self._chance = chance
        self._healths: dict[str, dict[str, Health]] = {}

    # What may be asked.

    def worst(self, account_id: str, model: str, now: float) -> Health:
        """What stands in the way of asking `account_id` for `model` at `now`; an available one if nothing does."""
        found = [it for it in self._about(account_id, model) if not it.usable(now)]
        never = [health for health in found if health.until is None]
        if never:
            return never[0]
        return max(found, key=lambda health: health.until or 0.0, default=FRESH)

    def usable(self, account_id: str, model: str, now: float) -> bool:
        """Whether `account_id` may be asked for `model` at `now`."""
        return account_id not in self._healths or self.worst(account_id, model, now).usable(now)

    def worth_a_try(self, account_id: str, model: str, now: float) -> bool:
        """Whether nothing but our own guesses, or another request's trial, stands in the way of asking."""
        return all(
            it.usable(now) or it.guessed or it.rested(now) for it in self._about(account_id, model)
        )

    def on_trial(self, account_id: str, model: str, now: float) -> bool:
        """Whether nothing but another request's trial stands in the way: it will be known in a moment."""
        return all(it.usable(now) or it.rested(now) for it in self._about(account_id, model))

    def steady(self, account_id: str, model: str, now: float) -> bool:
        """Whether the account has not met a limit for a while."""
        return not any(it.lately_limited(now) for it in self._about(account_id, model))

    def _about(self, account_id: str, model: str) -> list[Health]:
        table = self._healths.get(account_id)
        if not table:
            return []
        return [health for pattern, health in table.items() if covers(pattern, model)]

    # What came of it.

    def began(self, account_id: str, model: str, now: float) -> None:
        """A request is sent: where a rest is over, it has the trial to itself."""
        for pattern, health in self._healths.get(account_id, {}).items():
            if covers(pattern, model) and health.rested(now):
                self._healths[account_id][pattern] = replace(health, trial_until=now + TRIAL_S)

    def ended(self, account_id: str, model: str, began_at: float) -> None:
        """
        A request is over, whatever it came to: where it had the trial and nothing has come to be known, the next may have it.

        Args:
            account_id: Whom it was sent to.
            model: The upstream model that was asked for.
            began_at: As `began` was told: a trial is ended by nobody but who has it.
        """
        held_until = began_at + TRIAL_S
        for pattern, health in self._healths.get(account_id, {}).items():
            if health.trial_until == held_until and covers(pattern, model):
                self._healths[account_id][pattern] = replace(health, trial_until=0.0)

    def failed(
        self,
        account_id: str,
        model: str,
        failure: Failure,
        now: float,
        *,
        breakdown: bool = False,
        started_at: float | None = None,
    ) -> None:
        """
        Take in one failed attempt; `ended` says that it is over.

        Args:
            account_id: Whose attempt it was.
            model: The upstream model that was asked for.
            failure: What it means.
            now: Unix seconds.
            breakdown: The upstream broke down (no connection, 5xx): three in a row take the account out for a while.
            started_at: Unix seconds at which the attempt began; None: just now.
        """
        if failure.verdict is Verdict.NONE and not breakdown:
            return
        key = _key(failure, model)
        before = self._healths.get(account_id, {}).get(key, FRESH)
        after = after_failure(before, failure, now, chance=self._chance(), started_at=started_at)
        self._set(account_id, key, after)
        table = self._healths[account_id]
        if len(table) > MOST_ENTRIES:
            # Clients name what models they like; what has run its course need not be remembered.
            for pattern in [it for it, health in table.items() if health.usable(now)]:
                self._set(account_id, pattern, None)

    def succeeded(self, account_id: str, model: str, started_at: float = math.inf) -> None:
        """
        A reply came: what was held against the account, and against it for this model, is over.

        Args:
            account_id: Whose attempt it was.
            model: The upstream model that answered.
            started_at: Unix seconds at which the attempt began: what it knows nothing of, it cannot end.
        """
        for pattern, health in list(self._healths.get(account_id, {}).items()):
            held = health.state is not State.AVAILABLE and health.failed_at < started_at
            if held and covers(pattern, model):
                self._set(account_id, pattern, after_success(health))

    # What people and the config say.

    def reset(self, account_id: str) -> None:
        """Forget everything about an account, as a person asked."""
        for pattern in list(self._healths.get(account_id, ())):
            self._set(account_id, pattern, None)

    def forgive(self, codes: Container[str]) -> None:
        """Forget the rests that began for one of these reasons: it turned out to be no account's fault."""
        for account_id, table in list(self._healths.items()):
            for pattern, health in list(table.items()):
                resting = health.state in (State.RATE_LIMITED, State.ERRORING)
                if resting and health.code in codes:
                    self._set(account_id, pattern, None)

    def second_chance(self, now: float, account_id: str | None = None) -> None:
        """What waits for its owner (of one account, or of all) may be tried again: he may have been here."""
        for account, table in self._healths.items():
            if account_id in (None, account):
                for pattern, health in table.items():
                    if health.until is None:
                        table[pattern] = replace(health, until=now)

    def keep(self, account_ids: Iterable[str]) -> None:
        """Drop what is known of accounts that left the config."""
        for account_id in set(self._healths).difference(account_ids):
            self.reset(account_id)

    def restore(self, healths: Mapping[Key, Health], now: float) -> None:
        """Take in what was kept of an earlier run; what waited for its owner may be tried once."""
        for (account_id, pattern), health in healths.items():
            self._healths.setdefault(account_id, {}).setdefault(pattern, health)
        self.second_chance(now)

    def snapshot(self) -> dict[Key, Health]:
        """What stands, or has just stood, in somebody's way; a copy."""
        return {
            (account, pattern): health
            for account, table in self._healths.items()
            for pattern, health in table.items()
            if health.state is not State.AVAILABLE
        }

    def _set(self, account_id: str, pattern: str, health: Health | None) -> None:
        if health is None:
            table = self._healths[account_id]
            del table[pattern]
            if not table:
                del self._healths[account_id]
        else:
            self._healths.setdefault(account_id, {})[pattern] = health
        if self._changed is not None:
            kept = None if health is None or health.state is State.AVAILABLE else health
            self._changed(account_id, pattern, kept)


def _key(failure: Failure, model: str) -> str:
    """Whom a failure concerns; a breakdown that says nothing of it, the model that was asked for."""
    match failure.scope:
        case Scope.MODEL:
            return failure.model_glob or model
        case Scope.REQUEST if failure.verdict is Verdict.NONE:
            return model
        case _:
            return ALL_MODELS
