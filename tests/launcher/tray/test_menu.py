"""State to menu, as a person reads it; nothing of a tray library is loaded."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.supervisor.states import Phase, Reason, State, Status
from launcher.tray.facts import AccountFact, Facts, ProfileFact
from launcher.tray.menu import LONGEST_LABEL, Action, Item, headline, icon_of, menu_of, tooltip

UP = Status(state=State.HEALTHY, port=1337, pid=7)
PROFILES = (
    ProfileFact("default", "Default", active=False),
    ProfileFact("work", "Work", active=True),
)


def flat(items: tuple[Item, ...]) -> list[Item]:
    return [found for it in items for found in (it, *flat(it.items))]


def enabled(facts: Facts) -> set[Action]:
    return {it.action for it in flat(menu_of(facts)) if it.enabled and it.action}


def test_when_all_is_well_the_menu_is_this() -> None:
    accounts = (
        AccountFact("c", "claude-max", remaining_percent=41.6, window="5h", resets="15:18"),
    )
    labels = [it.label for it in flat(menu_of(Facts(UP, PROFILES, accounts, starts_at_login=True)))]
    assert labels == [
        "Running", "Copy http://localhost:1337", "",
        "Start", "Pause", "Restart", "Stop", "",
        "Profiles", "Default", "Work",
        "Accounts", "claude-max — 42 % of 5h left, resets 15:18",
        "Open dashboard", "Inspect traffic", "Export debug bundle", "",
        "Start at login", "Check for updates", "Quit KorProxy",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.STOPPED, {Action.START}),
        (State.STARTING, {Action.STOP}),
        (State.HEALTHY, {Action.PAUSE, Action.RESTART, Action.STOP}),
        (State.DEGRADED, {Action.PAUSE, Action.RESTART, Action.STOP}),
        (State.UNREACHABLE, {Action.STOP}),
        (State.PAUSED, {Action.RESUME, Action.RESTART, Action.STOP}),
        (State.FAILED, {Action.START}),
    ],
)
def test_only_what_makes_sense_can_be_chosen(state: State, expected: set[Action]) -> None:
    lifecycle = {
        Action.START, Action.STOP, Action.RESTART, Action.PAUSE, Action.RESUME,
        Action.START_PLAIN, Action.START_LAST_GOOD,
    }  # fmt: skip
    assert enabled(Facts(Status(state=state, port=1337))) & lifecycle == expected


def test_a_failure_says_why_and_offers_the_way_out() -> None:
    for reason, action in (
        (Reason.CONFIG_ERROR, Action.START_LAST_GOOD),
        (Reason.CRASH_LOOP, Action.START_PLAIN),
    ):
        facts = Facts(Status(state=State.FAILED, reason=reason, detail="the config cannot be used"))
        assert action in enabled(facts)
        assert "The config cannot be used" in [it.label for it in menu_of(facts)]
    busy = Facts(Status(state=State.FAILED, reason=Reason.PORT_BUSY))
    assert Action.START_PLAIN not in enabled(busy)


def test_the_active_profile_is_marked_and_stands_in_the_tooltip() -> None:
    facts = Facts(UP, PROFILES)
    marks = {it.label: it.checked for it in flat(menu_of(facts)) if it.radio}
    assert marks == {"Default": False, "Work": True}
    assert tooltip(facts) == "KorProxy: Running · Work"


def test_the_account_in_the_worst_way_stands_in_the_tooltip() -> None:
    accounts = (AccountFact("a", "codex-plus", state="cooling until 15:18"), AccountFact("b", "b"))
    assert (
        tooltip(Facts(UP, PROFILES, accounts))
        == "KorProxy: Running · Work · codex-plus cooling until 15:18"
    )


def test_what_is_in_flight_is_counted() -> None:
    assert headline(Facts(Status(state=State.HEALTHY, in_flight=2))) == "Running, 2 in flight"
    assert headline(Facts(Status(state=State.HEALTHY, phase=Phase.DRAINING))) == "Stopping…"


def test_a_start_keeps_the_icon_it_had() -> None:
    assert icon_of(Facts(Status(state=State.STARTING)), "failed") == "failed"
    shown = {state: icon_of(Facts(Status(state=state)), "x") for state in State}
    assert shown == {
        State.STOPPED: "stopped", State.PAUSED: "paused", State.STARTING: "x", State.HEALTHY: "running",
        State.DEGRADED: "degraded", State.UNREACHABLE: "degraded", State.FAILED: "failed",
    }  # fmt: skip


def test_quota_trouble_is_never_the_gateway_s() -> None:
    accounts = (AccountFact("a", "a", state="needs login"),)
    assert icon_of(Facts(UP, (), accounts), "stopped") == "running"


@pytest.mark.parametrize(
    ("more", "recording", "headlines", "label"),
    [
        ({"offline": True}, "", "Running, offline", "Offline: no provider can be reached"),
        ({}, "15:18", "Running, recording", "Recording until 15:18: stop"),
        ({"inspecting": True}, "", "Running, inspected", "Traffic is being inspected"),
    ],
)
def test_what_is_so_besides_is_a_badge_and_no_state(
    more: dict[str, Any], recording: str, headlines: str, label: str
) -> None:
    """A network that is gone is not the gateway's trouble; a recording must not be forgotten."""
    facts = Facts(replace(UP, **more), PROFILES, recording=recording)
    assert tooltip(facts) == f"KorProxy: {headlines} · Work"
    assert [it.label for it in menu_of(facts)][1] == label
    assert icon_of(facts, "stopped") == "running"
    down = replace(facts, status=replace(facts.status, state=State.STOPPED))
    assert tooltip(down) == "KorProxy: Stopped · Work", "nothing passes"
    assert label not in [it.label for it in menu_of(down)]


def test_no_account_is_only_said_where_that_is_known() -> None:
    assert "No account yet" in [it.label for it in menu_of(Facts(UP, accounts=()))]
    assert "No account yet" not in [it.label for it in menu_of(Facts(UP))]


def test_a_recording_is_ended_by_its_badge() -> None:
    assert Action.STOP_RECORDING in enabled(Facts(UP, recording="15:18"))
    assert Action.STOP_RECORDING not in enabled(Facts(UP))


def test_bundle_and_updates_can_be_asked_for_in_every_state() -> None:
    """What is wrong is to be found out when something is wrong."""
    for state in State:
        assert {Action.DEBUG_BUNDLE, Action.CHECK_UPDATES} <= enabled(Facts(Status(state=state)))


def test_where_nothing_starts_at_login_nothing_says_so() -> None:
    assert Action.START_AT_LOGIN not in enabled(Facts(UP, starts_at_login=None))


@given(
    label=st.text(max_size=200),
    detail=st.text(max_size=200),
    name=st.text(min_size=1, max_size=200),
)
def test_whatever_things_are_called_the_menu_stays_one(label: str, detail: str, name: str) -> None:
    facts = Facts(
        Status(state=State.FAILED, detail=detail),
        (ProfileFact("p", name, active=True),),
        (AccountFact("a", label),),
    )
    for it in flat(menu_of(facts)):
        assert len(it.label) <= LONGEST_LABEL
        assert it.label.isprintable()


def test_the_model_loads_no_tray_library() -> None:
    program = (
        "import sys, launcher.tray.menu; print('pystray' in sys.modules, 'PIL' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == [b"False", b"False"]
