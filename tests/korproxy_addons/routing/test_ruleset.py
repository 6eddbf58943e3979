"""Rules that were made ready decide as a plain reading of the configuration does."""

import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config.profiles import Profile
from korproxy_addons.config.schema import Config
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.facts import Facts, Moment
from korproxy_addons.routing.market import Market
from korproxy_addons.routing.router import Router
from korproxy_addons.routing.rules import Offer
from korproxy_addons.routing.ruleset import compiled_profile, verdict_of

DIALECTS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini")
KINDS = (
    "chat",
    "embedding",
    "background",
    "thinking",
    "long-context",
    "tool-use",
    "vision",
    "web-search",
)
PATTERNS = st.sampled_from(["*", "a*", "?b", "ab", "AB", "b*a", ""]).filter(bool)
WORDS = st.sampled_from(["a", "ab", "bb", "ba", "bca", "haiku", ""])
FOLDERS = ("", "/h/u/x", "/h/u/x/y", "/h/u/xy", "/srv")

matches = st.fixed_dictionaries(
    {},
    optional={
        "tool": st.lists(PATTERNS, min_size=1, max_size=2),
        "dialect": st.lists(st.sampled_from(DIALECTS), min_size=1, max_size=2),
        "kind": st.lists(st.sampled_from(KINDS), min_size=1, max_size=2),
        "model": st.lists(PATTERNS, min_size=1, max_size=2),
        "min_input_tokens": st.integers(0, 10),
        "max_input_tokens": st.integers(0, 10),
        "project": st.lists(st.sampled_from(["~/x", "/srv", "/h/*/x"]), min_size=1, max_size=2),
        "header": st.dictionaries(st.sampled_from(["x-a", "x-b"]), PATTERNS, min_size=1, max_size=2),
        "time": st.lists(st.sampled_from(["mon 00:00-12:00", "tue,wed", "22:00-02:00"]), min_size=1, max_size=2),
    },
)  # fmt: skip
rules = st.lists(
    st.tuples(matches, st.booleans(), st.sampled_from(["group", "model", "parameters", "both"])), max_size=6
)  # fmt: skip
requests = st.fixed_dictionaries(
    {
        "tool": WORDS,
        "dialect": st.sampled_from(DIALECTS),
        "model": WORDS,
        "body": st.sampled_from(
            [
                {},
                {"reasoning_effort": "high"},
                {"tools": [{"name": "t"}]},
                {"tools": [{"type": "web_search"}], "max_tokens": 5},
                {"messages": [{"content": [{"type": "image_url", "image_url": "x"}]}]},
            ]
        ),
        "tokens": st.integers(0, 12),
        "project": st.sampled_from(FOLDERS),
        "headers": st.dictionaries(st.sampled_from(["x-a", "x-b"]), WORDS, max_size=2),
        "weekday": st.integers(0, 6),
        "minutes": st.integers(0, 1439),
        "embedding": st.booleans(),
    }
)


def wild(pattern: str, text: str) -> bool:
    plain = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(plain, text, re.IGNORECASE) is not None


def of_kind(kind: str, asked: dict[str, Any]) -> bool:
    """The kinds as the guide tells them, read off the request."""
    body = asked["body"]
    tools = [it for it in body.get("tools", ()) if "name" in it]
    search = any("type" in it for it in body.get("tools", ()))
    known: dict[str, bool] = {
        "chat": not asked["embedding"],
        "embedding": asked["embedding"],
        "background": asked["model"] == "haiku" or ("max_tokens" in body and not tools and not search),
        "thinking": "reasoning_effort" in body,
        "long-context": asked["tokens"] >= 8,
        "tool-use": bool(tools),
        "vision": "messages" in body,
        "web-search": search,
    }  # fmt: skip
    return known[kind]


def in_time(span: str, weekday: int, minutes: int) -> bool:
    return {
        "mon 00:00-12:00": weekday == 0 and minutes < 720,
        "tue,wed": weekday in (1, 2),
        "22:00-02:00": minutes >= 1320 or minutes < 120,
    }[span]


def in_folder(pattern: str, folder: str) -> bool:
    whole = {"~/x": "/h/u/x", "/srv": "/srv", "/h/*/x": "/h/u/x"}[pattern]
    return folder == whole or folder.startswith(f"{whole}/")


