"""Who is asked next, of all groups that may serve a request: home first, then as each group's strategy says."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from korproxy_addons.accounts.balancing import Balancer, Fit, Group
from korproxy_addons.accounts.balancing.option import Option
from korproxy_addons.accounts.health import State
from korproxy_addons.config.profiles import Strategy

MOST_SKIPPED_TOLD = 3
"""Of so many accounts it is said why a better one was not asked: a header is no list."""


@dataclass(frozen=True, slots=True)
class Offer[O: Option]:
    """
    A group, and who of it may serve the request.

    Attributes:
        group: Its id, strategy, shares and reserves.
        options: In the group's order.
        sticky: Whether a conversation stays at its account.
    """

    group: Group
    options: Sequence[O]
    sticky: bool = True


@dataclass(frozen=True, slots=True)
class Choice[O: Option]:
    """
    Who is asked.

    Attributes:
        option: He.
        fit: How fit he is.
        offer: Of which group.
        others: Of that group, who was not tried yet, himself included.
        home: He is chosen because the conversation is at home with him.
        skipped: Who would have been asked before him, and how fit each is.
    """

    option: O
    fit: Fit
    offer: Offer[O]
    others: Sequence[O]
    home: bool = False
    skipped: Sequence[tuple[O, Fit]] = ()


def choose[O: Option](
    balancer: Balancer,
    offers: Sequence[Offer[O]],
    now: float,
    *,
    home: O | None = None,
    tried: Collection[O] = (),
) -> Choice[O] | None:
    """
    The best who was not tried yet; None if nobody may be asked.

    Whoever is less than ready, of any group, only where nobody of any group is ready.

    Args:
        balancer: Knows the strategies and who is fit.
        offers: The groups in the order to ask them.
        now: Unix seconds.
        home: Where the conversation is at home.
        tried: Whom this request has asked.
    """
    best: Choice[O] | None = None
    skipped: list[tuple[O, Fit]] = []
    for offer in offers:
        others = [it for it in offer.options if it not in tried]
        at_home = offer.sticky and home is not None and home in others
        if at_home and home is not None and balancer.fit(home, offer.group, now) is Fit.READY:
            return Choice(home, Fit.READY, offer, others, home=True)
        for it in balancer.ranked(offer.group, others, now):
            fit = balancer.fit(it, offer.group, now)
            if fit is Fit.READY:
                return Choice(it, fit, offer, others, skipped=skipped)
            if fit is not Fit.NOT_NOW and (best is None or fit < best.fit):
                best = Choice(it, fit, offer, others, skipped=tuple(skipped))
            skipped.append((it, fit))
    return best


def fits[O: Option](
    balancer: Balancer, offers: Sequence[Offer[O]], now: float, *, tried: Collection[O] = ()
) -> dict[O, Fit]:
    """How fit everybody is who was not tried yet; who is in several groups, in the first of them."""
    found: dict[O, Fit] = {}
    for offer in offers:
        for it in offer.options:
            if it not in tried and it not in found:
                found[it] = balancer.fit(it, offer.group, now)
    return found


def reasons[O: Option](balancer: Balancer, choice: Choice[O], now: float) -> list[str]:
    """
    Why he and nobody else, in the words of X-KorProxy-Why: how he was picked, and what kept those before him from serving.

    Args:
        balancer: Knows how they stand.
        choice: As `choose` made it.
        now: Unix seconds.
    Returns:
        `sticky` or the strategy, where there was a choice; `skipped:ACCOUNT:REASON` for those before him, the first few.
    """
    if choice.home:
        return ["sticky"] if len(choice.others) > 1 else []
    group = choice.offer.group
    words = [str(group.strategy)] if len(choice.others) > 1 else []
    skipped = dict(choice.skipped)
    if group.strategy is Strategy.FILL_FIRST:
        # It leaves behind whoever has met a limit; a person goes by the group's own order.
        for it in choice.others[: choice.others.index(choice.option)]:
            skipped.setdefault(it, balancer.fit(it, group, now))
    for it, fit in list(skipped.items())[:MOST_SKIPPED_TOLD]:
        words.append(f"skipped:{it.account_id}:{_why_not(balancer, it, fit, now)}")
    return words


def _why_not(balancer: Balancer, option: Option, fit: Fit, now: float) -> str:
    if fit is Fit.READY:
        return "lately_limited"
    if fit is Fit.KEPT_BACK:
        return "reserve"
    if fit is Fit.ON_TRIAL:
        return "on_trial"
    state = balancer.health(option, now).state
    # Nothing is held against him, but a window of his is exhausted.
    return "quota" if state is State.AVAILABLE else str(state)
