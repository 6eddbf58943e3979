"""Which profile an exchange gets, what it is planned by, and who of the planned may serve it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.config.schema import LocalKey
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.planning import Planner, facts_of
from korproxy_addons.io.socket_owner import Address
from korproxy_addons.io.workspace import NO_PROJECT, Project, Workspace
from korproxy_addons.routing.plan import Plan
from support.answers import CHAT, MESSAGES
from support.asking import question
from support.fake_upstream import FakeUpstream, json_reply
from support.legs import NOWHERE, Rig, accounts_of, config_of, exchange_for

ENDS = (("127.0.0.1", 50_000), ("127.0.0.1", 1337))
PROFILES: list[dict[str, Any]] = [
    {"id": "work", "name": "Day job", "group": "only-b"},
    {"id": "home", "projects": "/src/home"},
]
SETTINGS: dict[str, Any] = {
    "profiles": PROFILES,
    "groups": [{"id": "only-b", "accounts": ["b"]}],
}


class KnownWorkspace(Workspace):
    """A workspace whose answer is known; counts the questions."""

    def __init__(self, project: Project) -> None:
        super().__init__(NOWHERE)
        self.project = project
        self.asked = 0

    async def project_of(self, connection: str, client: Address, own: Address) -> Project:
        assert (connection, (client, own)) == ("c", ENDS)
        self.asked += 1
        return self.project


def rig(**settings: Any) -> Rig:
    return Rig(accounts_of({"a": MESSAGES, "b": CHAT}, **{**SETTINGS, **settings}), FakeUpstream())


def exchange_of(
    one: Rig, headers: Mapping[str, str] | None = None, *, model: str = "m", path_profile: str = ""
) -> Exchange:
    asked = question(MESSAGES, model)
    asked.headers.update(headers or {})
    exchange = exchange_for(one.config, asked)
    exchange.client.profile = path_profile
    exchange.client.peer, exchange.client.own = ENDS
    exchange.client.connection = "c"
    return exchange


def planned(
    one: Rig, exchange: Exchange, project: Project = NO_PROJECT
) -> tuple[Plan, KnownWorkspace]:
    workspace = KnownWorkspace(project)
    planner = Planner(one.wire, one.lists, workspace, one.clock, Path("/h/u"))
    return asyncio.run(planner.plan(exchange)), workspace


def accounts(plan: Plan) -> list[str]:
    return [it.account_id for it in plan.candidates]


# --- the profile


def test_without_a_word_the_active_profile_serves() -> None:
    one = rig()
    exchange = exchange_of(one)
    plan, _ = planned(one, exchange)
    assert (plan.profile, accounts(plan), exchange.why) == ("default", ["a", "b"], [])
    assert exchange.plan is plan
    assert (exchange.profile, exchange.kind) == ("default", "chat")


@pytest.mark.parametrize("word", ["work", "WORK", "day JOB"])
def test_the_header_names_a_profile(word: str) -> None:
    one = rig()
    exchange = exchange_of(one, {"X-KorProxy-Profile": word})
    plan, workspace = planned(one, exchange)
    assert (plan.profile, accounts(plan), exchange.why) == ("work", ["b"], ["profile:work"])
    assert workspace.asked == 0


def test_the_path_names_a_profile_and_the_header_goes_before_it() -> None:
    one = rig()
    assert planned(one, exchange_of(one, path_profile="work"))[0].profile == "work"
    exchange = exchange_of(one, {"X-KorProxy-Profile": "home"}, path_profile="work")
    assert planned(one, exchange)[0].profile == "home"


def test_the_local_key_names_a_profile_and_the_path_goes_before_it() -> None:
    one = rig()
    key = LocalKey(id="k", sha256="a" * 64, profile="work")
    exchange = exchange_of(one)
    exchange.local_key = key
    plan, workspace = planned(one, exchange, Project("/src/home"))
    assert (plan.profile, workspace.asked) == ("work", 0)
    exchange = exchange_of(one, path_profile="default")
    exchange.local_key = key
    assert planned(one, exchange)[0].profile == "default"


def test_the_workspace_names_a_profile_by_the_config_then_by_its_file() -> None:
    one = rig()
    exchange = exchange_of(one)
    assert planned(one, exchange, Project("/src/home/x", "work"))[0].profile == "home"
    assert exchange.project == "/src/home/x"
    exchange = exchange_of(one)
    assert planned(one, exchange, Project("/src/other", "work"))[0].profile == "work"
    assert exchange.why == ["project-file", "profile:work"]


def test_a_file_that_names_no_profile_there_is_changes_nothing_and_is_told() -> None:
    one = rig()
    exchange = exchange_of(one)
    plan, _ = planned(one, exchange, Project("/src/other", "https://evil.example"))
    assert (plan.profile, exchange.why) == ("default", ["project-file:unknown-profile"])


def test_project_files_can_be_turned_off() -> None:
    one = rig(project_files=False)
    assert planned(one, exchange_of(one), Project("/src/other", "work"))[0].profile == "default"


def test_nobody_looks_for_a_project_that_cannot_matter() -> None:
    one = rig(profiles=[])
    assert planned(one, exchange_of(one), Project("/x", "work"))[1].asked == 0


@pytest.mark.parametrize("disabled", [True, False])
def test_a_limit_by_project_counts_though_no_rule_asks_for_one(disabled: bool) -> None:
    limit = {"name": "calm", "project": "*", "requests": 9, "per": "hour", "disabled": disabled}
    one = rig(profiles=[], quota_rules=[limit])
    exchange = exchange_of(one)
    _, workspace = planned(one, exchange, Project("/src/x", "work"))
    assert workspace.asked == (not disabled)
    assert exchange.project == ("" if disabled else "/src/x")


def test_without_a_peer_there_is_no_project() -> None:
    one = rig()
    exchange = exchange_of(one)
    exchange.client.peer = None
    assert planned(one, exchange, Project("/src/home"))[0].profile == "default"


@pytest.mark.parametrize("by_header", [True, False])
def test_a_profile_that_is_not_there_is_told_with_those_that_are(by_header: bool) -> None:
    one = rig()
    headers = {"X-KorProxy-Profile": "wrk"} if by_header else {}
    exchange = exchange_of(one, headers, path_profile="" if by_header else "wrk")
    with pytest.raises(KorProxyError) as caught:
        planned(one, exchange)
    assert caught.value.spec is catalogue.PROFILE_UNKNOWN
    assert "work, home, default" in caught.value.detail


# --- facts and rules


def test_a_rule_that_asks_for_the_project_gets_it() -> None:
    rules = [{"name": "r", "when": {"project": "~/src/x"}, "group": "only-b"}]
    one = rig(profiles=[{"id": "default", "rules": rules}])
    exchange = exchange_of(one)
    plan, workspace = planned(one, exchange, Project("/h/u/src/x/deep"))
    assert (plan.rule, workspace.asked) == ("r", 1)
    plan, _ = planned(one, exchange_of(one), Project("/elsewhere"))
    assert plan.rule == ""


def test_facts_are_those_of_the_request() -> None:
    one = rig()
    exchange = exchange_of(one, {"X-Team": "red", "user-agent": "claude-cli/2"})
    exchange.tool = "claude-code"
    found = facts_of(exchange, 1_700_000_000.0)
    assert (found.dialect, found.tool, found.model) == (MESSAGES, "claude-code", "m")
    assert found.headers["x-team"] == "red"
    assert exchange.inbound is not None
    assert found.body == exchange.inbound.body
    assert 0 <= found.moment.minutes < 1440


def test_a_quota_rule_s_group_goes_before_the_rules() -> None:
    one = rig()
    exchange = exchange_of(one)
    exchange.reroute = "only-b"
    assert accounts(planned(one, exchange)[0]) == ["b"]


# --- lists and refusals


def test_a_model_younger_than_our_lists_is_asked_for_before_it_is_refused() -> None:
    upstream = FakeUpstream(a=[json_reply({"object": "list", "data": [{"id": "new"}]})])
    config = config_of(
        {
            "providers": {"a": {"dialect": CHAT, "base_url": "https://a.example", "models": ["m"]}},
            "accounts": [{"id": "a", "provider": "a", "secret": "plain:a"}],
        }
    )
    one = Rig(config, upstream)
    exchange = exchange_for(config, question(CHAT, "new"))
    assert accounts(asyncio.run(one.planner.plan(exchange))) == ["a"]


def test_a_model_that_nobody_has_is_told() -> None:
    one = rig()
    with pytest.raises(KorProxyError) as caught:
        planned(one, exchange_of(one, model="mm"))
    assert caught.value.spec is catalogue.UNKNOWN_MODEL
    assert "close: m" in caught.value.detail


def test_accounts_that_may_not_serve_this_tool_are_left_out() -> None:
    settings: dict[str, Any] = {
        "accounts": [
            {"id": "plan", "provider": "claude", "access": "subscription", "secret": "plain:x"},
            {"id": "key", "provider": "claude", "secret": "plain:y"},
        ],
    }
    one = Rig(config_of(settings), FakeUpstream())
    exchange = exchange_for(one.config, question(MESSAGES, "claude/x"))
    assert accounts(asyncio.run(one.planner.plan(exchange))) == ["key"]
    exchange = exchange_for(one.config, question(MESSAGES, "claude@plan/x"))
    with pytest.raises(KorProxyError) as caught:
        asyncio.run(one.planner.plan(exchange))
    assert caught.value.spec is not catalogue.UNKNOWN_MODEL


def test_a_reload_leaves_requests_under_way_their_own_rules() -> None:
    one, other = rig(), rig(active_profile="work")
    planner = one.planner
    assert planner.router(one.config) is planner.router(one.config)
    assert planner.router(other.config).config is other.config
    assert planner.router(one.config).config is one.config
