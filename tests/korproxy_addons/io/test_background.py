import functools
import threading

import pytest

from korproxy_addons.io.background import Background


def test_work_is_done_in_its_order_by_another_thread() -> None:
    done: list[tuple[int, str]] = []
    background = Background("work", 100)

    def work(number: int) -> None:
        done.append((number, threading.current_thread().name))

    for number in range(5):
        assert background.put(functools.partial(work, number), 1)
    background.close(10)
    assert done == [(number, "work") for number in range(5)]


def test_nothing_runs_before_there_is_work() -> None:
    background = Background("without work", 100)
    assert "without work" not in [it.name for it in threading.enumerate()]
    background.close(1)


def test_what_takes_too_much_is_not_taken_on() -> None:
    """One piece always is, however large; when it is done, there is room again."""
    goes_on, begun, done = threading.Event(), threading.Event(), threading.Event()
    background = Background("work", 100)

    def wait() -> None:
        begun.set()
        goes_on.wait(10)

    assert background.put(wait, 1000)
    assert begun.wait(10)
    assert not background.put(done.set, 1)
    goes_on.set()
    assert background.close(10)
    assert not done.is_set()
    assert background.put(done.set, 1)
    background.close(10)
    assert done.is_set()


def test_an_end_is_not_held_up_for_ever() -> None:
    goes_on = threading.Event()
    threads: list[threading.Thread] = []
    background = Background("work", 100)

    def wait() -> None:
        threads.append(threading.current_thread())
        goes_on.wait(10)

    background.put(wait, 1)
    assert not background.close(0.01)
    goes_on.set()
    assert background.close(0)
    for thread in threads:
        thread.join(10)


def _fail() -> None:
    raise OSError


def test_work_that_fails_does_not_stop_the_next(caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()
    background = Background("recordings", 100)
    background.put(_fail, 10)
    background.put(done.set, 10)
    background.close(10)
    assert done.is_set()
    (record,) = caplog.records
    assert record.message == "background work failed"
    assert record.__dict__["fields"] == {"what": "recordings"}
