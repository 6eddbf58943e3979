"""Rules by command: in their order, with every comment kept."""

from pathlib import Path

import pytest

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions.profiles import add_profile
from launcher.actions.rules import LAST, add_rule, edit_rule, list_rules, remove_rule
from support.routing_home import COMMENTS, comments, routing_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return routing_home(tmp_path / "home")


def names(home: Path, profile: str = "") -> list[str]:
    return [it.name for it in list_rules(home, profile)]


def test_rules_are_listed_in_their_order(home: Path) -> None:
    small, big = list_rules(home)
    assert (small.position, small.profile, small.when) == (1, "work", {"kind": ["background"]})
    assert (small.groups, small.model, small.parameters) == (("cheap",), None, {})
    assert (big.model, big.parameters) == ("claude-opus-5-5", {"effort": "low"})
    assert list_rules(home, "default") == ()
    with pytest.raises(KorProxyError) as caught:
        list_rules(home, "nothing")
    assert caught.value.spec is catalogue.PROFILE_UNKNOWN


def test_a_rule_is_added_at_the_end_or_before_another(home: Path) -> None:
    view = add_rule(home, "", "end", {"when": {"tool": "cline"}, "group": "cheap"})
    assert (view.position, view.when) == (3, {"tool": ["cline"]})
    assert add_rule(home, "Day job", "first", {"model": "m"}, before="small").position == 1
    assert names(home) == ["first", "small", "big", "end"]
    assert comments(home) == COMMENTS


def test_a_rule_is_added_to_a_profile_without_any(home: Path) -> None:
    add_profile(home, "x", {})
    add_rule(home, "x", "r", {"group": "cheap"})
    add_rule(home, "default", "s", {"group": "cheap"})
    assert (names(home, "x"), names(home, "default"), names(home)) == (
        ["r"],
        ["s"],
        ["small", "big"],
    )


def test_a_name_that_is_taken_and_a_place_that_is_not_there_are_refused(home: Path) -> None:
    with pytest.raises(KorProxyError) as caught:
        add_rule(home, "", "small", {"model": "m"})
    assert caught.value.spec is catalogue.NAME_TAKEN
    with pytest.raises(KorProxyError) as caught:
        add_rule(home, "", "x", {"model": "m"}, before="nothing")
    assert caught.value.spec is catalogue.RULE_UNKNOWN
    with pytest.raises(ConfigProblems, match="does nothing"):
        add_rule(home, "", "x", {})
    assert names(home) == ["small", "big"]


def test_a_rule_is_changed_field_by_field(home: Path) -> None:
    view = edit_rule(
        home, "", "big", {"model": None, "disabled": True},
        when={"project": ["~/x"]}, parameters={"effort": None, "max_tokens": 5},
    )  # fmt: skip
    assert (view.model, view.disabled, view.groups) == (None, True, ("cheap", "default"))
    assert (view.when, view.parameters) == ({"project": ["~/x"]}, {"max_tokens": 5})
    view = edit_rule(home, "", "small", {}, when={"kind": None, "tool": "cline"})
    assert view.when == {"tool": ["cline"]}
    assert comments(home) == COMMENTS


def test_a_rule_is_moved(home: Path) -> None:
    add_rule(home, "", "third", {"model": "m"})
    assert edit_rule(home, "", "third", {}, before="small").position == 1
    assert edit_rule(home, "", "small", {}, before=LAST).position == 3
    assert names(home) == ["third", "big", "small"]


def test_a_rule_is_taken_out(home: Path) -> None:
    remove_rule(home, "", "small")
    assert names(home) == ["big"]
    with pytest.raises(KorProxyError) as caught:
        remove_rule(home, "", "small")
    assert caught.value.spec is catalogue.RULE_UNKNOWN
