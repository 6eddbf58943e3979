"""Local keys by command: shown once, kept as a digest."""

import hashlib
from pathlib import Path

import pytest

from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions.local_keys import (
    PREFIX,
    add_key,
    edit_key,
    list_keys,
    remove_key,
    renew_key,
)
from support.routing_home import COMMENTS, comments, routing_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return routing_home(tmp_path / "home")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_key_is_long_and_random_and_only_its_digest_is_kept(home: Path) -> None:
    made = add_key(home, "tool", {"profile": "Day job", "limits": {"concurrency": 2}})
    other = add_key(home, "other", {})
    assert made.text.startswith(PREFIX)
    assert len(made.text) > len(PREFIX) + 40
    assert made.text != other.text
    written = (home / "config.yaml").read_text()
    assert made.text not in written
    assert made.text not in repr(made)
    key = ConfigStore(home).load().local_keys.keys[0]
    assert (key.id, key.sha256, key.secret, key.profile) == (
        "tool",
        digest(made.text),
        None,
        "work",
    )
    assert (made.view.limits, made.view.kept, made.view.required) == (
        {"concurrency": 2},
        "sha256",
        False,
    )
    assert comments(home) == COMMENTS


def test_a_key_may_be_required_from_then_on(home: Path) -> None:
    assert add_key(home, "tool", {}, require=True).view.required
    assert ConfigStore(home).load().local_keys.required


def test_a_key_s_profile_and_limits_change_and_the_key_stays(home: Path) -> None:
    made = add_key(home, "tool", {"profile": "work", "limits": {"concurrency": 2}})
    view = edit_key(
        home, "TOOL", {"profile": None}, {"concurrency": None, "requests_per_minute": 9}
    )
    assert (view.profile, view.limits) == (None, {"requests_per_minute": 9})
    assert ConfigStore(home).load().local_keys.keys[0].sha256 == digest(made.text)


def test_a_renewed_key_takes_the_old_one_s_place_wherever_that_lay(home: Path) -> None:
    path = home / "config.yaml"
    path.write_text(path.read_text() + "local_keys:\n  keys:\n  - {id: old, secret: 'env:K'}\n")
    assert list_keys(home)[0].kept == "env:K"
    made = renew_key(home, "old")
    (key,) = ConfigStore(home).load().local_keys.keys
    assert (key.secret, key.sha256) == (None, digest(made.text))


def test_what_is_not_there_or_taken_is_told(home: Path) -> None:
    add_key(home, "tool", {})
    for call, spec in (
        (lambda: add_key(home, "Tool", {}), catalogue.NAME_TAKEN),
        (lambda: renew_key(home, "x"), catalogue.LOCAL_KEY_UNKNOWN),
        (lambda: edit_key(home, "x", {}, {}), catalogue.LOCAL_KEY_UNKNOWN),
        (lambda: add_key(home, "y", {"profile": "x"}), catalogue.PROFILE_UNKNOWN),
    ):
        with pytest.raises(KorProxyError) as caught:
            call()
        assert caught.value.spec is spec


def test_the_last_key_stays_while_keys_are_required(home: Path) -> None:
    add_key(home, "one", {}, require=True)
    with pytest.raises(KorProxyError) as caught:
        remove_key(home, "one")
    assert caught.value.spec is catalogue.STILL_NEEDED
    add_key(home, "two", {})
    remove_key(home, "one")
    assert [it.id for it in list_keys(home)] == ["two"]
    with pytest.raises(KorProxyError) as caught:
        remove_key(home, "one")
    assert caught.value.spec is catalogue.LOCAL_KEY_UNKNOWN
