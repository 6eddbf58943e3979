"""The vault and the keyring, as a self-test tells them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from pydantic import SecretStr

from korproxy_addons.io.vault_keyring import Backend, OsKeyring
from launcher.actions.self_test_vault import AskOnce, check_keyring, check_vault
from launcher.actions.vault import VaultView

NONE = VaultView(path="vault.bin", state="none")
OPEN = VaultView(path="vault.bin", state="open", key_place="key-file", entries=("a",), backup=True)
FAILED = VaultView(
    path="vault.bin", state="failed", code="KP-AUTH-030", title="It is locked", detail="why", remedy=("Unlock.",)
)  # fmt: skip


class Store:
    """A keyring with nothing in it, or one that fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        assert (service, username) == ("KorProxy", "self-test")
        if self.error is not None:
            raise self.error
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("a look writes nothing")

    def delete_password(self, service: str, username: str) -> None:
        raise AssertionError("a look removes nothing")


def keyring(*backends: Backend) -> OsKeyring:
    return OsKeyring(lambda: backends, patience_s=5.0)


@pytest.mark.parametrize(
    ("view", "result", "said"),
    [
        (NONE, "ok", "nothing is stored yet; the first login or key makes it"),
        (OPEN, "ok", "opens; 1 entry; key kept in: key-file"),
        (replace(OPEN, entries=(), backup=False), "ok", "opens; 0 entries; key kept in: key-file; no save before this one yet"),
        (FAILED, "fail", "KP-AUTH-030 It is locked: why"),
    ],
)  # fmt: skip
def test_the_vault(view: VaultView, result: str, said: str) -> None:
    found = check_vault(view)
    assert (found.result, found.detail) == (result, said)
    assert found.remedy == view.remedy


def test_one_that_opens_for_the_gateway_alone_is_worth_knowing() -> None:
    found = check_vault(FAILED, "open")
    assert found.result == "warn"
    assert (
        found.detail == "KP-AUTH-030 not from this terminal: why; the running gateway has it open"
    )
    assert check_vault(FAILED, "locked").result == "fail"


def test_a_person_is_asked_for_the_passphrase_once() -> None:
    asked: list[bool] = []

    def ask(*, new: bool) -> SecretStr | None:
        asked.append(new)
        return SecretStr("canary")

    once = AskOnce(ask)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: once(new=False), range(8)))
    assert asked == [False]
    assert answers == [SecretStr("canary")] * 8


def test_a_keyring_that_kept_the_vault_closed_is_not_asked_again() -> None:
    asked = keyring(Store(AssertionError("asked again")))
    found = check_keyring(replace(FAILED, detail="the keyring: it stayed locked"), asked)
    assert (found.result, found.detail) == ("warn", "there is one, but it stayed locked")


def test_a_keyring_that_has_the_key_has_proved_itself() -> None:
    asked = keyring(Store(AssertionError("not asked again")))
    assert check_keyring(replace(OPEN, key_place="keyring"), asked).result == "ok"


def test_one_that_answers_is_in_order() -> None:
    assert check_keyring(NONE, keyring(Store())).detail == "answers"


def test_none_matters_only_where_the_key_is_not_elsewhere() -> None:
    found = check_keyring(NONE, keyring())
    assert found.result == "warn"
    assert "KORPROXY_VAULT_KEY_FILE" in found.remedy[1]
    elsewhere = check_keyring(OPEN, keyring())
    assert elsewhere.result == "ok"
    assert elsewhere.detail == "none in this session; the vault's key is in its key-file"


def test_one_that_stays_locked_likewise() -> None:
    found = check_keyring(FAILED, keyring(Store(RuntimeError("secret words"))))
    assert (found.result, found.detail) == ("warn", "there is one, but it refused (RuntimeError)")
    assert found.remedy
    assert check_keyring(OPEN, keyring(Store(RuntimeError()))).result == "ok"
