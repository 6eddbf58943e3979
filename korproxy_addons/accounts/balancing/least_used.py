"""The strategy that keeps everybody equally busy."""

from collections.abc import Sequence

from korproxy_addons.accounts.balancing.option import Option, View


class LeastUsed:
    """Whoever has the fewest requests under way; among those, whoever was asked least of late."""

    def ranked[O: Option](self, options: Sequence[O], view: View) -> list[O]:
        return sorted(
            options,
            key=lambda it: (
                view.load.in_flight(it.account_id),
                view.load.lately(it.account_id, view.now),
            ),
        )

    def picked(self, option: Option, options: Sequence[Option], view: View) -> None:
        pass
