"""Every rule of supervision on a clock of our own: no process is started here."""

from typing import Any

import pytest
from hypothesis import settings

from korproxy_addons.control.protocol import Drain, Pause, Resume, Retire, Wake
from launcher.supervisor.machine import EXIT_CONFIG
from launcher.supervisor.rules import Rules
from launcher.supervisor.signals import (
    Answered,
    Asked,
    AskHealth,
    CloseListeners,
    Exited,
    InFlight,
    Kill,
    Missed,
    Send,
    Spawn,
    Spawned,
    SpawnRefused,
    StartWith,
    Terminate,
    Tick,
    Told,
    Waits,
    Wish,
    Woke,
)
from launcher.supervisor.states import Phase, Reason, State
from support.supervised import World, ready
from support.supervised_life import Life, LifeWithoutSharing


@pytest.fixture
def world() -> World:
    return World()


def test_a_start_is_over_when_the_gateway_itself_answers(world: World) -> None:
    """A process is not enough, nor is its word, nor is a stranger at its address."""
    assert world.wish(Wish.START) == (Spawn(1, StartWith.CONFIG),)
    world.tell(Spawned(1, 1001))
    assert world.state() is State.STARTING
    assert world.tell(ready(1)) == (AskHealth(),)
    world.tell(Answered("run-of-somebody-else", 0.01))
    assert world.state() is State.STARTING
    assert world.later(1.0) == (AskHealth(),)
    world.answer(1)
    assert world.state() is State.HEALTHY
    status = world.supervisor.status
    assert (status.pid, status.port, status.instance) == (1001, 1337, "run-1")


def test_one_that_waits_for_its_place_is_not_late(world: World) -> None:
    """A gateway that another launcher left behind may take as long as its streams do."""
    world.wish(Wish.START)
    world.tell(Waits(1, "another finishes first"))
    assert world.supervisor.status.detail == "another finishes first"
    assert world.later(1000.0) == ()
    assert world.state() is State.STARTING
    world.tell(Spawned(1, 1001))
    assert world.later(world.rules.ready_s - 0.1) == ()
    world.up(1)
    assert world.state() is State.HEALTHY
    assert world.supervisor.status.detail == ""
    assert world.supervisor.status.restarts == 0


def test_one_that_got_its_place_late_may_still_be_mute(world: World) -> None:
    world.wish(Wish.START)
    world.tell(Waits(1, "another finishes first"))
    world.later(1000.0)
    world.tell(Spawned(1, 1001))
    assert world.later(world.rules.ready_s) == (Send(1, Drain()),)
    assert world.supervisor.status.restarts == 1


def test_one_that_is_wanted_no_more_does_not_say_what_it_waits_for(world: World) -> None:
    world.wish(Wish.START)
    world.wish(Wish.STOP)
    before = world.supervisor.status
    world.tell(Waits(1, "another finishes first"))
    assert world.supervisor.status == before
    world.tell(SpawnRefused(1, False, "it is wanted no more"))
    assert world.state() is State.STOPPED


def test_a_second_start_changes_nothing(world: World) -> None:
    world.healthy()
    assert world.wish(Wish.START) == ()
    assert world.spawned() == [1]


def test_health_is_asked_for_every_ten_seconds_and_only_once_at_a_time(world: World) -> None:
    world.healthy()
    assert world.later(9.9) == ()
    assert world.later(0.2) == (AskHealth(),)
    assert world.later(60.0) == (), "the first question is still open"
    world.answer(1)
    assert world.later(10.1) == (AskHealth(),)


def test_a_slow_answer_degrades_and_a_fast_one_heals(world: World) -> None:
    world.healthy()
    world.answer(1, 0.51)
    assert world.state() is State.DEGRADED
    assert "0.5 s" in world.supervisor.status.detail
    world.answer(1, 0.1)
    assert world.state() is State.HEALTHY


def miss(world: World) -> tuple[Asked, ...]:
    world.later(world.rules.health_every_s)
    return world.tell(Missed("no answer"))


