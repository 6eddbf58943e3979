"""When a client is sent back from its sockets to POST."""

import pytest

from korproxy_addons.gateway.socket_history import (
    CLIENTS_KEPT,
    FORGOTTEN_AFTER_S,
    SocketHistory,
    session_of,
)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def history(clock: Clock) -> SocketHistory:
    return SocketHistory(clock)


def test_one_failure_is_tried_again_on_a_socket_the_second_is_not(history: SocketHistory) -> None:
    history.failed("one")
    assert not history.is_failing("one")
    history.failed("one")
    assert history.is_failing("one")
    assert not history.is_failing("another")


def test_a_served_request_takes_all_failures_back(history: SocketHistory) -> None:
    history.failed("one")
    history.served("one")
    history.failed("one")
    assert not history.is_failing("one")


def test_failures_are_forgotten(history: SocketHistory, clock: Clock) -> None:
    history.failed("one")
    history.failed("one")
    clock.now_s += FORGOTTEN_AFTER_S
    assert not history.is_failing("one")
    history.failed("one")
    assert not history.is_failing("one"), "the row begins anew"


def test_a_client_without_a_name_is_never_refused(history: SocketHistory) -> None:
    """All such clients would otherwise share one row."""
    history.failed("")
    history.failed("")
    assert not history.is_failing("")


def test_only_so_many_clients_are_remembered(history: SocketHistory) -> None:
    for number in range(CLIENTS_KEPT + 1):
        history.failed(f"session {number}")
        history.failed(f"session {number}")
    assert not history.is_failing("session 0")
    assert history.is_failing("session 1")


@pytest.mark.parametrize(
    ("headers", "session"),
    [
        ({"session-id": "s", "thread-id": "t"}, "s"),
        ({"session-id": "", "thread-id": "t"}, "t"),
        ({"x-client-request-id": "c"}, "c"),
        ({"authorization": "Bearer x"}, ""),
    ],
)
def test_the_session_is_what_the_opening_says(headers: dict[str, str], session: str) -> None:
    assert session_of(headers) == session
