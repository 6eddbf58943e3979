"""The gateway's way to the vault: it never waits for a keyring while it serves."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io import vault_opening
from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_opening import NEXT_TRY_S, OPENING_S, DoorState, VaultDoor, open_vault
from support.clock import FakeClock
from support.keyrings import MemoryBackend
from support.vaults import OTHER_KEY, Machine, api_key
from support.waiting import until


class SlowBackend(MemoryBackend):
    """A keyring that asks its owner, who answers when the test says so."""

    answered = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.answered.wait(60)
        return super().get_password(service, username)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a vault that holds one key."""
    machine = Machine()
    machine.vault(tmp_path).save("a", api_key("one"))
    return machine


@pytest.fixture
def slow(machine: Machine) -> Iterator[Machine]:
    """The same, with a keyring that is locked."""
    assert machine.keyring is not None
    SlowBackend.answered = threading.Event()
    yield Machine(SlowBackend(machine.keyring.items))
    SlowBackend.answered.set()
    for thread in threading.enumerate():
        if thread.name == "vault":
            thread.join(30)


def door_of(machine: Machine, home: Path, clock: FakeClock | None = None) -> VaultDoor:
    return VaultDoor(home, machine.keys(), lambda _: None, clock or FakeClock())


def why(door: VaultDoor) -> KorProxyError:
    with pytest.raises(KorProxyError) as caught:
        door.vault()
    return caught.value


def test_a_command_opens_it_at_once(machine: Machine, tmp_path: Path) -> None:
    learned: list[SecretStr] = []
    vault = open_vault(tmp_path, keys=machine.keys(), learn=learned.extend)
    assert learned == [SecretStr("one")]
    assert vault.load("a") == api_key("one")
    with pytest.raises(KorProxyError) as caught:
        open_vault(tmp_path, keys=Machine().keys())
    assert caught.value.spec is catalogue.VAULT_KEY_MISSING


def test_where_there_is_none_no_keyring_is_asked(tmp_path: Path) -> None:
    machine = Machine()
    assert machine.keyring is not None
    assert open_vault(tmp_path, keys=machine.keys()).names() == ()
    door = door_of(machine, tmp_path)
    door.begin()
    door.wait()
    assert door.vault().names() == ()
    assert door.state is DoorState.NONE
    assert machine.keyring.calls == []


def test_it_is_open_when_the_start_has_waited(machine: Machine, tmp_path: Path) -> None:
    door = door_of(machine, tmp_path)
    assert str(door.state) == "opening"
    door.begin()
    door.wait(30)
    assert door.state is DoorState.OPEN
    assert door.vault().load("a") == api_key("one")


def test_a_locked_keyring_holds_up_neither_the_start_nor_a_request(
    slow: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_opening, "GRACE_S", 0.01)
    door = door_of(slow, tmp_path)
    door.begin()
    door.wait(0.01)
    for _ in range(3):
        assert why(door).spec is catalogue.VAULT_LOCKED
        assert str(door.state) == "opening"
    assert isinstance(slow.keyring, SlowBackend)
    slow.keyring.answered.set()
    until(lambda: _opened(door))
    assert door.vault().load("a") == api_key("one")
    assert slow.keyring.calls == ["get"], "one question, however many requests came meanwhile"


def test_who_can_wait_waits_for_the_first_opening(slow: Machine, tmp_path: Path) -> None:
    door = door_of(slow, tmp_path)
    assert isinstance(slow.keyring, SlowBackend)
    threading.Timer(0.05, slow.keyring.answered.set).start()
    door.wait_for_first()
    assert door.state is DoorState.OPEN


def test_many_may_wait_at_once(slow: Machine, tmp_path: Path) -> None:
    door = door_of(slow, tmp_path)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(door.wait_for_first) for _ in range(8)]
        assert isinstance(slow.keyring, SlowBackend)
        slow.keyring.answered.set()
    assert [it.exception() for it in waiting] == [None] * 8
    assert door.state is DoorState.OPEN
    assert slow.keyring.calls == ["get"]


def test_nobody_waits_longer_than_an_opening_should_take(slow: Machine, tmp_path: Path) -> None:
    """The person who is to unlock the keyring may be away."""
    clock = FakeClock()
    door = door_of(slow, tmp_path, clock)
    door.begin()
    clock.advance(OPENING_S)
    door.wait_for_first()
    assert door.state is DoorState.OPENING


