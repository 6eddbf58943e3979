"""Who is asked next, of all groups that may serve a request: home first, then as each group's strategy says."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from korproxy_addons.accounts.balancing import Balancer, Fit, Group
from korproxy_addons.accounts.balancing.option import Option


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
    """

    option: O
    fit: Fit
    offer: Offer[O]
    others: Sequence[O]
    home: bool = False


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
    for offer in offers:
        others = [it for it in offer.options if it not in tried]
        at_home = offer.sticky and home is not None and home in others
        if at_home and home is not None and balancer.fit(home, offer.group, now) is Fit.READY:
            return Choice(home, Fit.READY, offer, others, home=True)
        for it in balancer.ranked(offer.group, others, now):
            fit = balancer.fit(it, offer.group, now)
            if fit is Fit.READY:
                return Choice(it, fit, offer, others)
            if fit is not Fit.NOT_NOW and (best is None or fit < best.fit):
                best = Choice(it, fit, offer, others)
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
