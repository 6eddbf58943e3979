from launcher.supervisor.wake import WakeWatch


class Clocks:
    wall = 1_000.0
    steady = 10.0


def test_a_sleep_is_noticed_once() -> None:
    clocks = Clocks()
    watch = WakeWatch(lambda: clocks.wall, lambda: clocks.steady)
    for _ in range(100):
        clocks.wall += 1.01
        clocks.steady += 1.0
        assert not watch.woke(), "clocks that drift are no sleep"
    clocks.wall += 3600
    assert watch.woke()
    assert not watch.woke()


def test_a_clock_set_back_is_no_sleep_and_hides_none() -> None:
    clocks = Clocks()
    watch = WakeWatch(lambda: clocks.wall, lambda: clocks.steady)
    clocks.wall -= 7200
    assert not watch.woke()
    clocks.wall += 60
    assert watch.woke()
