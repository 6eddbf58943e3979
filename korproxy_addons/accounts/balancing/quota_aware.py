"""The strategy that lets no quota go to waste."""

from collections.abc import Sequence

from korproxy_addons.accounts.balancing.option import Option, View

# With so little left of any window the next request is likely to be refused.
NEARLY_SPENT = 0.03


class QuotaAware:
    """
    Spend first what resets first.

    Of each account the longest window counts, as the shorter ones only say how fast it may be spent: whoever would have to
    spend most per day to waste nothing of it is asked first. That is who resets soonest among equals, and who has kept to
    his pace gives way to who is behind it. Whoever is about to be refused comes last.
    """

    def ranked[O: Option](self, options: Sequence[O], view: View) -> list[O]:
        def key(option: O) -> tuple[bool, float, float]:
            standing = view.standing(option)
            spent = standing.left is not None and standing.left <= NEARLY_SPENT
            return spent, -standing.urgency, standing.ends_at

        return sorted(options, key=key)

    def picked(self, option: Option, options: Sequence[Option], view: View) -> None:
        pass
