from dataclasses import asdict
from pathlib import Path

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.vault_recovery import Target
from launcher.actions.vault import reset, restore, rotate_key, vault_status
from support.vaults import Machine, api_key, login


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine()
    vault = machine.vault(tmp_path)
    vault.save("work", login("canary-access"))
    vault.save("home", api_key("canary-key"))
    return machine


def test_a_vault_that_opens_says_what_it_holds_and_no_secret(
    machine: Machine, tmp_path: Path
) -> None:
    view = vault_status(tmp_path, keys=machine.keys())
    assert (view.state, view.key_place, view.weak) == ("open", "keyring", False)
    assert (view.entries, view.backup, view.code) == (("home", "work"), True, None)
    assert "canary" not in str(asdict(view))


def test_where_there_is_none_the_keyring_is_left_alone(tmp_path: Path) -> None:
    machine = Machine()
    view = vault_status(tmp_path / "empty", keys=machine.keys())
    assert (view.state, view.entries, view.key_place) == ("none", (), None)
    assert machine.keyring is not None
    assert machine.keyring.calls == []


def test_why_it_does_not_open_and_what_to_do(machine: Machine, tmp_path: Path) -> None:
    view = vault_status(tmp_path, keys=Machine().keys())
    assert view.state == "failed"
    assert view.code == catalogue.VAULT_KEY_MISSING.code
    assert view.remedy == catalogue.VAULT_KEY_MISSING.remedy
    assert view.detail


def test_a_key_is_changed_and_may_become_a_weaker_one(machine: Machine, tmp_path: Path) -> None:
    assert rotate_key(tmp_path, keys=machine.keys()) == "keyring"
    machine.typed = "correct horse"
    assert rotate_key(tmp_path, Target.PASSPHRASE, keys=machine.keys()) == "passphrase"
    view = vault_status(tmp_path, keys=machine.keys())
    assert (view.key_place, view.weak, view.entries) == ("passphrase", True, ("home", "work"))
    file = tmp_path / "key"
    assert rotate_key(tmp_path, Target.KEY_FILE, file, keys=machine.keys()) == "key-file"
    assert file.exists()


def test_a_damaged_one_goes_back_and_a_lost_one_is_put_aside(
    machine: Machine, tmp_path: Path
) -> None:
    (tmp_path / "vault.bin").write_bytes(b"damaged")
    assert restore(tmp_path, keys=machine.keys()) == tmp_path / "vault.bin.damaged"
    assert vault_status(tmp_path, keys=machine.keys()).entries == ("work",)
    with pytest.raises(KorProxyError):
        reset(tmp_path, keys=machine.keys())
    moved = reset(tmp_path, keys=Machine().keys())
    assert [it.name for it in moved] == ["vault.bin.orphan", "vault.bin.bak.orphan"]
    view = vault_status(tmp_path, keys=machine.keys())
    assert (view.state, view.orphans) == ("none", ("vault.bin.bak.orphan", "vault.bin.orphan"))
    machine.vault(tmp_path).save("new", api_key("k"))
    assert len(reset(tmp_path, force=True, keys=machine.keys())) == 1
