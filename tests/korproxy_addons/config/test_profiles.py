"""Profiles and groups as the file has them."""

import pytest

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.profiles import DEFAULT_GROUP, DEFAULT_PROFILE, RequestKind, Strategy
from korproxy_addons.config.schema import Config

FULL = """
accounts:
  - {id: a, provider: claude, secret: env:A}
  - {id: b, provider: qwen, secret: env:B}
active_profile: work
profiles:
  - id: work
    name: Day job
    color: "#00ff7F"
    icon: briefcase
    group: [main, rest]
    projects: ~/src/work
    rules:
      - name: small
        when: {kind: [background, vision], tool: claude-code, time: mon-fri 09:00-18:00,
               header: {X-Team: red*}, min_input_tokens: 1, max_input_tokens: 9}
        group: rest
        model: fast
        parameters: {max_tokens: 5, temperature: 0, top_p: 1, effort: none}
groups:
  - {id: main, accounts: [a], strategy: quota-aware, reserves: {a: 0.2}, sticky: false}
  - {id: rest, accounts: [b, a], strategy: weighted, weights: {b: 2.5}}
aliases: {fast: glm-5}
safe_mode: {enabled: true, model: fast, group: rest}
"""


def test_everything_that_can_be_said_is_read() -> None:
    config = parse_config(FULL.encode())
    profile = config.profile("work")
    assert profile is not None
    assert (profile.shown_as, profile.group) == ("Day job", ("main", "rest"))
    (rule,) = profile.rules
    assert rule.when.kind == (RequestKind.BACKGROUND, RequestKind.VISION)
    assert rule.when.tool == ("claude-code",)
    assert dict(rule.when.header) == {"X-Team": "red*"}
    assert rule.parameters.max_tokens == 5
    main = config.group("main")
    assert main is not None
    assert (main.strategy, main.sticky, dict(main.reserves)) == (
        Strategy.QUOTA_AWARE, False, {"a": 0.2},
    )  # fmt: skip
    assert config.safe_mode.enabled


def test_without_a_word_in_the_file_there_is_one_profile_with_all_accounts() -> None:
    config = Config()
    assert config.profile(config.active_profile) is DEFAULT_PROFILE
    group = config.group("default")
    assert group is DEFAULT_GROUP
    assert (group.accounts, group.strategy, group.sticky) == (None, Strategy.FILL_FIRST, True)
    assert config.profile("other") is None
    assert config.group("other") is None


def test_the_default_ones_can_be_set() -> None:
    config = parse_config(b"profiles: [{id: default, name: Mine}]\ngroups: [{id: default}]\n")
    assert [it and it.shown_as for it in (config.profile("default"), config.group("default"))] == [
        "Mine",
        "default",
    ]


def test_the_json_schema_takes_one_or_a_list() -> None:
    texts = Config.model_json_schema()["$defs"]["Texts"]
    assert [it["type"] for it in texts["anyOf"]] == ["string", "array"]


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("profiles: [{id: w, color: red}]", "profiles[0].color", "pattern"),
        ("profiles: [{id: w, name: ''}]", "profiles[0].name", "at least 1"),
        ("profiles: [{name: w}]", "profiles[0]", "the key id"),
        ("groups: [{id: g, strategy: roundrobin}]", "groups[0].strategy", "'round-robin'"),
        ("groups: [{id: g, reserves: {a: 1}}]", "groups[0].reserves.a", "less than 1"),
        ("profiles: [{id: w, rules: [{name: r, model: m, when: {kind: backgrund}}]}]",
         "profiles[0].rules[0].when.kind", "background"),
        ("profiles: [{id: w, rules: [{name: r, model: m, when: {time: noon}}]}]",
         "profiles[0].rules[0].when.time[0]", "mon-fri"),
        ("profiles: [{id: w, rules: [{name: r, model: m, when: {tol: x}}]}]",
         "profiles[0].rules[0].when.tol", "'tool'?"),
        ("profiles: [{id: w, rules: [{name: r, parameters: {temperature: 3}}]}]",
         "profiles[0].rules[0].parameters.temperature", "2"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_at_its_key(text: str, key: str, expected: str) -> None:
    with pytest.raises(ConfigProblems) as caught:
        parse_config(text.encode())
    assert [it.key for it in caught.value.problems if expected in it.expected] == [key]


def test_a_wrong_word_is_shown_whole() -> None:
    """Also where one text stands in place of a list."""
    text = b"profiles: [{id: w, rules: [{name: r, model: m, when: {time: noon}}]}]"
    with pytest.raises(ConfigProblems) as caught:
        parse_config(text)
    assert caught.value.problems[0].found == "'noon'"


@pytest.mark.parametrize("field", ["tool", "dialect", "kind", "model", "project", "time"])
def test_a_condition_without_a_word_is_refused_and_fits_not_everything(field: str) -> None:
    text = f"""
profiles:
  - id: work
    rules:
      - name: r
        when: {{{field}: []}}
        group: default
"""
    with pytest.raises(ConfigProblems) as caught:
        parse_config(text.encode())
    (problem,) = caught.value.problems
    assert (problem.line, problem.key) == (6, f"profiles[0].rules[0].when.{field}")
    assert problem.expected.startswith("one or more")
