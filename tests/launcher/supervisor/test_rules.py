"""The length of a look (`inspect_s`): a successor that shows what passes, and the way back, by the hand-over of any restart."""

from korproxy_addons.control.protocol import Retire
from launcher.supervisor.rules import Rules
from launcher.supervisor.signals import Exited, Send, Spawn, StartWith, Wish
from launcher.supervisor.states import State
from support.supervised import World


def started(world: World) -> list[StartWith]:
    return [it.start_with for it in world.asked if isinstance(it, Spawn)]


def shows(world: World) -> bool:
    return world.supervisor.status.inspecting


def inspecting() -> tuple[World, int]:
    world = World(Rules(inspect_s=60.0))
    first = world.healthy()
    world.wish(Wish.INSPECT)
    second = world.spawned()[-1]
    assert second != first
    assert not shows(world)
    world.up(second)
    assert Send(first, Retire()) in world.asked
    world.tell(Exited(first, 0))
    assert shows(world)
    return world, second


def test_it_is_prepared_beside_the_plain_one_and_then_takes_over() -> None:
    world, _ = inspecting()
    assert started(world) == [StartWith.CONFIG, StartWith.INSPECT]


def test_it_gives_way_by_itself() -> None:
    world, looking = inspecting()
    world.later(59.0)
    assert len(started(world)) == 2
    world.later(2.0)
    assert started(world)[2:] == [StartWith.CONFIG]
    world.up(world.spawned()[-1])
    assert Send(looking, Retire()) in world.asked
    assert not shows(world)
    world.later(200.0)
    assert len(started(world)) == 3


def test_asked_once_more_it_stays_longer() -> None:
    world, _ = inspecting()
    world.later(50.0)
    world.wish(Wish.INSPECT)
    world.later(50.0)
    assert len(started(world)) == 2


def test_a_restart_ends_it() -> None:
    world, _ = inspecting()
    world.wish(Wish.RESTART)
    world.up(world.spawned()[-1])
    assert started(world)[2:] == [StartWith.CONFIG]
    assert not shows(world)


def test_one_that_crashes_is_followed_by_the_plain_one() -> None:
    world, looking = inspecting()
    world.tell(Exited(looking, 1))
    assert not shows(world)
    world.later(5.0)
    assert started(world)[2:] == [StartWith.CONFIG]


def test_one_that_does_not_start_changes_nothing() -> None:
    world = World()
    world.healthy()
    world.wish(Wish.INSPECT)
    world.tell(Exited(world.spawned()[-1], 1, ("no such module",)))
    assert world.state() is State.HEALTHY
    assert not shows(world)
    assert "no such module" in world.supervisor.status.detail


def test_where_nothing_runs_there_is_nothing_to_look_at() -> None:
    world = World()
    world.wish(Wish.INSPECT)
    assert started(world) == []
    assert world.state() is State.STOPPED