def fits(when: dict[str, Any], asked: dict[str, Any]) -> bool:
    """A rule's conditions, one by one, as the configuration's words say them."""
    checks: dict[str, Callable[[Any], bool]] = {
        "tool": lambda it: any(wild(one, asked["tool"]) for one in it),
        "dialect": lambda it: asked["dialect"] in it,
        "kind": lambda it: any(of_kind(one, asked) for one in it),
        "model": lambda it: any(wild(one, asked["model"]) for one in it),
        "min_input_tokens": lambda it: asked["tokens"] >= it,
        "max_input_tokens": lambda it: asked["tokens"] <= it,
        "project": lambda it: any(in_folder(one, asked["project"]) for one in it),
        "header": lambda it: all(
            name in asked["headers"] and wild(one, asked["headers"][name])
            for name, one in it.items()
        ),
        "time": lambda it: any(in_time(one, asked["weekday"], asked["minutes"]) for one in it),
    }
    return all(checks[name](value) for name, value in when.items())


def profile_of(drawn: list[tuple[dict[str, Any], bool, str]]) -> dict[str, Any]:
    does: dict[str, dict[str, Any]] = {
        "group": {"group": "default"},
        "model": {"model": "m"},
        "parameters": {"parameters": {"top_p": 0.5}},
        "both": {"model": "m", "parameters": {"temperature": 0.5}},
    }
    return {
        "id": "w",
        "rules": [
            {"name": f"r{number}", "when": when, "disabled": disabled, **does[what]}
            for number, (when, disabled, what) in enumerate(drawn)
        ],
    }


def facts_of(asked: dict[str, Any]) -> Facts:
    return Facts(
        operation=Operation.EMBEDDINGS if asked["embedding"] else Operation.GENERATE,
        dialect=asked["dialect"],
        tool=asked["tool"],
        model=asked["model"],
        headers=asked["headers"],
        body=json.dumps(asked["body"]).encode(),
        moment=Moment(asked["weekday"], asked["minutes"]),
        long_context_tokens=8,
        known_project=asked["project"],
        known_tokens=asked["tokens"],
    )


@given(rules, st.lists(requests, min_size=1, max_size=3))
def test_a_plain_reading_of_the_rules_decides_the_same(
    drawn: list[tuple[dict[str, Any], bool, str]], several: list[dict[str, Any]]
) -> None:
    """For several requests one after the other, so that nothing of one is left for the next."""
    settings = {"profiles": [profile_of(drawn)], "active_profile": "w"}
    router = Router(Config.model_validate(settings, strict=False), "/h/u")
    market = Market([Offer("a", "p", frozenset({"*"}))])
    for asked in several:
        expected, parameters = "", []
        for number, (when, disabled, what) in enumerate(drawn):
            if disabled or not fits(when, asked):
                continue
            parameters += {"parameters": ["top_p"], "both": ["temperature"]}.get(what, [])
            if what != "parameters":
                expected = f"r{number}"
                break
        for explain in (False, True):
            plan = router.plan(facts_of(asked), "w", market, explain=explain)
            assert (plan.rule, sorted(plan.parameters)) == (expected, sorted(set(parameters)))


def test_rules_that_others_decide_are_not_tested_again() -> None:
    """Dialect, tool and model are looked at once per combination."""
    profile = compiled_profile(
        Profile.model_validate(profile_of([({"tool": ["a"]}, False, "group")]), strict=False), "/"
    )
    asked = {
        "tool": "a", "dialect": "gemini", "model": "", "body": {}, "tokens": 0, "project": "",
        "headers": {}, "weekday": 0, "minutes": 0, "embedding": False,
    }  # fmt: skip
    assert profile.shortlist(facts_of(asked)) is profile.shortlist(facts_of(asked))
    assert [it.name for it in profile.shortlist(facts_of(asked))] == ["r0"]
    assert profile.shortlist(facts_of({**asked, "tool": "b"})) == ()


def test_a_rule_behind_the_one_that_decides_is_too_late() -> None:
    (rule,) = compiled_profile(
        Profile.model_validate(profile_of([({}, False, "group")]), strict=False), "/"
    ).rules
    asked = {
        "tool": "", "dialect": "gemini", "model": "", "body": {}, "tokens": 0, "project": "",
        "headers": {}, "weekday": 0, "minutes": 0, "embedding": False,
    }  # fmt: skip
    assert verdict_of(rule, facts_of(asked), decided=True).outcome == "too late"
    assert verdict_of(rule, facts_of(asked), decided=False).outcome == "chosen"
