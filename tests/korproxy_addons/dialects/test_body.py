import pytest

from korproxy_addons.dialects.body import Body
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError


def test_pieces_become_one_body() -> None:
    body = Body()
    body.feed(b"ab")
    body.feed(b"c")
    assert [body.close(), body.close()] == [b"abc", b""]


def test_a_body_is_bounded() -> None:
    body = Body(limit_bytes=4)
    body.feed(b"1234")
    with pytest.raises(KorProxyError) as caught:
        body.feed(b"5")
    assert caught.value.spec is UPSTREAM_INVALID_REPLY