def test_three_unanswered_questions_replace_it(world: World) -> None:
    world.healthy()
    assert miss(world) == ()
    assert world.state() is State.DEGRADED
    assert miss(world) == ()
    asked = miss(world)
    assert world.state() is State.UNREACHABLE
    assert asked == (Send(1, Drain()),)
    assert Spawn(2, StartWith.CONFIG) in world.later(0.5)
    assert world.supervisor.restarted == {"hung": 1}
    assert Kill(1) in world.later(10.0), "it does not hear: the system ends it"
    world.up(2)
    assert world.state() is State.HEALTHY


def test_one_answer_in_between_starts_the_count_anew(world: World) -> None:
    world.healthy()
    for _ in range(3):
        miss(world)
        miss(world)
        world.answer(1)
    assert world.state() is State.HEALTHY
    assert world.spawned() == [1]


def test_in_the_first_seconds_nobody_is_blamed(world: World) -> None:
    world.wish(Wish.START)
    world.tell(Spawned(1, 1001))
    world.tell(ready(1))
    for _ in range(9):
        world.later(0.5)
        world.tell(Missed("no answer"))
    assert world.state() is State.STARTING
    assert world.supervisor.status.failures == 0


def test_a_gateway_that_never_listens_has_failed_to_start(world: World) -> None:
    world.wish(Wish.START)
    world.tell(Spawned(1, 1001))
    world.later(19.9)
    assert world.spawned() == [1]
    world.later(1.0)
    assert world.spawned() == [1, 2]
    assert Kill(1) in world.later(10.0)


def test_a_crash_is_followed_by_a_restart_after_a_random_wait() -> None:
    """Full jitter: anything from nothing to the whole back-off, which doubles."""
    for chance in (0.0, 0.5, 0.999):
        world = World(chance=chance)
        world.healthy()
        waits = []
        for child in (1, 2, 3):
            began = world.now
            world.tell(Exited(child, 1, ("boom",)))
            assert world.supervisor.status.phase is Phase.BACKING_OFF or chance == 0.0
            while world.spawned()[-1] == child:
                world.now = world.supervisor.due_at() or world.now
                world.tell(Tick())
            waits.append(world.now - began)
            world.tell(Spawned(child + 1, 1000))
        assert waits == pytest.approx([0.5 * chance, 1.0 * chance, 2.0 * chance])


def test_the_fourth_crash_in_a_row_is_the_last(world: World) -> None:
    """Three restarts are used up: it waits for a person, and shows what the gateway said."""
    world.healthy()
    for child in (1, 2, 3, 4):
        assert world.state() is not State.FAILED
        asked = world.tell(Exited(child, 1, (f"line of {child}",)))
        world.later(5.0)
    assert world.spawned() == [1, 2, 3, 4]
    status = world.supervisor.status
    assert (status.state, status.reason) == (State.FAILED, Reason.CRASH_LOOP)
    assert status.last_lines == ("line of 4",)
    assert CloseListeners() in asked, "connections are refused, not kept waiting for ever"
    assert world.later(1e6) == ()
    world.wish(Wish.START)
    assert world.state() is State.STARTING
    assert world.supervisor.status.restarts == 0


def test_a_minute_of_health_forgives_the_restarts(world: World) -> None:
    child = world.healthy()
    for _ in range(10):
        for _ in range(7):
            world.later(10.0)
            world.answer(child)
        world.tell(Exited(child, 1))
        world.later(5.0)
        child = world.spawned()[-1]
        world.up(child)
    assert world.state() is State.HEALTHY
    assert len(world.spawned()) == 11
    assert world.supervisor.restarted == {"crashed": 10}, "what is forgiven was counted"


def test_less_than_a_minute_of_health_does_not(world: World) -> None:
    child = world.healthy()
    for _ in range(4):
        world.later(40.0)
        world.answer(child)
        world.tell(Exited(child, 1))
        world.later(5.0)
        if world.state() is State.FAILED:
            break
        child = world.spawned()[-1]
        world.up(child)
    assert world.state() is State.FAILED


