from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.accounts.stickiness import (
    HOLDS_S,
    WRITE_EVERY_S,
    Home,
    Stickiness,
    conversation_key,
)

NOW = 1_800_000_000.0


def home(account: str = "a", at: float = NOW, cached: int = 0) -> Home:
    return Home(account, "m", cached, at)


def test_a_conversation_is_at_home_where_it_was_served_last() -> None:
    sticky = Stickiness()
    assert sticky.home(b"x", NOW) is None
    sticky.served(b"x", home("a"))
    sticky.served(b"y", home("c"))
    sticky.served(b"x", home("b", NOW + 1))
    assert sticky.home(b"x", NOW + 2) == home("b", NOW + 1)


def test_after_a_day_it_is_at_home_nowhere() -> None:
    sticky = Stickiness()
    sticky.served(b"x", home())
    assert sticky.home(b"x", NOW + HOLDS_S) is not None
    assert sticky.home(b"x", NOW + HOLDS_S + 1) is None


@given(st.lists(st.integers(0, 12), max_size=60))
def test_the_least_recently_used_are_forgotten(uses: list[int]) -> None:
    sticky = Stickiness(most=5)
    for at, number in enumerate(uses):
        sticky.served(bytes([number]), home(at=NOW + at))
    last = list(dict.fromkeys(reversed(uses)))[:5]
    assert len(sticky) == len(last)
    assert all(sticky.home(bytes([it]), NOW + 60) is not None for it in last)


def test_a_move_is_written_at_once_and_mere_use_now_and_then() -> None:
    written: list[Home] = []
    sticky = Stickiness(lambda _, it: written.append(it))
    sticky.served(b"x", home("a", NOW))
    sticky.served(b"x", home("a", NOW + 1))
    sticky.served(b"x", home("b", NOW + 2))
    sticky.served(b"x", home("b", NOW + 3))
    sticky.served(b"x", home("b", NOW + 2 + WRITE_EVERY_S))
    assert [(it.account_id, it.used_at - NOW) for it in written] == [
        ("a", 0),
        ("b", 2),
        ("b", 2 + WRITE_EVERY_S),
    ]


def test_what_was_kept_is_known_again_and_what_happened_since_is_not_undone() -> None:
    written: list[Home] = []
    sticky = Stickiness(lambda _, it: written.append(it), most=2)
    sticky.served(b"x", home("new", NOW + 9))
    sticky.restore([(b"x", home("old")), (b"y", home("b")), (b"z", home("c"))])
    assert sticky.home(b"z", NOW + 10) == home("c")
    assert len(sticky) == 2
    written.clear()
    sticky.served(b"z", home("c", NOW + 1))
    assert written == []
    again = Stickiness()
    again.served(b"x", home("new", NOW + 9))
    again.restore([(b"x", home("old"))])
    assert again.home(b"x", NOW + 10) == home("new", NOW + 9)


def test_what_is_kept_on_disk_does_not_name_the_session() -> None:
    key = conversation_key("id:user-alice", "m")
    assert b"alice" not in key
    assert key == conversation_key("id:user-alice", "m")
    assert len({key, conversation_key("id:user-alice", "n"), conversation_key("id:bob", "m")}) == 3


def test_any_id_a_client_sends_can_be_a_key() -> None:
    assert len(conversation_key("\ud800", "m")) == 12
