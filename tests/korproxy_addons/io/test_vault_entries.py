import dataclasses
import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.io.vault_entries import (
    ApiKey,
    ContentError,
    Entries,
    VaultEntry,
    secrets_of,
)

FULL = TokenSet(
    access_token=SecretStr("canary-access"),
    refresh_token=SecretStr("canary-refresh"),
    id_token=SecretStr("canary-id"),
    api_key=SecretStr("canary-key"),
    expires_at=1_800_000_000.5,
    refresh_expires_at=1_900_000_000.0,
    obtained_at=1_700_000_000.25,
    renew_by=1_750_000_000.0,
    renew_from=1_710_000_000.5,
    scopes=("a", "b"),
    facts=MappingProxyType({"email": "mina@example.com", "account_id": "6d1a"}),
)

secrets = st.builds(SecretStr, st.text(max_size=40))
seconds = st.one_of(st.none(), st.floats(0, 1e11))
token_sets = st.builds(
    TokenSet,
    access_token=secrets,
    refresh_token=st.none() | secrets,
    id_token=st.none() | secrets,
    api_key=st.none() | secrets,
    expires_at=seconds,
    refresh_expires_at=seconds,
    obtained_at=st.floats(0, 1e11),
    renew_by=seconds,
    renew_from=seconds,
    scopes=st.lists(st.text(max_size=10), max_size=3).map(tuple),
    facts=st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=3),
)
entries = st.one_of(token_sets, st.builds(ApiKey, secrets))


def test_the_example_sets_every_field() -> None:
    """... or a new field of a login could be lost without a test that fails."""
    for field in dataclasses.fields(TokenSet):
        assert getattr(FULL, field.name), field.name


def test_every_field_of_a_login_is_kept() -> None:
    assert Entries.decode(Entries().put("a", FULL).encode()).get("a") == FULL


@given(stored=st.dictionaries(st.text(max_size=10), entries, max_size=4))
def test_whatever_is_put_in_comes_out(stored: dict[str, VaultEntry]) -> None:
    filled = Entries()
    for name, entry in stored.items():
        filled = filled.put(name, entry)
    read = Entries.decode(filled.encode())
    assert read.names() == tuple(sorted(stored))
    assert {name: read.get(name) for name in read.names()} == stored


def test_putting_and_taking_leave_the_others_alone() -> None:
    one = Entries().put("a", FULL).put("b", ApiKey(SecretStr("k")))
    assert one.put("a", ApiKey(SecretStr("new"))).get("b") == ApiKey(SecretStr("k"))
    assert one.without("a").names() == ("b",)
    assert one.without("c").names() == one.names() == ("a", "b")
    assert one.get("c") is None


def test_a_later_versions_kind_of_entry_is_carried_along_unread() -> None:
    later = b'{"version":1,"entries":{"x":{"kind":"passkey","blob":[1,2]},"y":{"kind":"api-key","secret":"k","more":1}}}'
    read = Entries.decode(later)
    assert read.get("y") == ApiKey(SecretStr("k"))
    assert list(read.secrets()) == [SecretStr("k")]
    with pytest.raises(ContentError, match="entry x is of a kind"):
        read.get("x")
    again = json.loads(read.put("z", FULL).without("y").encode())
    assert again["entries"]["x"] == {"kind": "passkey", "blob": [1, 2]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a list"),
        (b"canary", "not a list"),
        (b'{"canary": 1}', "not a list"),
        (b'{"version":1,"entries":["canary"]}', "not a list"),
        (b'{"version":1,"entries":{"\xff":1}}', "not a list"),
        (b'{"version":2,"entries":{}}', "version 2"),
    ],
)
def test_what_is_no_content_is_refused_without_showing_it(content: bytes, says: str) -> None:
    with pytest.raises(ContentError, match=says) as caught:
        Entries.decode(content)
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


@given(content=st.binary(max_size=60))
def test_any_content_is_read_or_refused(content: bytes) -> None:
    try:
        read = Entries.decode(content)
    except ContentError:
        return
    assert Entries.decode(read.encode()).names() == read.names()


def test_every_secret_is_named_and_none_shows() -> None:
    filled = Entries().put("a", FULL).put("b", ApiKey(SecretStr("canary-api")))
    told = {it.get_secret_value() for it in filled.secrets()}
    assert told == {"canary-access", "canary-refresh", "canary-id", "canary-key", "canary-api"}
    assert {it.get_secret_value() for it in secrets_of(FULL)} == told - {"canary-api"}
    shown = f"{filled!r}{filled.get('a')!r}{filled.get('b')!r}{FULL}"
    assert "canary" not in shown
