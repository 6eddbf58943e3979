"""Tokens that expire, rotate and get used up."""

from launcher.simulator.keys import State
from launcher.simulator.logins import Logins

SECRET, REFRESH = "sk-ant-oat01-sim-1", "sk-ant-ort01-sim-1"


def test_a_token_ends_with_its_time() -> None:
    logins = Logins()
    logins.expire(SECRET, 100.0)
    found = [logins.find(SECRET, at) for at in (99.0, 100.0)]
    assert [each.state for each in found if each is not None] == [State.OK, State.EXPIRED]
    assert logins.find("nobody", 0.0) is None
    assert logins.find(None, 0.0) is None


def test_rotation_uses_the_token_up_and_keeps_the_end_of_the_grant() -> None:
    logins = Logins()
    logins.end_grant(REFRESH, 500.0)
    grant = logins.grant(REFRESH)
    assert grant is not None
    new = logins.renew(grant, 10.0, 60.0, rotate=True)
    assert grant.used
    assert logins.find(new.secret, 69.0) == new
    following = logins.grant(new.refresh)
    assert following is not None
    assert (following.used, following.ends_at) == (False, 500.0)
    again = logins.renew(following, 20.0, 60.0, rotate=True, secret="own")
    assert again.secret.startswith("own~")
    assert len({REFRESH, new.refresh, again.refresh}) == 3


def test_an_expired_login_works_again_once_refreshed() -> None:
    logins = Logins()
    grant = logins.grant("sk-ant-ort01-sim-expired")
    assert grant is not None
    assert logins.renew(grant, 0.0, 60.0, rotate=False).state is State.OK
    assert not grant.used
