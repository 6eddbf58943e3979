"""What contradicts between profiles, rules, groups, aliases and keys is refused, with its line and key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.problems import ConfigProblem, ConfigProblems

ACCOUNTS = (
    "accounts: [{id: a, provider: claude, secret: env:A}, {id: b, provider: qwen, secret: env:B}]\n"
)


def problems(text: str) -> tuple[ConfigProblem, ...]:
    """Every problem in a file with two accounts."""
    try:
        parse_config((ACCOUNTS + text).encode())
    except ConfigProblems as error:
        return error.problems
    return ()


def rule(inside: str) -> str:
    """A profile `w` with one rule `r`."""
    return f"profiles: [{{id: w, rules: [{{name: r, {inside}}}]}}]"


@pytest.mark.parametrize(
    "text",
    [
        "groups: [{id: g, accounts: [b, a], weights: {a: 2}}]\nprofiles: [{id: w, group: [g, default]}]",
        "active_profile: default",
        (
            "providers: {o: {dialect: gemini, base_url: 'https://x.example', auth: none}}\n"
            "groups: [{id: g, accounts: [o, a]}]"
        ),
        "profiles: [{id: w}]\nactive_profile: w",
        rule("group: default"),
        rule("model: glm-5"),
        rule("model: claude@a/opus"),
        rule("parameters: {effort: low}"),
        "aliases: {one: two, two: three, three: claude/opus}",
        "safe_mode: {enabled: true, group: default}",
        f"local_keys: {{keys: [{{id: k, sha256: {'a' * 64}, profile: default}}]}}",
    ],
)
def test_what_fits_together_is_taken(text: str) -> None:
    assert problems(text) == ()


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("active_profile: wrk\nprofiles: [{id: work}]", "active_profile", "'work'?"),
        ("profiles: [{id: w, group: mian}]\ngroups: [{id: main}]", "profiles[0].group", "'main'?"),
        ("profiles: [{id: w, group: [default, x]}]", "profiles[0].group[1]", "a group"),
        (rule("group: x"), "profiles[0].rules[0].group", "a group"),
        (rule("model: cluade/x"), "profiles[0].rules[0].model", "'claude'?"),
        (rule("model: claude@nobody/x"), "profiles[0].rules[0].model", "id of an account"),
        (rule("when: {tool: x}"), "profiles[0].rules[0]", "group, model or parameters"),
        (rule("parameters: {effort: low, thinking_budget: 1}"),
         "profiles[0].rules[0].parameters.thinking_budget", "effort or"),
        (rule("model: m, when: {min_input_tokens: 5, max_input_tokens: 4}"),
         "profiles[0].rules[0].when.max_input_tokens", "at least"),
        (rule("model: m, when: {header: {authorization: x}}"),
         "profiles[0].rules[0].when.header.authorization", "no credential"),
        (rule("model: m, when: {header: {X-Api-Key: x}}"),
         "profiles[0].rules[0].when.header.X-Api-Key", "no credential"),
        (rule("model: m, when: {header: {'a b': x}}"),
         "profiles[0].rules[0].when.header.a b", "header's name"),
        ("profiles: [{id: w, rules: [{name: r, model: m}, {name: r, model: n}]}]",
         "profiles[0].rules[1].name", "no other rule"),
        ("profiles: [{id: w}, {id: W}]", "profiles[1].id", "whatever their case"),
        ("profiles: [{id: w, name: Day}, {id: x, name: dAY}]", "profiles[1].name", "whatever"),
        ("profiles: [{id: w, name: Day}, {id: day}]", "profiles[1].id", "whatever"),
        ("profiles: [{id: w, name: DEFAULT}]", "profiles[0].name", "whatever"),
        ("groups: [{id: Default}]", "groups[0].id", "whatever"),
        ("groups: [{id: g, accounts: [a, c]}]", "groups[0].accounts[1]", "an account"),
        ("groups: [{id: g, accounts: [a, a]}]", "groups[0].accounts[1]", "each account once"),
        ("groups: [{id: g, accounts: [a], weights: {b: 1}}]", "groups[0].weights.b", "of the group"),
        ("groups: [{id: g, reserves: {c: 0.1}}]", "groups[0].reserves.c", "of the group"),
        ("safe_mode: {enabled: true}", "safe_mode.enabled", "safe_mode.model or"),
        ("safe_mode: {group: x}", "safe_mode.group", "a group"),
        ("safe_mode: {model: cluade/x}", "safe_mode.model", "'claude'?"),
        ("local_keys: {keys: [{id: k}]}", "local_keys.keys[0]", "secret or sha256"),
        (f"local_keys: {{keys: [{{id: k, secret: env:A, sha256: {'a' * 64}}}]}}",
         "local_keys.keys[0]", "secret or sha256"),
        ("local_keys: {keys: [{id: k, secret: env:A, profile: x}]}",
         "local_keys.keys[0].profile", "a profile"),
        ("aliases: {a: a}", "aliases.a", "leads to a model"),
        ("aliases: {a: cluade/x}", "aliases.a", "'claude'?"),
        ("aliases: {a: openai/gpt}", "aliases.a", "known provider"),
        ("aliases: {a: claude/}", "aliases.a", "provider/model"),
        ("aliases: {a: claude@nobody/x}", "aliases.a", "id of an account"),
    ],
)  # fmt: skip
def test_what_contradicts_is_named_at_its_key(text: str, key: str, expected: str) -> None:
    found = problems(text)
    assert [it.key for it in found] == [key]
    assert expected in found[0].expected
    assert found[0].line > 1


def test_every_alias_of_a_circle_is_named_and_those_that_lead_there_are_not() -> None:
    found = problems("aliases:\n  in: one\n  one: two\n  two: one\n")
    assert [(it.line, it.key, it.found) for it in found] == [
        (4, "aliases.one", "a circle: one → two → one"),
        (5, "aliases.two", "a circle: two → one → two"),
    ]


NAMES = st.sampled_from(["a1", "a2", "a3", "a4", "a5", "end"])


@given(st.dictionaries(NAMES, NAMES, max_size=6))
def test_aliases_are_refused_exactly_if_following_one_does_not_end(aliases: dict[str, str]) -> None:
    text = "aliases: {" + ", ".join(f"{name}: {to}" for name, to in aliases.items()) + "}"

    def ends(name: str) -> bool:
        for _ in range(len(aliases) + 1):
            if name not in aliases:
                return True
            name = aliases[name]
        return False

    assert (problems(text) == ()) == all(map(ends, aliases))


def test_wrong_types_do_not_stop_the_other_checks() -> None:
    text = (
        "profiles: [3, {id: [x], rules: [4, {name: 5, group: {}, model: 7, when: 1}]}, {id: w, group: x}]\n"
        "groups: [{accounts: {}, weights: []}, {id: g, accounts: [1, c]}]\nsafe_mode: 5\naliases: {a: 1}\n"
    )
    keys = {it.key for it in problems(text)}
    assert {"profiles[2].group", "groups[1].accounts[1]", "safe_mode"} <= keys
