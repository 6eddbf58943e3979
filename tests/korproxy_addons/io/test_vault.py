"""The vault as a whole: one file, several processes, and everything that can go wrong with either."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock
from pydantic import SecretStr

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io import vault as vault_module
from korproxy_addons.io.private_file import Signature, read_private
from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_entries import Entries
from korproxy_addons.io.vault_format import NONCE_BYTES, seal
from support.full_disk import no_file_beyond
from support.sources import ROOT
from support.vaults import KEY, OTHER_KEY, Machine, api_key, login, vault_in

posix = pytest.mark.skipif(os.name != "posix", reason="users, modes and limits are POSIX's")


def contents(vault: Vault) -> dict[str, object]:
    return {name: vault.load(name) for name in vault.names()}


def test_what_is_saved_is_there_for_everybody(tmp_path: Path) -> None:
    mine, theirs = vault_in(tmp_path), vault_in(tmp_path)
    assert theirs.names() == ()
    mine.save("a", api_key("one"))
    mine.save("b", login("access", "refresh"))
    assert (
        contents(theirs) == contents(mine) == {"a": api_key("one"), "b": login("access", "refresh")}
    )
    theirs.save("a", api_key("two"))
    assert mine.load("a") == api_key("two")
    assert mine.remove("b") is True
    assert mine.remove("b") is False
    assert theirs.names() == ("a",)


def test_nothing_of_it_can_be_read_in_the_file(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    vault.save("name-of-entry", login("canary-access", "canary-refresh"))
    vault.save("name-of-entry", login("canary-access", "canary-refresh"))
    written = b"".join(it.read_bytes() for it in tmp_path.iterdir())
    for word in (b"canary", b"name-of-entry", b"mina", KEY.value()):
        assert word not in written


def test_a_reading_costs_nothing_until_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = vault_in(tmp_path), vault_in(tmp_path)
    mine.save("a", api_key("one"))
    read: list[Path] = []

    def counted(path: Path) -> tuple[bytes, Signature] | None:
        read.append(path)
        return read_private(path)

    monkeypatch.setattr(vault_module, "read_private", counted)
    assert theirs.changed()
    for _ in range(3):
        assert theirs.load("a") == api_key("one")
        assert not theirs.changed()
    assert len(read) == 1
    mine.save("a", api_key("two"))
    assert not mine.changed()
    assert theirs.changed()
    assert theirs.load("a") == api_key("two")
    (tmp_path / "vault.bin").unlink()
    assert theirs.changed()
    assert theirs.names() == ()
    assert not theirs.changed()


def test_every_secret_is_taught_before_anybody_can_use_it(tmp_path: Path) -> None:
    learned: list[SecretStr] = []
    vault_in(tmp_path).save("a", login("access", "refresh"))
    reader = Vault(tmp_path, KEY, learn=learned.extend)
    reader.names()
    assert learned == [SecretStr("access"), SecretStr("refresh")]
    learned.clear()
    reader.save("b", api_key("new"))
    assert SecretStr("new") in learned
    assert KEY.text() in learned


def test_it_shows_nothing(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    vault.save("a", login("canary-access", "canary-refresh"))
    shown = f"{vault!r}{vault.load('a')!r}{vault.key!r}"
    assert "canary" not in shown
    assert "1 entries" in shown


def test_an_entry_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KorProxyError) as caught:
        vault_in(tmp_path).load("work")
    assert caught.value.spec is catalogue.SECRET_UNAVAILABLE
    assert caught.value.detail == "the vault holds no entry work"
    later = b'{"version":1,"entries":{"work":{"kind":"passkey"}}}'
    (tmp_path / "vault.bin").write_bytes(seal(later, KEY, bytes(NONCE_BYTES)))
    with pytest.raises(KorProxyError, match="entry work is of a kind") as caught:
        vault_in(tmp_path).load("work")
    assert caught.value.spec is catalogue.SECRET_UNAVAILABLE


def test_the_wrong_key_is_told_and_writes_nothing(tmp_path: Path) -> None:
    vault_in(tmp_path).save("a", api_key("one"))
    before = (tmp_path / "vault.bin").read_bytes()
    stranger = Vault(tmp_path, OTHER_KEY)
    for work in (stranger.names, lambda: stranger.save("b", api_key("two"))):
        with pytest.raises(KorProxyError) as caught:
            work()
        assert caught.value.spec is catalogue.VAULT_KEY_REFUSED
    assert (tmp_path / "vault.bin").read_bytes() == before


@pytest.mark.parametrize("cut", ["flip", "truncate", "empty", "other"])
def test_a_damaged_file_is_told_kept_and_never_written_over(tmp_path: Path, cut: str) -> None:
    vault = vault_in(tmp_path)
    vault.save("a", api_key("one"))
    vault.save("a", api_key("two"))
    data = (tmp_path / "vault.bin").read_bytes()
    damaged = {
        "flip": data[:60] + bytes([data[60] ^ 1]) + data[61:],
        "truncate": data[:-20],
        "empty": b"",
        "other": b"-----BEGIN canary-----",
    }[cut]
    (tmp_path / "vault.bin").write_bytes(damaged)
    for work in (vault.names, lambda: vault.save("b", api_key("x")), lambda: vault.remove("a")):
        with pytest.raises(KorProxyError) as caught:
            work()
        assert caught.value.spec is catalogue.VAULT_DAMAGED
        assert str(tmp_path) in caught.value.detail
        assert "vault.bin.bak" in caught.value.detail
        assert "canary" not in caught.value.detail
    assert (tmp_path / "vault.bin").read_bytes() == damaged
    (tmp_path / "vault.bin.bak").write_bytes(b"")
    with pytest.raises(KorProxyError) as caught:
        vault.names()
    assert "vault.bin.bak" not in caught.value.detail


def test_a_later_versions_file_is_left_alone(tmp_path: Path) -> None:
    later = seal(b'{"version":2,"entries":{}}', KEY, bytes(NONCE_BYTES))
    (tmp_path / "vault.bin").write_bytes(later)
    with pytest.raises(KorProxyError, match="version 2") as caught:
        vault_in(tmp_path).save("a", api_key("one"))
    assert caught.value.spec is catalogue.VAULT_UNUSABLE
    assert (tmp_path / "vault.bin").read_bytes() == later


def test_rotation_leaves_nothing_for_the_old_key(tmp_path: Path) -> None:
    """Neither the file nor its backup; and whoever has the vault open goes on with the new key."""
    machine = Machine()
    vault, other = machine.vault(tmp_path), machine.vault(tmp_path)
    vault.save("a", api_key("one"))
    vault.save("a", api_key("two"))
    assert other.load("a") == api_key("two")
    old = vault.key
    assert old is not None
    new = machine.keys().make_in_keyring()
    vault.rotate(new)
    assert vault.key == new
    for name in ("vault.bin", "vault.bin.bak"):
        (tmp_path / "alone").mkdir(exist_ok=True)
        (tmp_path / "alone" / "vault.bin").write_bytes((tmp_path / name).read_bytes())
        with pytest.raises(KorProxyError) as caught:
            Vault(tmp_path / "alone", old).names()
        assert caught.value.spec is catalogue.VAULT_KEY_REFUSED
        assert Vault(tmp_path / "alone", new).load("a") == api_key("two")
    assert other.load("a") == api_key("two")
    other.save("b", api_key("three"))
    assert vault.load("b") == api_key("three")


def test_a_rotation_that_fails_changes_nothing(tmp_path: Path) -> None:
    vault_in(tmp_path).save("a", api_key("one"))
    vault = Vault(tmp_path, KEY, step=_no_space)
    with pytest.raises(KorProxyError):
        vault.rotate(OTHER_KEY)
    assert vault.key == KEY
    assert vault_in(tmp_path).load("a") == api_key("one")


def _no_space(step: str) -> None:
    if step == "fsync":
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_told_and_the_old_file_survives(tmp_path: Path) -> None:
    vault_in(tmp_path).save("a", api_key("one"))
    full = Vault(tmp_path, KEY, step=_no_space)
    with pytest.raises(KorProxyError) as caught:
        full.save("a", api_key("two"))
    assert caught.value.spec is catalogue.VAULT_UNUSABLE
    assert caught.value.detail == f"{tmp_path / 'vault.bin'}: No space left on device"
    # Also for whoever failed: what was not stored is not given out.
    assert full.load("a") == vault_in(tmp_path).load("a") == api_key("one")


@posix
def test_a_write_that_the_system_cuts_off_is_told(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    vault.save("a", api_key("one"))
    with no_file_beyond(4096), pytest.raises(KorProxyError) as caught:
        vault.save("b", api_key("k" * 8000))
    assert caught.value.spec is catalogue.VAULT_UNUSABLE
    assert contents(vault_in(tmp_path)) == {"a": api_key("one")}
    vault.save("b", api_key("two"))


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32k,mode=700", "tmpfs", str(folder)]
    if os.name != "posix" or subprocess.run(command, capture_output=True, check=False).returncode:
        # The two tests before this one fail a write without needing a right; this one is for where it is given.
        yield Path()
        return
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@posix
def test_on_a_disk_that_is_really_full_the_old_file_survives(tiny_disk: Path) -> None:
    if tiny_disk == Path():
        return
    vault = vault_in(tiny_disk)
    vault.save("a", api_key("one"))
    (tiny_disk / "other").write_bytes(bytes(4096))
    with pytest.raises(KorProxyError) as caught:
        vault.save("b", api_key("k" * 30_000))
    assert caught.value.spec is catalogue.VAULT_UNUSABLE
    assert "No space left" in caught.value.detail
    assert contents(vault_in(tiny_disk)) == {"a": api_key("one")}
    vault.save("a", api_key("two"))
    assert contents(vault_in(tiny_disk)) == {"a": api_key("two")}


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder of somebody who is not root, and this process as them: root may write anywhere."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid() != 0:
            yield folder
            return
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
        yield folder
        os.seteuid(0)


@posix
def test_a_read_only_folder_is_told_and_read(as_nobody: Path) -> None:
    vault = vault_in(as_nobody)
    vault.save("a", api_key("one"))
    as_nobody.chmod(0o500)
    try:
        reader = vault_in(as_nobody)
        assert reader.load("a") == api_key("one")
        for work in (lambda: reader.save("b", api_key("x")), lambda: reader.remove("a")):
            with pytest.raises(KorProxyError, match="Permission denied") as caught:
                work()
            assert caught.value.spec is catalogue.VAULT_UNUSABLE
    finally:
        as_nobody.chmod(0o700)
    assert contents(vault_in(as_nobody)) == {"a": api_key("one")}


@posix
def test_a_file_that_may_not_be_read_is_told(as_nobody: Path) -> None:
    vault = vault_in(as_nobody)
    vault.save("a", api_key("one"))
    (as_nobody / "vault.bin").chmod(0)
    with pytest.raises(KorProxyError, match="Permission denied") as caught:
        vault_in(as_nobody).load("a")
    assert caught.value.spec is catalogue.VAULT_UNUSABLE


def test_a_lock_that_somebody_holds_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_module, "LOCK_PATIENCE_S", 0.01)
    vault = vault_in(tmp_path)
    vault.save("a", api_key("one"))
    with FileLock(tmp_path / "vault.lock"):
        assert vault.load("a") == api_key("one")
        with pytest.raises(KorProxyError, match=r"another process holds vault\.lock") as caught:
            vault.save("b", api_key("two"))
    assert caught.value.spec is catalogue.VAULT_UNUSABLE
    vault.save("b", api_key("two"))


def test_the_lock_may_be_taken_around_several_writes(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    with vault.locked(), vault.locked():
        vault.save("a", api_key("one"))
        vault.save("b", api_key("two"))
    with FileLock(tmp_path / "vault.lock", timeout=1):
        assert vault_in(tmp_path).names() == ("a", "b")


def test_threads_with_vaults_of_their_own_lose_nothing(tmp_path: Path) -> None:
    shared = vault_in(tmp_path)
    start = threading.Barrier(8)

    def work(number: int) -> None:
        vault = shared if number % 2 else vault_in(tmp_path)
        start.wait(30)
        for turn in range(5):
            vault.save(f"{number}-{turn}", api_key("k"))
            vault.names()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert len(vault_in(tmp_path).names()) == 40


WRITER = """
import sys
from pathlib import Path
from support.vaults import api_key, vault_in
home, who = Path(sys.argv[1]), sys.argv[2]
for turn in range(10):
    vault_in(home).save(f"{who}-{turn}", api_key("k"))
"""


def test_processes_lose_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(it)], env=environment)
        for it in range(4)
    ]
    assert [it.wait(60) for it in processes] == [0] * 4
    assert len(vault_in(tmp_path).names()) == 40


def test_two_first_saves_agree_on_one_key(tmp_path: Path) -> None:
    machine = Machine()
    one, two = machine.vault(tmp_path), machine.vault(tmp_path)
    assert one.names() == two.names() == ()
    one.save("a", api_key("one"))
    two.save("b", api_key("two"))
    assert one.names() == ("a", "b")
    assert machine.keyring is not None
    assert len(machine.keyring.items) == 1


def test_no_entries_are_an_empty_file_and_no_file(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    vault.save("a", api_key("one"))
    vault.remove("a")
    assert vault_in(tmp_path).names() == ()
    assert Entries().names() == ()