def test_a_vault_that_appears_is_opened_by_the_first_who_asks(tmp_path: Path) -> None:
    machine = Machine()
    door = door_of(machine, tmp_path)
    door.begin()
    assert door.vault().names() == ()
    machine.vault(tmp_path).save("a", api_key("one"))
    assert door.vault().load("a") == api_key("one")


def test_a_failure_holds_for_a_while_or_until_the_file_changes(
    machine: Machine, tmp_path: Path
) -> None:
    stranger, clock = Machine(), FakeClock()
    assert stranger.keyring is not None
    door = door_of(stranger, tmp_path, clock)
    door.begin()
    door.wait(30)
    failures = [why(door) for _ in range(3)]
    assert {it.spec for it in failures} == {catalogue.VAULT_KEY_MISSING}
    assert len({id(it) for it in failures}) == 3, "one object would gather everybody's frames"
    assert door.state is DoorState.KEY_MISSING
    door.begin()
    assert len(stranger.keyring.calls) == 1
    assert machine.keyring is not None
    stranger.keyring.items = machine.keyring.items
    clock.advance(NEXT_TRY_S)
    assert until(lambda: _opened(door)).load("a") == api_key("one")


def _opened(door: VaultDoor) -> Vault | None:
    try:
        return door.vault()
    except KorProxyError:
        return None


def test_a_file_that_was_replaced_is_tried_at_once(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "vault.bin").write_bytes(b"damaged")
    door = door_of(machine, tmp_path)
    door.begin()
    door.wait(30)
    assert why(door).spec is catalogue.VAULT_DAMAGED
    assert door.state is DoorState.DAMAGED
    (tmp_path / "vault.bin").unlink()
    machine.vault(tmp_path).save("b", api_key("two"))
    assert until(lambda: _opened(door)).names() == ("b",)


def test_a_folder_that_cannot_be_read_is_told(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "vault.bin").unlink()
    (tmp_path / "vault.bin").mkdir()
    door = door_of(machine, tmp_path)
    door.begin()
    door.wait(30)
    assert why(door).spec is catalogue.VAULT_UNUSABLE
    assert door.state is DoorState.UNUSABLE


def test_the_launchers_key_needs_no_keyring(
    machine: Machine, slow: Machine, tmp_path: Path
) -> None:
    key = machine.vault(tmp_path)
    key.names()
    assert key.key is not None
    handed = VaultDoor(tmp_path, key.key, lambda _: None)
    handed.begin()
    handed.wait(30)
    assert handed.vault().load("a") == api_key("one")
    late = door_of(slow, tmp_path)
    late.begin()
    late.hand_over(key.key)
    late.begin()
    late.wait(30)
    assert late.vault().load("a") == api_key("one")
    assert late.state is DoorState.OPEN


def test_a_key_that_was_handed_over_and_rotated_is_looked_for(
    machine: Machine, tmp_path: Path
) -> None:
    door = door_of(machine, tmp_path)
    door.hand_over(OTHER_KEY)
    door.begin()
    door.wait(30)
    assert door.vault().load("a") == api_key("one")
    vault = machine.vault(tmp_path)
    vault.rotate(machine.keys().make_in_keyring())
    assert door.vault().load("a") == api_key("one")


def test_a_new_vault_is_sealed_with_the_key_that_was_handed_over(tmp_path: Path) -> None:
    machine = Machine(None)
    door = door_of(machine, tmp_path)
    door.hand_over(OTHER_KEY)
    vault = door.vault()
    vault.save("a", api_key("one"))
    assert vault.key == OTHER_KEY


def test_an_open_vault_whose_key_is_gone_asks_only_now_and_then(
    machine: Machine, tmp_path: Path
) -> None:
    """Every request reads the vault: a keyring must not be asked by each."""
    clock = FakeClock()
    door = door_of(machine, tmp_path, clock)
    door.begin()
    door.wait(30)
    vault = machine.vault(tmp_path)
    new = machine.keys().make_in_keyring()
    vault.rotate(new)
    machine.keys().discard(new.id)
    assert machine.keyring is not None
    machine.keyring.calls.clear()
    for _ in range(3):
        with pytest.raises(KorProxyError) as caught:
            door.vault().load("a")
        assert caught.value.spec is catalogue.VAULT_KEY_MISSING
    assert machine.keyring.calls == ["get"]
    clock.advance(NEXT_TRY_S)
    with pytest.raises(KorProxyError):
        door.vault().load("a")
    assert machine.keyring.calls == ["get", "get"]
