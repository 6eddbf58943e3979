import math

from korproxy_addons.control.protocol import Drain
from launcher.supervisor.children import Child
from launcher.supervisor.crew import Crew
from launcher.supervisor.rules import Rules
from launcher.supervisor.signals import Send, Spawn, StartWith
from support.supervised import ready

RULES = Rules(drain_s=30.0, kill_s=5.0, ready_s=20.0)


def started(crew: Crew, now: float = 100.0, *, hands_over: bool = True) -> Child:
    child, asked = crew.one_more(StartWith.CONFIG, now, hands_over=hands_over)
    assert asked == Spawn(child.number, StartWith.CONFIG)
    return child


def test_each_has_a_number_of_its_own_and_is_found_by_it() -> None:
    crew = Crew()
    crew.current, crew.next = started(crew), started(crew)
    crew.leaving.begin(gone := started(crew), Drain(), 100.0, RULES)
    assert [it.number for it in crew] == [1, 2, 3]
    assert crew.find(3) is gone
    assert crew.find(4) is None
    assert [crew.wants(number) for number in (1, 2, 3, 4)] == [True, True, False, False]


def test_a_successor_is_being_prepared_until_it_listens() -> None:
    crew, seen = Crew(), list[bool]()
    crew.current = started(crew)
    seen.append(crew.replacing)
    crew.next = started(crew)
    seen.append(crew.replacing)
    crew.current, crew.next = crew.next, None
    crew.current.relieves = True
    seen.append(crew.replacing)
    crew.current.ready = ready(2).ready
    seen.append(crew.replacing)
    assert seen == [False, True, True, False]


def test_who_is_not_ready_is_overdue_and_who_leaves_is_ended() -> None:
    crew = Crew()
    crew.current = started(crew)
    assert list(crew.due(20.0)) == [120.0]
    child, crew.current = crew.current, None
    assert crew.send_away(child, Drain(), 110.0, RULES) == Send(1, Drain())
    assert list(crew.due(20.0)) == [141.0, 146.0]


def test_where_sockets_cannot_be_shared_one_waits_until_the_place_is_free() -> None:
    crew = Crew()
    first = started(crew, hands_over=False)
    crew.send_away(first, Drain(), 100.0, RULES)
    crew.current, asked = crew.one_more(StartWith.INSPECT, 100.0, hands_over=False)
    assert (asked, crew.current.spawned_at) == (None, math.inf)
    assert crew.current.inspects
    assert math.inf not in crew.due(20.0)
    crew.leaving.gone(first.number)
    assert crew.place_is_free(130.0) == Spawn(2, StartWith.INSPECT)
    assert crew.current.spawned_at == 130.0
    assert crew.place_is_free(131.0) is None


def test_one_that_waited_and_is_wanted_no_more_never_begins() -> None:
    crew = Crew()
    first = started(crew, hands_over=False)
    crew.send_away(first, Drain(), 100.0, RULES)
    crew.current, _ = crew.one_more(StartWith.CONFIG, 100.0, hands_over=False)
    assert crew.send_away(crew.current, Drain(), 101.0, RULES) is None
    crew.current = None
    crew.leaving.gone(first.number)
    assert not any(crew)
    assert crew.place_is_free(102.0) is None
