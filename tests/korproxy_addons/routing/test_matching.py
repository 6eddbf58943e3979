"""Each condition of a rule, seen to hold and not to hold, and what it says where it does not."""

from collections.abc import Mapping
from typing import Any

import pytest

from korproxy_addons.config.profiles import Match
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.facts import Facts, Moment
from korproxy_addons.routing.matching import conditions_of

TUESDAY_NOON = Moment(1, 12 * 60 + 5)


def facts(headers: Mapping[str, str] | None = None) -> Facts:
    one = Facts(
        operation=Operation.GENERATE,
        dialect="anthropic-messages",
        tool="claude-code",
        model="quick",
        headers=headers or {"x-team": "Red-2"},
        body=b'{"messages":[],"thinking":{"type":"adaptive"},"tools":[{"name":"t"}]}',
        moment=TUESDAY_NOON,
        long_context_tokens=100,
        known_project="/h/u/src/job/api",
        known_tokens=50,
    )
    one.resolved_model = "claude-haiku-5"
    return one


def match(**when: Any) -> Match:
    return Match.model_validate(when)


@pytest.mark.parametrize(
    "when",
    [
        {"tool": "claude-code"},
        {"tool": ["cline", "claude-*"]},
        {"dialect": ["gemini", "anthropic-messages"]},
        {"kind": "background"},
        {"kind": ["vision", "tool-use"]},
        {"model": "quick"},
        {"model": "claude-*"},
        {"min_input_tokens": 50},
        {"max_input_tokens": 50},
        {"min_input_tokens": 0, "max_input_tokens": 50},
        {"project": "~/src/job"},
        {"header": {"x-team": "red-*"}},
        {"time": "mon-fri 09:00-18:00"},
        {"time": ["sat", "12:05-12:06"]},
    ],
)
def test_what_fits_holds(when: dict[str, Any]) -> None:
    assert all(it.holds(facts()) for it in conditions_of(match(**when), "/h/u"))


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ({"tool": "codex-cli"}, "tool is claude-code, not codex-cli"),
        ({"dialect": "gemini"}, "dialect is anthropic-messages, not gemini"),
        ({"kind": ["vision", "chat"], "tool": "x"}, "tool is claude-code, not x"),
        ({"kind": "vision"}, "kind is chat, not vision"),
        ({"model": ["gpt-*", "o?"]}, "model is quick, not gpt-* or o?"),
        ({"min_input_tokens": 51}, "min_input_tokens is 50, not 51"),
        ({"max_input_tokens": 49}, "max_input_tokens is 50, not 49"),
        ({"project": "~/src"}, ""),
        ({"project": "/srv"}, "project is /h/u/src/job/api, not /srv"),
        ({"header": {"x-team": "blue"}}, "header x-team is another, not blue"),
        ({"header": {"x-none": "*"}}, "header x-none is nothing, not *"),
        ({"time": "sat,sun"}, "time is tue 12:05, not sat,sun"),
    ],
)
def test_what_does_not_fit_says_why(when: dict[str, Any], says: str) -> None:
    failing = [it for it in conditions_of(match(**when), "/h/u") if not it.holds(facts())]
    found = [f"{it.field} is {it.found(facts()) or 'nothing'}, not {it.wanted}" for it in failing]
    assert found == ([says] if says else [])


def test_a_header_s_value_is_not_shown() -> None:
    """It may be anything."""
    (condition,) = conditions_of(match(header={"x-team": "blue"}), "/h/u")
    assert "Red" not in condition.found(facts())


def test_what_costs_something_is_tested_last() -> None:
    when = match(
        project="x", kind="vision", min_input_tokens=1, tool="x", model="x", dialect="gemini"
    )
    fields = [it.field for it in conditions_of(when, "/h/u")]
    assert fields == ["dialect", "tool", "model", "kind", "min_input_tokens", "project"]
    assert [it.field for it in conditions_of(when, "/h/u") if it.is_static] == fields[:3]


def test_no_condition_fits_everything() -> None:
    assert conditions_of(match(), "/h/u") == ()
