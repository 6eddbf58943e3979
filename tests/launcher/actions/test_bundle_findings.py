"""What looks wrong: one test for each kind of trouble, on the sentence that a person reads."""

from dataclasses import replace

import pytest

from korproxy_addons.config.problems import ConfigProblem
from korproxy_addons.config.schema import Config
from korproxy_addons.errors.catalogue import CONFIG_SCHEMA
from launcher.actions.bundle_facts import Facts
from launcher.actions.bundle_findings import findings, in_order
from launcher.actions.checks import Check, Result
from launcher.actions.self_test_config import FoundConfig
from launcher.actions.self_test_ports import Running
from support.bundled import AT, account, exchange, facts, health, looked, quota, restarts

DOWN = Running(launcher=False, status=None, health=None, port=1337)


def told(given: Facts) -> list[tuple[str, Result]]:
    return [(it.name, it.result) for it in findings(given)]


def one(given: Facts) -> Check:
    found = findings(given)
    assert len(found) == 1, found
    return found[0]


def test_where_nothing_is_wrong_nothing_is_said() -> None:
    assert findings(facts()) == ()
    assert in_order(facts()) == ("versions",)


def test_what_the_self_test_found_is_told_cause_before_effect() -> None:
    checks = (
        Check(name="DNS", result="fail", detail="api.openai.com does not resolve", remedy=("a",)),
        Check(name="port", result="fail", detail="1337 is taken by nginx (process 7)"),
        Check(name="disk", result="warn", detail="only 600 MiB free"),
        Check(name="clock", result="ok"),
    )
    given = facts(looked=looked(*checks))
    assert told(given) == [
        ("The gateway's port is not to be had", "fail"),
        ("Names of providers do not resolve", "fail"),
        ("The disk is full, or cannot be written", "warn"),
    ]
    assert findings(given)[0].detail == "1337 is taken by nginx (process 7)"
    assert findings(given)[1].remedy == ("a",)


def test_a_broken_configuration_is_told_with_every_line_and_as_the_reason_why_nothing_runs() -> (
    None
):
    problem = ConfigProblem("config.yaml", 3, 9, "listen.port", "an integer", "'22ab'")
    config = FoundConfig(Config(), (problem,), CONFIG_SCHEMA)
    check = Check(
        name="configuration", result="fail", detail="KP-CONF-203 line 3: …", seen=("line 3: listen.port: …",)
    )  # fmt: skip
    given = facts(looked=looked(check, config=config, running=DOWN))
    first, second = findings(given)
    assert first.name == "The configuration cannot be used"
    assert (first.detail, first.seen) == ("KP-CONF-203, at:", ("line 3: listen.port: …",))
    assert second.name == "KorProxy does not run"
    assert second.remedy[0] == "Mend the configuration first."


def test_a_gateway_that_is_down_is_told_with_what_was_seen_last() -> None:
    moments = restarts(300.0, state="stopped", reason="")
    given = facts(looked=looked(running=DOWN), moments=moments)
    found = one(given)
    assert found.name == "KorProxy does not run"
    assert "Last seen 2026-09-21 14:08 UTC: stopped: it ended with code 1." in found.detail
    assert found.remedy == ("korproxy start",)


def test_that_it_does_not_run_stands_before_what_matters_only_once_it_does() -> None:
    checks = (
        Check(name="accounts", result="fail", detail="a must be reconnected"),
        Check(name="DNS", result="fail", detail="api.openai.com does not resolve"),
        Check(name="disk", result="fail", detail="full"),
    )
    assert [name for name, _ in told(facts(looked=looked(*checks, running=DOWN)))] == [
        "The disk is full, or cannot be written",
        "KorProxy does not run",
        "Accounts cannot be used as they are",
        "Names of providers do not resolve",
    ]


@pytest.mark.parametrize(
    ("reason", "cause", "title"),
    [
        ("port-busy", "port", "The gateway's port is not to be had"),
        ("config-error", "configuration", "The configuration cannot be used"),
    ],
)
def test_a_gateway_that_could_not_start_is_told_by_its_cause(
    reason: str, cause: str, title: str
) -> None:
    running = Running(True, {"state": "failed", "reason": reason}, None, 1337)
    checks = (
        Check(name="gateway", result="fail", detail="it failed"),
        Check(name=cause, result="fail", detail="why"),
    )
    assert told(facts(looked=looked(*checks, running=running))) == [(title, "fail")]
    alone = facts(looked=looked(checks[0], running=running))
    assert told(alone) == [("The gateway does not serve", "fail")]


