"""Accounts to choose from, and what a strategy is shown of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from korproxy_addons.accounts.balancing.option import Option, View
from korproxy_addons.accounts.load import Load
from korproxy_addons.accounts.pool import Pool
from korproxy_addons.accounts.standing import UNKNOWN, Standing

NOW = 1_800_000_000.0


@dataclass(frozen=True)
class Account:
    """One option."""

    account_id: str
    model: str = "m"


def options(names: str) -> list[Account]:
    """One option for each letter."""
    return [Account(name) for name in names]


def names(found: list[Account]) -> str:
    """The letters again."""
    return "".join(it.account_id for it in found)


def view(
    *,
    group: str = "g",
    now: float = NOW,
    load: Load | None = None,
    pool: Pool | None = None,
    standings: Mapping[str, Standing] | None = None,
    weights: Mapping[str, float] | None = None,
    chance: float = 0.0,
) -> View:
    """What a strategy may look at; `standings` and `weights` by account id."""
    known = standings or {}

    def standing(option: Option) -> Standing:
        return known.get(option.account_id, UNKNOWN)

    return View(
        group=group,
        now=now,
        load=load or Load(),
        pool=pool or Pool(),
        standing=standing,
        weights=weights or {},
        chance=lambda: chance,
    )
