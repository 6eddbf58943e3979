"""Strategies that share the requests out, whatever becomes of them."""

from collections.abc import Sequence

from korproxy_addons.accounts.balancing.option import Option, View


class RoundRobin:
    """Whoever has waited longest, in the group's order: one that joins or comes back takes its turn, and no more."""

    def __init__(self) -> None:
        self._turns: dict[str, dict[str, int]] = {}
        self._turn = 0

    def ranked[O: Option](self, options: Sequence[O], view: View) -> list[O]:
        turns = self._turns.get(view.group, {})
        return sorted(options, key=lambda it: turns.get(it.account_id, 0))

    def picked(self, option: Option, options: Sequence[Option], view: View) -> None:
        del options
        self._turn += 1
        self._turns.setdefault(view.group, {})[option.account_id] = self._turn


class Random:
    """Any of them, each as likely as the other."""

    def ranked[O: Option](self, options: Sequence[O], view: View) -> list[O]:
        left, drawn = list(options), []
        while left:
            drawn.append(left.pop(int(view.chance() * len(left))))
        return drawn

    def picked(self, option: Option, options: Sequence[Option], view: View) -> None:
        pass


class Weighted:
    """
    By shares, spread evenly: with 3 and 1 the second is asked once in four times, and never twice in a row.

    Everybody who could be asked earns his weight; who is asked pays what all have earned. Who rests earns nothing, or he would be
    asked again and again when he comes back.
    """

    def __init__(self) -> None:
        self._credit: dict[str, dict[str, float]] = {}

    def ranked[O: Option](self, options: Sequence[O], view: View) -> list[O]:
        credit = self._credit.get(view.group, {})
        earned = {
            it.account_id: credit.get(it.account_id, 0.0) + _weight(it, view) for it in options
        }
        return sorted(options, key=lambda it: -earned[it.account_id])

    def picked(self, option: Option, options: Sequence[Option], view: View) -> None:
        credit = self._credit.setdefault(view.group, {})
        able = [it for it in options if it == option or view.ready(it)]
        weights = {it.account_id: _weight(it, view) for it in able}
        for account_id, weight in weights.items():
            credit[account_id] = credit.get(account_id, 0.0) + weight
        credit[option.account_id] = credit.get(option.account_id, 0.0) - sum(weights.values())


def _weight(option: Option, view: View) -> float:
    return view.weights.get(option.account_id, 1.0)
