import pytest

from korproxy_addons.control.protocol import Notice
from launcher.supervisor.states import State, Status
from launcher.tray.facts import Facts
from launcher.tray.news import News, news_from, news_of


def in_state(state: State, detail: str = "") -> Facts:
    return Facts(Status(state=state, detail=detail, port=1337))


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


def test_what_the_gateway_tells_is_shown_with_its_code() -> None:
    told = Notice("KP-AUTH-003", "codex-plus", "codex-plus: Reconnect.", title="It is gone")
    assert news_from(told) == News("It is gone", "codex-plus: Reconnect. (KP-AUTH-003)")
    assert news_from(Notice("", "", "Back.")) == News("KorProxy", "Back.")
