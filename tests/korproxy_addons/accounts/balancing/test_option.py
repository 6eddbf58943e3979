"""What every strategy promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.accounts.balancing.fixed import FillFirst, Priority
from korproxy_addons.accounts.balancing.least_used import LeastUsed
from korproxy_addons.accounts.balancing.option import Ordering
from korproxy_addons.accounts.balancing.quota_aware import QuotaAware
from korproxy_addons.accounts.balancing.rotation import Random, RoundRobin, Weighted
from support.options import names, options, view

ALL = [FillFirst, LeastUsed, Priority, QuotaAware, Random, RoundRobin, Weighted]
groups = st.lists(st.sampled_from("abcdef"), unique=True).map("".join)


@pytest.mark.parametrize("strategy", ALL)
@given(turns=st.lists(st.tuples(groups, st.floats(0, 0.999)), max_size=12))
def test_everybody_is_in_the_ranking_once_and_looking_changes_nothing(
    strategy: type[Ordering], turns: list[tuple[str, float]]
) -> None:
    """Whoever was asked before, and whoever is there now."""
    ordering = strategy()
    for who, chance in turns:
        seen = view(chance=chance, weights={"a": 3.0})
        ranked = ordering.ranked(options(who), seen)
        assert sorted(names(ranked)) == sorted(who)
        assert names(ordering.ranked(options(who), seen)) == names(ranked)
        if ranked:
            ordering.picked(ranked[0], options(who), seen)
