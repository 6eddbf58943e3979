"""Strategies that keep to the group's own order."""

from collections.abc import Sequence

from korproxy_addons.accounts.balancing.option import Option, View


class Priority:
    """The first that may be asked: whoever is earlier in the group is back at once when his rest is over."""

    def ranked[O: Option](self, options: Sequence[O], view: View) -> list[O]:
        del view
        return list(options)

    def picked(self, option: Option, options: Sequence[Option], view: View) -> None:
        pass


class FillFirst:
    """
    One account until it is used up, then the next.

    Who took over from one at its limit keeps on: the group returns to the earlier account when nothing of its quota is
    exhausted any more and it has met no limit for a while, so that one that ends and begins again does not send everybody
    to and fro. After a mere breakdown it is back at once.
    """

    def __init__(self) -> None:
        self._in_use: dict[str, str] = {}

    def ranked[O: Option](self, options: Sequence[O], view: View) -> list[O]:
        in_use = self._in_use.get(view.group)
        at = next((n for n, it in enumerate(options) if it.account_id == in_use), None)
        if at is None:
            return list(options)
        back = [it for it in options[:at] if _whole(it, view)]
        waiting = [it for it in options[:at] if it not in back]
        return [*back, *options[at:], *waiting]

    def picked(self, option: Option, options: Sequence[Option], view: View) -> None:
        del options
        self._in_use[view.group] = option.account_id


def _whole(option: Option, view: View) -> bool:
    spent = view.standing(option).spent_until is not None
    return not spent and view.pool.steady(option.account_id, option.model, view.now)
