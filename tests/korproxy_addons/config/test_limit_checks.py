import json
from typing import Any

import pytest

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.problems import ConfigProblems

KNOWN = {
    "accounts": [{"id": "a", "provider": "claude", "secret": "env:A"}],
    "groups": [{"id": "fast", "accounts": ["a"]}],
    "profiles": [{"id": "work"}],
    "local_keys": {"keys": [{"id": "ci", "sha256": "0" * 64}]},
}


def problems(*rules: dict[str, Any]) -> list[tuple[str, str]]:
    """Key and expectation of each problem; rules count ten requests a day if they say nothing else."""
    full = [{"name": f"r{n}", "requests": 10, "per": "day", **it} for n, it in enumerate(rules)]
    try:
        parse_config(json.dumps({**KNOWN, "quota_rules": full}).encode())
    except ConfigProblems as found:
        return [(it.key, it.expected) for it in found.problems]
    return []


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {
            "account": "a",
            "group": "fast",
            "profile": "work",
            "key": "ci",
            "tool": "x",
            "project": "/p",
        },
        {"account": "*", "group": "*", "profile": "*", "key": "*", "tool": "*"},
        {"group": "default", "profile": "default"},
        {"tool": "*", "action": "reroute", "to": "fast"},
        {"account": "a", "action": "reroute"},
        {"action": "slow", "slow_s": 3},
    ],
)
def test_rules_that_mean_something_are_taken(rule: dict[str, Any]) -> None:
    assert problems(rule) == []


@pytest.mark.parametrize("field", ["account", "group", "profile", "key"])
def test_a_rule_for_somebody_who_does_not_exist_is_named(field: str) -> None:
    ((key, expected),) = problems({field: "nobody"})
    assert key == f"quota_rules[0].{field}"
    assert expected.startswith(f"the id of a {field}, or *")


def test_a_slip_is_told_with_what_was_meant() -> None:
    assert "did you mean 'fast'" in problems({"group": "fats"})[0][1]


def test_a_way_out_must_lead_somewhere() -> None:
    assert problems({"action": "reroute"})[0][0] == "quota_rules[0]"
    assert problems({"action": "reroute", "to": "*"})[0][0] == "quota_rules[0].to"
    assert "only with action: reroute" in problems({"to": "fast"})[0][1]
    ((key, expected),) = problems({"group": "fast", "action": "reroute", "to": "fast"})
    assert (key, expected.startswith("another group")) == ("quota_rules[0].to", True)


def test_two_rules_of_one_name_are_refused() -> None:
    assert problems({"name": "x"}, {"name": "x"})[0][0] == "quota_rules[1].name"


def test_a_rule_that_counts_nothing_is_refused_at_its_place() -> None:
    found = problems({"requests": None})
    assert found
    assert found[0][0].startswith("quota_rules[0]")
