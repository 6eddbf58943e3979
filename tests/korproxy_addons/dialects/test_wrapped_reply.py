from types import SimpleNamespace

from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.wrapped_reply import WrappedReply
from korproxy_addons.errors.kinds import Kind

KNOWN = {
    "usage": object(), "finish": object(), "model": "m", "error": object(), "over": True,
    "mistake": ValueError(),
}  # fmt: skip


def test_it_knows_what_the_inner_one_knows() -> None:
    wrapped = WrappedReply(SimpleNamespace(**KNOWN))
    assert {name: getattr(wrapped, name) for name in KNOWN} == KNOWN


def test_it_gives_what_the_inner_one_gives() -> None:
    failure = ReplyError(Kind.OVERLOADED, "no more")
    inner = SimpleNamespace(
        feed=lambda data: data + b"1",
        close=lambda: b"2",
        fail=lambda error: b"3" if error is failure else b"",
        keep_alive=lambda: b"4",
    )
    wrapped = WrappedReply(inner)
    given = [wrapped.feed(b"0"), wrapped.close(), wrapped.fail(failure), wrapped.keep_alive()]
    assert given == [b"01", b"2", b"3", b"4"]
