import pytest

from launcher.supervisor.states import State, Status
from launcher.tray.facts import AccountFact, Facts
from launcher.tray.news import news_of


def in_state(state: State, detail: str = "") -> Facts:
    return Facts(Status(state=state, detail=detail, port=1337))


def with_account(**facts: object) -> Facts:
    return Facts(Status(state=State.HEALTHY), accounts=(AccountFact("a", "codex-plus", **facts),))  # type: ignore[arg-type]


def titles(before: Facts, after: Facts) -> list[str]:
    return [it.title for it in news_of(before, after)]


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (State.HEALTHY, State.FAILED, ["KorProxy can't start"]),
        (State.DEGRADED, State.UNREACHABLE, ["KorProxy stopped answering"]),
        (State.UNREACHABLE, State.HEALTHY, ["KorProxy runs again"]),
        (State.FAILED, State.HEALTHY, ["KorProxy runs again"]),
        (State.STARTING, State.HEALTHY, []),
        (State.HEALTHY, State.DEGRADED, []),
        (State.HEALTHY, State.STOPPED, []),
        (State.FAILED, State.FAILED, []),
    ],
)
def test_only_what_a_person_must_know_is_told(was: State, now: State, expected: list[str]) -> None:
    assert titles(in_state(was), in_state(now, "port 1337 is taken")) == expected


def test_a_lost_login_is_told_once() -> None:
    lost = with_account(state="needs login", needs_login=True)
    assert titles(with_account(), lost) == ["Your session has expired"]
    assert titles(lost, lost) == []


def test_the_money_guard_is_told() -> None:
    assert titles(with_account(), with_account(paid=True)) == ["Plan limit reached"]


def test_a_window_that_runs_low_is_told_at_each_mark_once() -> None:
    told = []
    before = with_account(remaining_percent=30.0, window="5h", resets="15:18")
    for left in (25.0, 19.0, 12.0, 6.0, 4.9, 1.0, 0.0, 100.0):
        after = with_account(remaining_percent=left, window="5h", resets="15:18")
        told += [(left, it.text) for it in news_of(before, after)]
        before = after
    assert told == [
        (19.0, "19 % of 5h left. It resets 15:18."),
        (4.9, "5 % of 5h left. It resets 15:18."),
    ]


def test_another_window_or_a_new_account_is_no_drop() -> None:
    before = with_account(remaining_percent=90.0, window="weekly")
    assert titles(before, with_account(remaining_percent=3.0, window="5h")) == []
    assert titles(Facts(Status(state=State.HEALTHY)), with_account(needs_login=True)) == []