def test_a_vault_that_the_gateway_has_open_is_told_as_such() -> None:
    found = one(facts(looked=looked(Check(name="vault", result="warn", detail="x"))))
    assert found.name == "The vault does not open from this terminal"


def test_what_comes_of_a_closed_vault_is_not_told_again() -> None:
    checks = (
        Check(name="vault", result="fail", detail="no key"),
        Check(name="keyring", result="warn"),
        Check(name="accounts", result="fail", detail="codex-api-key has its secret in the vault"),
    )
    closed = (account("vault-closed"), account("ready", id="b"))
    found = told(facts(looked=looked(*checks, accounts=closed)))
    assert found == [("The vault does not open, so no login in it can be used", "fail")]
    other = (account("vault-closed"), account("retired", id="b"))
    assert len(told(facts(looked=looked(*checks, accounts=other)))) == 2


def test_several_dialects_that_fail_are_one_finding() -> None:
    checks = [
        Check(name=f"ask {it}", result="fail", detail="no answer", remedy=("install again",))
        for it in ("openai-chat", "gemini")
    ]
    found = one(facts(looked=looked(*checks)))
    assert found.name == "KorProxy does not get through its own test"
    assert found.detail == "ask openai-chat: no answer; ask gemini: no answer"


def test_a_crash_loop_is_told_with_the_last_words() -> None:
    status = {"state": "failed", "last_lines": ["MemoryError"]}
    running = Running(True, status, health(), 1337)
    given = facts(moments=restarts(900, 600, 300), looked=looked(running=running))
    found = one(given)
    assert (found.name, found.result) == ("The gateway breaks down again and again", "fail")
    assert found.detail.startswith("3 times in the last hour")
    assert found.seen == ("MemoryError",)
    assert any("--last-good" in step for step in found.remedy)


@pytest.mark.parametrize("moments", [restarts(900, 600), restarts(9000, 8000, 7000, 600)])
def test_a_breakdown_now_and_then_is_no_loop(moments: tuple[object, ...]) -> None:
    assert findings(replace(facts(), moments=moments)) == ()  # type: ignore[arg-type]


def test_one_that_the_supervisor_gave_up_on_is() -> None:
    found = one(facts(moments=restarts(60, state="failed", reason="crash-loop")))
    assert found.detail.startswith("once in the last hour")


def test_one_that_is_killed_by_something_is_told_so() -> None:
    killed = restarts(900, 600, 300)
    moments = tuple(
        it._replace(detail="it ended with exit code -9; restart 1 of 3") for it in killed
    )
    found = one(facts(moments=moments))
    assert "memory runs out" in found.remedy[0]


def test_kept_crash_reports_are_told() -> None:
    found = one(facts(crashes=(("20261122.json", {}),)))
    assert (found.name, found.result) == ("KorProxy has failed inside", "warn")
    assert "20261122.json" in found.detail


@pytest.mark.parametrize(
    ("left", "reset_in_s", "expected"),
    [
        (0.0, 3600, [("An account's quota is used up", "fail")]),
        (4.0, 3600, [("An account's quota runs out", "warn")]),
        (60.0, 3600, []),
        (0.0, 0, []),  # it has begun anew meanwhile
        (None, None, []),
    ],
)
def test_quota(
    left: float | None, reset_in_s: int | None, expected: list[tuple[str, Result]]
) -> None:
    given = facts(quota=(quota(left, reset_in_s),))
    assert told(given) == expected
    if expected:
        assert "account codex-api-key: window 5h" in findings(given)[0].detail
        assert "resets 2026-09-21T20:00" in findings(given)[0].detail


def test_an_error_that_comes_often_is_told_with_its_title_whom_it_met_and_what_to_do() -> None:
    failed = [exchange("error", it, code="KP-PROV-105") for it in (10.0, 20.0, 30.0)]
    found = one(facts(exchanges=(*failed, exchange("ok", 40.0))))
    assert (found.name, found.result) == ("The provider is overloaded", "fail")
    assert found.detail == (
        "KP-PROV-105: 3 times of 4 requests in the last hour; tool cline, asked for gpt-6, provider codex,"
        " account codex-api-key; last 2026-09-21 14:13 UTC, request req-10"
    )
    assert found.remedy[-1] == "korproxy explain KP-PROV-105"


