from korproxy_addons.control.protocol import Drain, Retire
from launcher.supervisor.children import Child
from launcher.supervisor.departures import Departures
from launcher.supervisor.rules import Rules
from launcher.supervisor.signals import Kill, Send, Terminate

RULES = Rules(drain_s=30.0, kill_s=5.0)


def ended(departures: Departures, now: float) -> list[Terminate | Kill]:
    return list(departures.overdue(now, RULES))


def test_one_that_goes_by_itself_is_not_ended() -> None:
    leaving = Departures()
    child = Child(7, 0.0)
    assert leaving.begin(child, Drain(), 100.0, RULES) == Send(7, Drain())
    assert leaving
    assert 7 in leaving
    assert list(leaving) == [child]
    assert ended(leaving, 130.9) == []
    assert leaving.gone(7)
    assert not leaving
    assert not leaving.gone(7)
    assert ended(leaving, 1000.0) == []


def test_one_that_does_not_is_asked_by_the_system_once_and_killed_until_it_is_gone() -> None:
    leaving = Departures()
    leaving.begin(Child(7, 0.0), Drain(), 100.0, RULES)
    assert ended(leaving, 131.0) == [Terminate(7)]
    assert ended(leaving, 135.9) == []
    assert ended(leaving, 136.0) == [Kill(7)]
    assert ended(leaving, 140.9) == []
    assert ended(leaving, 141.0) == [Kill(7)]


def test_one_that_retires_has_the_time_twice() -> None:
    """For what is in flight, and for what still comes on the connections there are."""
    leaving = Departures()
    leaving.begin(Child(7, 0.0), Retire(), 100.0, RULES)
    assert ended(leaving, 160.9) == []
    assert ended(leaving, 161.0) == [Terminate(7)]


def test_one_that_hangs_is_killed_without_being_asked() -> None:
    leaving = Departures()
    leaving.begin(Child(7, 0.0), Drain(), 100.0, RULES, drain_s=0.0)
    assert ended(leaving, 105.9) == []
    assert ended(leaving, 106.0) == [Kill(7)]
