"""Ids that repeat."""

from launcher.simulator.ids import Ids, seal


def test_the_nth_id_is_always_the_same_and_no_two_are() -> None:
    one, two = Ids(), Ids()
    made = [one.make("msg_", 22) for _ in range(50)]
    assert made == [two.make("msg_", 22) for _ in range(50)]
    assert len(set(made)) == 50
    assert all(len(each) == 26 and each.startswith("msg_") for each in made)


def test_a_seal_belongs_to_its_content_and_purpose() -> None:
    assert seal("a", "x") == seal("a", "x")
    assert len({seal("a", "x"), seal("b", "x"), seal("a", "y"), seal("a", "\ud83d")}) == 4
