"""What profiles, rules, aliases, pins and safe mode make of a request."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.profiles import Strategy
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.facts import Facts, Moment, ProjectNeededError
from korproxy_addons.routing.market import Market
from korproxy_addons.routing.plan import Plan
from korproxy_addons.routing.router import Router
from korproxy_addons.routing.rules import ANY_MODEL, Candidate, Offer, UnservedError
from korproxy_addons.routing.ruleset import SHORTLISTS

MARKET = Market(
    (
        Offer("claude-a", "claude", frozenset({"opus", "haiku"})),
        Offer("claude-b", "claude", frozenset({"opus"})),
        Offer("qwen-a", "qwen", frozenset({"qwen-max", "opus"})),
        Offer("any", "openrouter", frozenset({ANY_MODEL})),
    )
)
ACCOUNTS = [
    {"id": "claude-a", "provider": "claude", "secret": "env:A"},
    {"id": "claude-b", "provider": "claude", "secret": "env:B"},
    {"id": "qwen-a", "provider": "qwen", "secret": "env:C"},
    {"id": "any", "provider": "openrouter", "secret": "env:D"},
]
PROVIDERS = {"openrouter": {"dialect": "openai-chat", "base_url": "https://o.example"}}
GROUPS = [
    {"id": "cheap", "accounts": ["qwen-a"], "strategy": "weighted", "weights": {"qwen-a": 2}},
    {
        "id": "two",
        "accounts": ["claude-b", "claude-a"],
        "sticky": False,
        "reserves": {"claude-a": 0.5},
    },
]


def router(rules: list[dict[str, Any]] | None = None, **settings: Any) -> Router:
    """A router whose active profile `w` has these rules."""
    profile = {"id": "w", "rules": rules or [], **settings.pop("profile", {})}
    written = {
        "providers": PROVIDERS,
        "accounts": ACCOUNTS,
        "groups": GROUPS,
        "profiles": [profile],
        "active_profile": "w",
        **settings,
    }
    return Router(parse_config(json.dumps(written).encode()), "/h/u")


def facts(
    model: str = "opus",
    *,
    tool: str = "",
    headers: Mapping[str, str] | None = None,
    operation: Operation = Operation.GENERATE,
    project: str | None = "",
) -> Facts:
    return Facts(
        operation=operation,
        dialect="openai-chat",
        tool=tool,
        model=model,
        headers=headers or {},
        body=b"{}",
        moment=Moment(0, 0),
        long_context_tokens=100,
        known_project=project,
    )


def rule(name: str, **inside: Any) -> dict[str, Any]:
    return {"name": name, **inside}


def plan(one: Router, asked: Facts | None = None, **words: Any) -> Plan:
    return one.plan(asked or facts(), "w", MARKET, **words)


def ids(found: Plan) -> list[list[str]]:
    return [[it.account_id for it in step.candidates] for step in found.steps]


# --- groups


def test_without_rules_all_accounts_serve_fill_first_and_sticky() -> None:
    found = plan(router())
    assert ids(found) == [["claude-a", "claude-b", "qwen-a"]]
    (step,) = found.steps
    assert (step.group, step.strategy, step.sticky) == ("default", Strategy.FILL_FIRST, True)
    assert (found.profile, found.rule, found.why, found.kind) == ("w", "", (), "chat")


def test_a_profile_has_groups_of_its_own_one_after_the_other() -> None:
    found = plan(router(profile={"group": ["two", "cheap"]}))
    assert ids(found) == [["claude-b", "claude-a"], ["qwen-a"]]
    two, cheap = found.steps
    assert (two.sticky, dict(two.reserves)) == (False, {"claude-a": 0.5})
    assert (cheap.strategy, dict(cheap.weights)) == (Strategy.WEIGHTED, {"qwen-a": 2.0})


def test_a_group_that_does_not_serve_the_model_is_passed_over() -> None:
    found = plan(router(profile={"group": ["two", "cheap"]}), facts("qwen-max"))
    assert [it.group for it in found.steps] == ["cheap"]


def test_a_group_is_a_border() -> None:
    """A model that only others serve goes nowhere, and the error says why."""
    with pytest.raises(UnservedError) as caught:
        plan(router([rule("private", group="two")]), facts("qwen-max"))
    assert caught.value.spec is catalogue.UNKNOWN_MODEL
    assert "rule private sends it to two" in caught.value.detail
    with pytest.raises(UnservedError, match="the profile sends it to two"):
        plan(router(profile={"group": "two"}), facts("qwen-max"))


# --- rules


def test_the_first_rule_that_fits_decides() -> None:
    rules = [
        rule("other", when={"tool": "cline"}, group="two"),
        rule("off", group="two", disabled=True),
        rule("mine", when={"tool": "codex-*"}, group="cheap"),
        rule("late", group="two"),
    ]
    found = plan(router(rules), facts(tool="codex-cli"))
    assert (found.rule, found.why, ids(found)) == ("mine", ("rule:mine",), [["qwen-a"]])


def test_a_rule_may_name_a_model_and_leave_the_group() -> None:
    found = plan(router([rule("small", model="haiku")]))
    assert found.candidates == (Candidate("claude-a", "haiku"),)


def test_a_rule_s_model_may_be_an_alias_or_pinned() -> None:
    rules = [rule("r", model="best", group=["cheap", "two"])]
    found = plan(router(rules, aliases={"best": "first", "first": "claude/x"}))
    assert [(it.group, it.candidates) for it in found.steps] == [
        ("two", (Candidate("claude-b", "x"), Candidate("claude-a", "x")))
    ]


def test_rules_that_only_set_parameters_let_the_next_ones_decide() -> None:
    rules = [
        rule("cold", parameters={"temperature": 0.0, "effort": "low"}),
        rule("hot", parameters={"temperature": 1.0, "thinking_budget": 5}),
        rule("go", group="cheap", parameters={"max_tokens": 9, "temperature": 0.5}),
        rule("late", parameters={"top_p": 0.5}),
    ]
    found = plan(router(rules))
    assert dict(found.parameters) == {"temperature": 0.0, "effort": "low", "max_tokens": 9}
    assert found.why == ("rule:go", "set:temperature", "set:effort", "set:max_tokens")


def test_the_project_is_asked_for_only_by_a_rule_that_gets_so_far() -> None:
    rules = [rule("p", when={"project": "~/src/w", "tool": "cline"}, group="cheap")]
    assert plan(router(rules), facts(project=None)).rule == ""
    with pytest.raises(ProjectNeededError):
        plan(router(rules), facts(tool="cline", project=None))
    assert plan(router(rules), facts(tool="cline", project="/h/u/src/w/x")).rule == "p"


def test_a_quota_rule_s_group_takes_the_place_of_all_others() -> None:
    one = router([rule("r", group="two")])
    assert ids(plan(one, reroute="cheap")) == [["qwen-a"]]
    found = plan(one, facts("claude@claude-b/opus"), reroute="cheap")
    assert found.candidates == (Candidate("qwen-a", "opus"),), "a pin is no way around a limit"
    with pytest.raises(UnservedError, match="a quota rule sends it to two"):
        plan(one, facts("qwen-max"), reroute="two")


# --- names


def test_an_alias_stands_for_what_it_leads_to() -> None:
    one = router(aliases={"quick": "small", "small": "haiku"})
    found = plan(one, facts("quick"))
    assert (found.candidates, found.why) == ((Candidate("claude-a", "haiku"),), ("alias",))


def test_a_rule_sees_both_names() -> None:
    one = router([rule("r", when={"model": "hai*"}, group="two")], aliases={"quick": "haiku"})
    assert plan(one, facts("quick")).rule == "r"
    one = router([rule("r", when={"model": "quick"}, group="two")], aliases={"quick": "haiku"})
    assert plan(one, facts("quick")).rule == "r"


def test_a_pin_goes_before_every_rule() -> None:
    found = plan(router([rule("r", group="cheap")]), facts("claude@claude-b/opus"))
    assert (found.candidates, found.why) == ((Candidate("claude-b", "opus"),), ("pinned",))
    assert found.steps[0].group == ""


def test_an_account_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UnservedError, match="claude-a, claude-b"):
        plan(router(), facts("claude@nobody/opus"))


def test_an_unknown_model_is_told_with_near_names() -> None:
    market = Market(MARKET.offers[:2])
    with pytest.raises(UnservedError, match="haiku"):
        router().plan(facts("hiku"), "w", market)


# --- safe mode


def test_safe_mode_sends_everything_to_one_fallback() -> None:
    one = router([rule("r", group="two")], safe_mode={"enabled": True, "model": "haiku"})
    for model in ("opus", "qwen@qwen-a/qwen-max", "whatever"):
        found = plan(one, facts(model))
        assert found.candidates == (Candidate("claude-a", "haiku"),)
        assert (found.rule, found.why[-1]) == ("safe-mode", "safe-mode")


def test_safe_mode_with_a_group_keeps_the_model() -> None:
    one = router(safe_mode={"enabled": True, "group": "cheap"})
    assert plan(one).candidates == (Candidate("qwen-a", "opus"),)


def test_safe_mode_does_not_make_embeddings_of_a_chat_model() -> None:
    one = router(safe_mode={"enabled": True, "model": "haiku"})
    found = plan(one, facts("text-embedding-3", operation=Operation.EMBEDDINGS))
    assert found.candidates == (Candidate("any", "text-embedding-3"),)


def test_safe_mode_that_is_off_changes_nothing() -> None:
    assert plan(router(safe_mode={"model": "haiku"})).rule == ""


def test_safe_mode_may_pin() -> None:
    one = router(safe_mode={"enabled": True, "model": "claude@claude-b/x"})
    assert plan(one).candidates == (Candidate("claude-b", "x"),)


# --- profiles


def test_a_profile_other_than_the_active_one_is_named() -> None:
    one = router()
    found = one.plan(facts(), "default", MARKET)
    assert (found.profile, found.why) == ("default", ("profile:default",))


def test_profiles_are_found_by_id_and_name_whatever_the_case() -> None:
    one = router(profile={"name": "Day job"})
    assert [one.profile_named(it) for it in ("W", " day JOB ", "default", "Default", "x", "")] == [
        "w", "w", "default", "default", None, None,
    ]  # fmt: skip
    assert [it.id for it in one.profiles] == ["w", "default"]


def test_folders_belong_to_the_first_profile_that_names_them() -> None:
    one = router(
        profiles=[{"id": "w", "projects": ["~/src/job"]}, {"id": "x", "projects": "~/src"}]
    )
    assert one.profile_of_folder("/h/u/src/job/api") == "w"
    assert one.profile_of_folder("/h/u/src/other") == "x"
    assert one.profile_of_folder("/srv") is None
    assert one.profile_of_folder("") is None


@pytest.mark.parametrize(
    ("settings", "matters"),
    [
        ({"profiles": [], "active_profile": "default"}, False),
        ({}, True),
        ({"project_files": False}, False),
        ({"project_files": False, "profile": {"projects": "~/x"}}, True),
        ({"profiles": [{"id": "default"}], "active_profile": "default"}, False),
    ],
)
def test_the_project_matters_only_where_it_can_change_something(
    settings: dict[str, Any],
    matters: bool,
) -> None:
    assert router(**settings).project_matters is matters


# --- explanations


def test_every_rule_says_what_became_of_it() -> None:
    rules = [
        rule("a", when={"tool": "cline"}, group="two"),
        rule("b", parameters={"effort": "low"}),
        rule("c", model="haiku", disabled=True),
        rule("d", model="haiku", group="two", parameters={"max_tokens": 3}),
        rule("e", group="cheap"),
        rule("f", when={"dialect": "gemini"}, group="cheap"),
    ]
    one = router(rules)
    found = plan(one, facts(tool="codex-cli"), explain=True)
    assert [(it.rule, it.outcome, it.reason) for it in found.verdicts] == [
        ("a", "no match", "tool is codex-cli, not cline"),
        ("b", "parameters", "sets effort = low"),
        ("c", "disabled", ""),
        ("d", "chosen", "group two; model haiku; sets max_tokens = 3"),
        ("e", "too late", "it fits, but an earlier rule decides"),
        ("f", "no match", "dialect is openai-chat, not gemini"),
    ]
    plain = plan(one, facts(tool="codex-cli"))
    assert plain.verdicts == ()
    assert (plain.steps, plain.why, plain.parameters) == (found.steps, found.why, found.parameters)


def test_where_no_rule_is_asked_each_says_so() -> None:
    found = plan(router([rule("a", group="two")]), facts("claude/opus"), explain=True)
    assert [(it.outcome, it.reason) for it in found.verdicts] == [
        ("not asked", "the model's name says where to go")
    ]


def test_names_without_end_do_not_fill_the_memory() -> None:
    one = router([rule("r", when={"model": "x*"}, group="cheap")])
    for number in range(SHORTLISTS * 2):
        plan(one, facts(f"m-{number}"))
    assert len(one._profiles["w"].shortlists) <= SHORTLISTS
