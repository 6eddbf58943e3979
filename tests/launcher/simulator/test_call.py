"""Replies and calls."""

from launcher.simulator.call import Refused, Replaced, Reply


def test_headers_replace_others_of_their_name() -> None:
    reply = Reply(200, headers=[("Retry-After", "1"), ("x", "y")]).with_headers(
        ("retry-after", "2")
    )
    assert reply.headers == [("x", "y"), ("retry-after", "2")]


def test_a_replacement_is_a_refusal() -> None:
    reply = Reply(500)
    assert isinstance(Replaced(reply), Refused)
    assert Replaced(reply).reply is reply
