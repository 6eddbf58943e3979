"""Counting what is done, and telling of it."""

from concurrent.futures import ThreadPoolExecutor

from launcher.actions.steps import Step, Steps, part_of, tell_nobody


def test_each_step_is_told_with_what_is_done_now() -> None:
    told: list[Step] = []
    steps = Steps(told.append, 3)
    steps.at("vault")
    assert steps.got("a", "b") == ("a", "b")
    steps.did()
    assert told == [Step(0, 3, "vault"), Step(2, 3, "vault"), Step(3, 3, "vault")]


def test_the_total_grows_where_there_is_more() -> None:
    told: list[Step] = []
    Steps(told.append, 1).did(2)
    assert told == [Step(2, 2, "")]


def test_things_of_a_row_are_steps_once_they_are_done_with() -> None:
    told: list[Step] = []
    steps = Steps(told.append, 2)
    row = steps.each("ab")
    assert next(row) == "a"
    assert not told, "it is being worked on"
    assert list(row) == ["b"]
    assert [it.done for it in told] == [1, 2]


def test_very_many_are_told_of_together_and_none_is_forgotten() -> None:
    told: list[Step] = []
    assert len(list(Steps(told.append, 25).each(range(25), every=10))) == 25
    assert [it.done for it in told] == [10, 20, 25]


def test_threads_lose_no_step() -> None:
    told: list[Step] = []
    steps = Steps(told.append, 200)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(200):
            pool.submit(steps.did)
    assert [it.done for it in told] == list(range(1, 201))


def test_a_part_of_something_larger() -> None:
    told: list[Step] = []
    Steps(part_of(told.append, 22, 34), 10).did(3)
    assert told == [Step(25, 34, "")]


def test_nobody_needs_to_watch() -> None:
    steps = Steps(tell_nobody, 1)
    assert list(steps.each(["only"])) == ["only"]
