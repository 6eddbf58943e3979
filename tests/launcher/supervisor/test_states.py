from launcher.supervisor.states import NEXT, State


def test_every_state_can_be_left_and_reached() -> None:
    assert set(NEXT) == set(State)
    assert all(NEXT[state] for state in State)
    assert set().union(*NEXT.values()) == set(State)


def test_only_a_person_leads_out_of_stopped_and_failed() -> None:
    """Neither can turn healthy by itself: a start lies between."""
    for state in (State.STOPPED, State.FAILED):
        assert State.HEALTHY not in NEXT[state]
        assert State.STARTING in NEXT[state]