def test_a_broken_config_is_not_tried_again(world: World) -> None:
    world.wish(Wish.START)
    world.tell(Exited(1, EXIT_CONFIG, ("KP-CONF-203 line 3",)))
    status = world.supervisor.status
    assert (status.state, status.reason) == (State.FAILED, Reason.CONFIG_ERROR)
    assert status.last_lines == ("KP-CONF-203 line 3",)
    assert world.later(1e6) == ()
    assert world.wish(Wish.START_LAST_GOOD) == (Spawn(2, StartWith.LAST_GOOD),)


def test_a_plain_start_is_offered_after_a_crash_loop(world: World) -> None:
    world.wish(Wish.START)
    for child in (1, 2, 3, 4):
        world.tell(Exited(child, 1))
        world.later(5.0)
    assert world.wish(Wish.START_PLAIN) == (Spawn(5, StartWith.PLAIN),)


def test_a_taken_port_is_told_and_not_walked_around(world: World) -> None:
    world.wish(Wish.START)
    world.tell(SpawnRefused(1, port_busy=True, detail="port 1337 is taken by nginx (process 7)"))
    status = world.supervisor.status
    assert (status.state, status.reason) == (State.FAILED, Reason.PORT_BUSY)
    assert "nginx" in status.detail
    assert world.later(1e6) == ()


def test_a_start_the_system_refuses_is_tried_as_often_as_a_crash_and_is_none(world: World) -> None:
    world.wish(Wish.START)
    for child in (1, 2, 3, 4):
        world.tell(SpawnRefused(child, port_busy=False, detail="no memory"))
        world.later(5.0)
    assert world.supervisor.status.reason is Reason.CANNOT_START
    assert world.supervisor.restarted == {"refused": 3}


def test_a_stop_drains_then_ends_then_kills(world: World) -> None:
    world.healthy()
    assert world.wish(Wish.STOP) == (Send(1, Drain()), CloseListeners())
    world.tell(InFlight(1, 2))
    assert world.supervisor.status.detail == "finishing 2 requests…"
    assert world.supervisor.status.phase is Phase.DRAINING
    assert world.later(30.9) == ()
    assert world.later(0.2) == (Terminate(1),)
    assert world.later(5.0) == (Kill(1),)
    world.tell(Exited(1, -9))
    assert world.state() is State.STOPPED
    assert world.supervisor.idle


def test_a_stop_while_it_backs_off_means_no_more_starts(world: World) -> None:
    world.healthy()
    world.tell(Exited(1, 1))
    world.wish(Wish.STOP)
    assert world.state() is State.STOPPED
    assert world.later(1e6) == ()


def test_a_start_during_a_stop_begins_anew(world: World) -> None:
    world.healthy()
    world.wish(Wish.STOP)
    world.wish(Wish.START)
    assert world.spawned() == [1, 2]
    world.tell(Exited(1, 0))
    assert world.state() is State.STARTING
    world.up(2)
    assert world.state() is State.HEALTHY


def test_a_restart_prepares_the_successor_first(world: World) -> None:
    world.healthy()
    assert world.wish(Wish.RESTART) == (Spawn(2, StartWith.CONFIG),)
    assert (world.state(), world.supervisor.status.phase) == (State.HEALTHY, Phase.REPLACING)
    assert world.wish(Wish.RESTART) == (), "one successor is enough"
    world.tell(Spawned(2, 1002))
    assert Send(1, Retire()) in world.tell(ready(2))
    world.answer(2)
    world.tell(Exited(1, 0))
    assert world.state() is State.HEALTHY
    assert world.supervisor.status.pid == 1002
    assert world.supervisor.status.restarts == 0
    assert world.supervisor.restarted == {"asked": 1}


@pytest.mark.parametrize(
    "failure",
    [
        Exited(2, 78, ("KP-CONF-203 line 3",)),
        Exited(2, 1, ("boom",)),
        SpawnRefused(2, port_busy=True, detail="port 1400 is taken"),
    ],
    ids=["config", "crash", "port"],
)
def test_a_successor_that_fails_leaves_the_old_one_at_work(world: World, failure: Told) -> None:
    world.healthy()
    world.wish(Wish.RESTART)
    world.tell(failure)
    assert world.state() is State.HEALTHY
    status = world.supervisor.status
    assert status.detail == f"not replaced: {status.refused}" != "not replaced: "
    world.answer(1)
    assert world.supervisor.status.refused == status.refused, "who asks later is told, too"
    world.wish(Wish.RESTART)
    assert world.supervisor.status.refused == ""
    assert not any(isinstance(it, Send) for it in world.asked)