def test_what_korproxys_own_tests_met_is_no_finding() -> None:
    """The doctor asks for what must be refused, to see how that is worded."""
    own = [exchange("error", it, code="KP-REQ-707", tool="korproxy") for it in (20.0, 30.0, 40.0)]
    assert findings(facts(exchanges=(*own, exchange("ok", 50.0)))) == ()


def test_one_that_other_requests_have_survived_weighs_less() -> None:
    failed = [exchange("error", it, code="KP-PROV-105") for it in (20.0, 30.0, 40.0)]
    found = one(facts(exchanges=(exchange("ok", 10.0), *failed)))
    assert found.result == "warn"
    assert found.detail.endswith("Other requests have succeeded since")


def test_a_single_failure_counts_only_where_nothing_else_was_asked() -> None:
    failed = exchange("error", 10.0, code="KP-REQ-711")
    assert findings(facts(exchanges=(failed, exchange("ok", 20.0)))) == ()
    assert told(facts(exchanges=(failed,))) == [("No configured account serves this model", "fail")]


def test_what_failed_hours_ago_is_history() -> None:
    failed = [exchange("error", it, code="KP-PROV-105") for it in (4000.0, 4001.0, 4002.0)]
    assert findings(facts(exchanges=(exchange("ok", 10.0), *failed))) == ()


def test_a_providers_own_word_is_told_as_such() -> None:
    failed = [
        exchange("error", it, code="weird_error", tool="", account="") for it in (1.0, 2.0, 3.0)
    ]
    found = one(facts(exchanges=tuple(failed)))
    assert found.name == "The provider answers weird_error"
    assert "provider codex; last" in found.detail
    assert found.remedy[-1] == "korproxy requests --failed"


def test_a_failure_without_a_code_is_told_by_its_status() -> None:
    failed = [exchange("error", it, code="", status=502) for it in (1.0, 2.0, 3.0)]
    assert one(facts(exchanges=tuple(failed))).name == "The provider answers HTTP 502"


def test_an_account_that_is_lost_and_asked_for_is_the_finding_its_codes_are_not() -> None:
    check = Check(name="accounts", result="warn", detail="codex-api-key must be reconnected")
    failed = [exchange("error", it, code="KP-AUTH-006") for it in (1.0, 2.0, 3.0)]
    lost = looked(check, accounts=(account("needs-login"), account("ready", id="other")))
    found = one(facts(looked=lost, exchanges=tuple(failed)))
    assert (found.name, found.result) == ("Accounts cannot be used as they are", "fail")
    quiet = facts(looked=lost)
    assert one(quiet).result == "warn", "nobody has asked for it"


def test_tools_that_give_up_are_told_with_how_long_they_waited() -> None:
    gone = [exchange("client_gone", it, total_ms=61_000.0) for it in (1.0, 2.0, 3.0)]
    found = one(facts(exchanges=tuple(gone)))
    assert found.name == "Tools give up before the answer is there"
    assert "after up to 61 s" in found.detail
    many = tuple(exchange("ok", 100.0 + it) for it in range(20))
    assert findings(facts(exchanges=(*gone, *many))) == (), (
        "a few of many are cancelled by their users"
    )


def test_a_gateway_that_nobody_asks_is_told_where_tools_must_point() -> None:
    found = one(facts(exchanges=()))
    assert found.name == "No tool has asked anything"
    assert "http://localhost:1337/v1" in found.remedy[0]


def test_one_that_has_only_just_started_is_not() -> None:
    young = Running(True, {}, health(started_at=AT - 60), 1337)
    assert findings(facts(exchanges=(), looked=looked(running=young))) == ()
    unknown = looked(database_ok=False)
    assert findings(facts(exchanges=(), looked=unknown)) == (), "nobody knows"


def test_errors_of_the_log_are_told_by_their_events() -> None:
    lines = (
        {"ts": AT - 10, "level": "error", "component": "database", "event": "state is not kept", "code": "KP-SYS-503"},
        {"ts": AT - 5, "level": "error", "component": "database", "event": "state is not kept", "code": "KP-SYS-503"},
        {"ts": AT - 5, "level": "error", "component": "course", "event": "x", "request_id": "r"},
        {"ts": AT - 5, "level": "info", "component": "y", "event": "y"},
        {"ts": AT - 9000, "level": "error", "component": "z", "event": "z"},
        {"ts": "soon", "level": "error", "component": "somebody else", "event": "z"},
    )  # fmt: skip
    found = one(facts(lines=lines))
    assert found.detail == "database: state is not kept (KP-SYS-503), 2 times"
    assert found.remedy[0] == "korproxy explain KP-SYS-503"
