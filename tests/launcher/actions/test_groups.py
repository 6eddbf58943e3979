"""Groups by command; one that is used goes only when told so, and then from everywhere."""

from pathlib import Path

import pytest

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions.groups import add_group, edit_group, list_groups, remove_group
from launcher.actions.profiles import list_profiles
from launcher.actions.rules import list_rules
from launcher.actions.safe_mode import safe_mode, turn_on
from support.routing_home import COMMENTS, comments, routing_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return routing_home(tmp_path / "home")


def test_groups_are_listed_with_who_uses_them(home: Path) -> None:
    default, cheap = list_groups(home)
    assert (default.accounts, default.all_accounts, default.strategy, default.sticky) == (
        ("a", "b"), True, "fill-first", True,
    )  # fmt: skip
    assert default.used_by == ("profile work", "rule work/big")
    assert (cheap.accounts, cheap.all_accounts, cheap.strategy) == (("b",), False, "round-robin")
    assert cheap.used_by == ("profile work", "rule work/small", "rule work/big")


def test_a_group_is_added_and_changed(home: Path) -> None:
    view = add_group(
        home, "two", {"accounts": ["b", "a"], "strategy": "weighted", "weights": {"a": 2}}
    )
    assert (view.accounts, view.strategy, view.weights) == (("b", "a"), "weighted", {"a": 2.0})
    view = edit_group(home, "TWO", {"weights": None, "reserves": {"a": 0.2}, "sticky": False})
    assert (view.weights, view.reserves, view.sticky) == ({}, {"a": 0.2}, False)
    assert comments(home) == COMMENTS
    with pytest.raises(KorProxyError) as caught:
        add_group(home, "x", {"name": "small CHANGE"})
    assert caught.value.spec is catalogue.NAME_TAKEN


def test_what_would_not_load_is_not_written(home: Path) -> None:
    with pytest.raises(ConfigProblems, match="an account"):
        add_group(home, "x", {"accounts": ["c"]})
    with pytest.raises(ConfigProblems, match="round-robin"):
        edit_group(home, "cheap", {"strategy": "rr"})
    assert len(list_groups(home)) == 2


def test_the_default_one_is_written_when_it_is_changed(home: Path) -> None:
    view = edit_group(home, "default", {"strategy": "random"})
    assert (view.id, view.strategy, view.all_accounts) == ("default", "random", True)


def test_a_group_in_use_stays_and_says_where(home: Path) -> None:
    with pytest.raises(
        KorProxyError, match="profile work, rule work/small, rule work/big"
    ) as caught:
        remove_group(home, "cheap")
    assert caught.value.spec is catalogue.STILL_NEEDED
    with pytest.raises(KorProxyError, match="always there"):
        remove_group(home, "default", force=True)
    with pytest.raises(KorProxyError) as caught:
        remove_group(home, "chaep")
    assert caught.value.spec is catalogue.GROUP_UNKNOWN


def test_by_force_it_goes_from_everywhere(home: Path) -> None:
    """And a rule that says nothing without it goes with it: left behind, it would send its requests to everybody."""
    turn_on(home, model="claude-opus-5-5", group="cheap")
    users = remove_group(home, "Small change", force=True)
    assert users == ("profile work", "rule work/small", "rule work/big", "safe mode")
    assert list_profiles(home)[1].groups == ("default",)
    (big,) = list_rules(home)
    assert (big.name, big.groups) == ("big", ("default",))
    assert safe_mode(home).group is None


def test_a_group_that_nobody_uses_goes_at_once(home: Path) -> None:
    add_group(home, "two", {})
    assert remove_group(home, "two") == ()
    assert comments(home) == COMMENTS