def test_a_restart_of_one_that_is_starting_forgets_an_earlier_refusal(world: World) -> None:
    world.healthy()
    world.wish(Wish.RESTART)
    world.tell(Exited(2, 1, ("boom",)))
    assert world.supervisor.status.refused
    world.tell(Exited(1, 1))
    world.wish(Wish.RESTART)
    assert world.supervisor.status.refused == ""


def test_a_successor_that_never_listens_leaves_the_old_one_at_work(world: World) -> None:
    world.healthy()
    world.wish(Wish.RESTART)
    world.tell(Spawned(2, 1002))
    world.later(9.9)
    world.tell(Answered("run-1", 0.01))
    world.later(11.0)
    assert world.state() is State.HEALTHY
    assert Send(2, Drain()) in world.asked
    assert Send(1, Retire()) not in world.asked


def test_a_crash_while_the_successor_starts_waits_for_it(world: World) -> None:
    world.healthy()
    world.wish(Wish.RESTART)
    world.tell(Exited(1, 1))
    assert world.state() is State.STARTING
    assert world.spawned() == [1, 2]
    assert world.supervisor.restarted == {"crashed": 1}
    world.up(2)
    assert world.state() is State.HEALTHY


def test_a_pause_is_kept_over_a_crash(world: World) -> None:
    world.healthy()
    assert world.wish(Wish.PAUSE) == (Send(1, Pause()),)
    assert world.state() is State.PAUSED
    world.tell(Exited(1, 1))
    world.later(1.0)
    world.tell(Spawned(2, 1002))
    assert Send(2, Pause()) in world.tell(ready(2))
    world.answer(2)
    assert world.state() is State.PAUSED
    assert world.wish(Wish.RESUME) == (Send(2, Resume()),)
    assert world.state() is State.HEALTHY


def test_after_a_wake_silence_is_forgiven_for_a_while(world: World) -> None:
    world.healthy()
    asked = world.tell(Woke())
    assert asked == (Send(1, Wake()), AskHealth())
    for _ in range(5):
        world.tell(Missed("no answer"))
        world.later(0.5)
    assert world.state() is State.HEALTHY
    world.later(15.0)
    for _ in range(3):
        world.tell(Missed("no answer"))
        world.later(0.6)
    assert world.state() is not State.HEALTHY


def test_a_wake_without_a_gateway_is_nothing(world: World) -> None:
    assert world.tell(Woke()) == ()


@pytest.mark.parametrize("wish", [Wish.RESTART, Wish.INSPECT])
def test_where_sockets_cannot_be_shared_one_ends_before_the_next_begins(wish: Wish) -> None:
    """Windows: what is in flight finishes first, however long that takes; a second wish changes nothing."""
    first = (world := World(Rules(hands_over=False))).healthy()
    assert world.wish(wish) == (Send(first, Drain()),)
    it = world.supervisor
    assert (it.replacing, world.state(), it.status.pid) == (True, State.STARTING, None)
    assert world.wish(wish) == ()
    world.later(world.rules.drain_s - 1)
    (spawn,) = world.tell(Exited(first, 0))
    assert isinstance(spawn, Spawn)
    assert spawn.start_with is (StartWith.INSPECT if wish is Wish.INSPECT else StartWith.CONFIG)
    world.later(world.rules.ready_s - 1)
    world.up(spawn.child)
    assert (it.replacing, world.state(), it.status.restarts) == (False, State.HEALTHY, 0)
    assert it.status.inspecting is (wish is Wish.INSPECT)


def test_a_look_ends_by_itself(world: World) -> None:
    world.healthy()
    world.wish(Wish.INSPECT)
    world.up(2)
    world.later(world.rules.inspect_s + 1)
    assert Spawn(3, StartWith.CONFIG) in world.asked


TestLife: Any = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLifeWithoutSharing: Any = LifeWithoutSharing.TestCase
TestLifeWithoutSharing.settings = TestLife.settings
