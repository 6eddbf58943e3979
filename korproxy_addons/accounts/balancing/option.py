"""What a strategy chooses from, and what it knows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from korproxy_addons.accounts.load import Load
from korproxy_addons.accounts.pool import Pool
from korproxy_addons.accounts.standing import Standing

_NONE: Mapping[str, float] = MappingProxyType({})


class Option(Protocol):
    """An account, and the model to ask it for."""

    @property
    def account_id(self) -> str: ...

    @property
    def model(self) -> str: ...


@dataclass(frozen=True, slots=True)
class View:
    """
    What a strategy may look at.

    Attributes:
        group: Id of the group; its turns are counted apart from other groups'.
        now: Unix seconds.
        load: How busy each account is.
        pool: Health of the accounts.
        standing: An option's quota.
        weights: Account id to its share; 1.0 where it is missing.
        chance: A random number in [0, 1).
        ready: Whether an option could be asked now.
    """

    group: str
    now: float
    load: Load
    pool: Pool
    standing: Callable[[Option], Standing]
    weights: Mapping[str, float] = _NONE
    chance: Callable[[], float] = lambda: 0.0
    ready: Callable[[Option], bool] = lambda _: True


class Ordering(Protocol):
    """One strategy, with whatever it remembers."""

    def ranked[O: Option](self, options: Sequence[O], view: View) -> list[O]:
        """All of `options`, the best first; changes nothing."""

    def picked(self, option: Option, options: Sequence[Option], view: View) -> None:
        """One of `options` is asked."""
