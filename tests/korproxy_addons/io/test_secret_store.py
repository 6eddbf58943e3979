from pathlib import Path

import pytest
from pydantic import SecretStr

from korproxy_addons.config.secret_ref import SecretRef
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.secret_store import SecretStore


@pytest.fixture
def learned() -> list[SecretStr]:
    return []


@pytest.fixture
def store(tmp_path: Path, learned: list[SecretStr]) -> SecretStore:
    return SecretStore(tmp_path, learned.extend)


def test_a_secret_is_read_once_and_the_log_is_told_first(
    store: SecretStore, learned: list[SecretStr], tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("sk-first")
    ref = SecretRef.parse("file:key")
    assert store.load(ref) == SecretStr("sk-first")
    (tmp_path / "key").write_text("sk-second")
    assert store.load(ref) == SecretStr("sk-first")
    assert learned == [SecretStr("sk-first")]


@pytest.mark.parametrize("all_of_them", [True, False])
def test_a_forgotten_secret_is_read_anew(
    store: SecretStore, learned: list[SecretStr], tmp_path: Path, all_of_them: bool
) -> None:
    ref = SecretRef.parse("file:key")
    for value in ("sk-first", "sk-second"):
        (tmp_path / "key").write_text(value)
        assert store.load(ref) == SecretStr(value)
        store.forget(None if all_of_them else ref)
    assert learned == [SecretStr("sk-first"), SecretStr("sk-second")]


def test_forgetting_one_secret_keeps_the_others(store: SecretStore, tmp_path: Path) -> None:
    one, other = SecretRef.parse("file:one"), SecretRef.parse("file:other")
    for name in ("one", "other"):
        (tmp_path / name).write_text("sk-before")
    store.load(one)
    store.load(other)
    for name in ("one", "other"):
        (tmp_path / name).write_text("sk-after")
    store.forget(one)
    store.forget(one)
    assert store.load(one) == SecretStr("sk-after")
    assert store.load(other) == SecretStr("sk-before")


def test_a_secret_that_is_not_there_is_looked_for_again(
    store: SecretStore, learned: list[SecretStr], tmp_path: Path
) -> None:
    ref = SecretRef.parse("file:key")
    with pytest.raises(KorProxyError) as found:
        store.load(ref)
    assert found.value.spec is catalogue.SECRET_UNAVAILABLE
    assert learned == []
    (tmp_path / "key").write_text("sk-later")
    assert store.load(ref) == SecretStr("sk-later")
