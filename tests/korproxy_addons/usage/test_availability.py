"""Uptime and crash-free hours, from a timeline."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.usage.availability import Availability, Moment, availability

HOUR_S = 3600.0


def over(*moments: tuple[float, str] | tuple[float, str, str], hours: float = 10) -> Availability:
    """What a timeline in hours comes to, seen from its hour 0 on."""
    told = [Moment(it[0] * HOUR_S, *it[1:]) for it in moments]
    return availability(told, hours * HOUR_S, 0.0, hours * HOUR_S)


def test_a_gateway_that_always_answered_was_always_up() -> None:
    found = over((0, "starting"), (0.001, "healthy"), (4, "degraded"), (5, "healthy"))
    assert found.uptime_share == 1.0
    assert (found.crashes, found.crash_free_share) == (0, 1.0)


def test_only_time_in_which_it_was_meant_to_serve_counts() -> None:
    """Stopped, paused, asleep and after the launcher's end nobody expects it to."""
    found = over(
        (0, "healthy"), (1, "stopped"), (2, "healthy"), (3, "paused"), (4, "healthy"), (5, "asleep"),
        (7, "healthy"), (8, "ended"),
    )  # fmt: skip
    assert found.wanted_s == 4 * HOUR_S
    assert found.uptime_share == 1.0


def test_a_start_that_a_person_asked_for_is_no_time_lost() -> None:
    assert over((0, "stopped"), (1, "starting"), (2, "healthy")).wanted_s == 8 * HOUR_S
    assert over((0, "failed", "port-busy"), (1, "starting"), (2, "healthy")).up_s == 8 * HOUR_S


@pytest.mark.parametrize(
    ("broken", "crashes"),
    [
        (((4, "starting", "restart"), (5, "healthy")), 1),
        (((4, "unreachable", "restart"), (4.5, "starting"), (5, "healthy")), 1),
        (((4, "starting"), (5, "healthy")), 1),
        (((4, "starting", "restart"), (4.5, "starting", "restart"), (5, "healthy")), 2),
        (((4, "failed", "port-busy"), (5, "healthy")), 0),
        (((4, "failed", "crash-loop"), (5, "healthy")), 1),
    ],
)
def test_an_hour_in_which_it_did_not_answer_is_lost(
    broken: tuple[tuple[float, str], ...], crashes: int
) -> None:
    found = over((0, "healthy"), *broken)
    assert found.uptime_share == pytest.approx(0.9)
    assert found.crashes == crashes


def test_crash_free_counts_hours_of_the_clock() -> None:
    """Two crashes in one hour spoil one of the ten."""
    found = over(
        (0.0, "healthy"), (3.1, "starting", "restart"), (3.2, "healthy"),
        (3.5, "starting", "restart"), (3.6, "healthy"), (9.99, "ended"),
    )  # fmt: skip
    assert (found.crashes, found.hours, found.crash_hours) == (2, 10, 1)
    assert found.crash_free_share == pytest.approx(0.9)


def test_what_was_before_the_span_says_how_it_began() -> None:
    moments = [Moment(-5 * HOUR_S, "healthy"), Moment(1 * HOUR_S, "failed", "crash-loop")]
    found = availability(moments, 2 * HOUR_S, 0.0, 10 * HOUR_S)
    assert (found.up_s, found.wanted_s) == (HOUR_S, 2 * HOUR_S)
    early = [Moment(-5.0, "starting", "restart"), Moment(-4.0, "healthy")]
    assert availability(early, HOUR_S, 0.0, HOUR_S).crashes == 0


def test_a_launcher_that_was_lost_vouches_for_nothing_after_it_was_seen() -> None:
    found = availability([Moment(0.0, "healthy")], 2 * HOUR_S, 0.0, 10 * HOUR_S)
    assert found.wanted_s == 2 * HOUR_S


@pytest.mark.parametrize("moments", [[], [Moment(0.0, "stopped")]])
def test_nothing_known_is_no_share(moments: list[Moment]) -> None:
    found = availability(moments, None, 0.0, 10.0)
    assert (found.uptime_share, found.crash_free_share) == (None, None)


STATES = (
    "stopped",
    "paused",
    "starting",
    "healthy",
    "degraded",
    "unreachable",
    "failed",
    "ended",
    "asleep",
)


@given(
    st.lists(
        st.tuples(
            st.floats(-1e6, 1e6),
            st.sampled_from(STATES),
            st.sampled_from(["", "restart", "port-busy"]),
        ),
        max_size=20,
    ),
    st.none() | st.floats(-1e6, 1e6),
    st.floats(0, 1e6),
)
def test_shares_are_shares_whatever_the_clock_did(
    told: list[tuple[float, str, str]], seen_at: float | None, length_s: float
) -> None:
    """A clock that was set back is in the timeline as it was."""
    found = availability([Moment(*it) for it in told], seen_at, 0.0, length_s)
    assert 0 <= found.up_s <= found.wanted_s
    assert 0 <= found.crash_hours <= found.hours
    for share in (found.uptime_share, found.crash_free_share):
        assert share is None or 0 <= share <= 1
