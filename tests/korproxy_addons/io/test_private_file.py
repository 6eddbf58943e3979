"""Files that are whole or not there, and nobody else's."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.io import private_file
from korproxy_addons.io.private_file import (
    enclosing_command,
    make_private_folder,
    read_private,
    replace_private,
    run_quietly,
    set_aside,
    signature,
)
from support.full_disk import no_file_beyond

posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and limits are POSIX's")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.bin"


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def content(path: Path) -> bytes | None:
    found = read_private(path)
    return None if found is None else found[0]


def test_a_file_is_written_and_its_predecessor_kept(path: Path) -> None:
    assert read_private(path) is None
    assert signature(path) is None
    for number in range(4):
        written = replace_private(path, b"%d" % number)
        assert read_private(path) == (b"%d" % number, written)
        assert signature(path) == written
    assert path.with_name("vault.bin.bak").read_bytes() == b"2"
    assert sorted(it.name for it in path.parent.iterdir()) == ["vault.bin", "vault.bin.bak"]


def test_a_backup_may_be_left_out(path: Path) -> None:
    for data in (b"1", b"2"):
        replace_private(path, data, keeps_backup=False)
    assert [it.name for it in path.parent.iterdir()] == ["vault.bin"]


@posix
def test_a_folder_in_its_place_is_told_and_not_kept_open(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for at every try to read the vault: each would cost the process a descriptor."""
    opened: list[int] = []

    def watched(*arguments: Any) -> int:
        opened.append(os_open(*arguments))
        return opened[-1]

    os_open = os.open
    path.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", watched)
        with pytest.raises(IsADirectoryError):
            read_private(path)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])


@posix
def test_what_is_written_is_the_users_own(tmp_path: Path, no_umask: None) -> None:
    folder = tmp_path / "a" / "b"
    make_private_folder(folder)
    replace_private(folder / "x", b"1")
    replace_private(folder / "x", b"2")
    modes = [stat.S_IMODE(it.stat().st_mode) for it in (folder, *sorted(folder.iterdir()))]
    assert modes == [0o700, 0o600, 0o600]


@posix
def test_a_folder_that_others_can_enter_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_on_windows_a_folders_rights_are_its_owners_and_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modes say nothing there. Once for each process is enough, and where it fails nothing else does."""
    ran: list[list[str]] = []
    monkeypatch.setattr(private_file, "_IS_WINDOWS", True)
    monkeypatch.setattr(private_file, "run_quietly", ran.append)
    for name in ("a", "a", "b"):
        make_private_folder(tmp_path / name)
    assert [command[1] for command in ran] == [str(tmp_path / "a"), str(tmp_path / "b")]
    environ = {"SystemRoot": "C:/Windows", "USERDOMAIN": "DESK", "USERNAME": "mina"}
    _program, *arguments = enclosing_command(tmp_path, environ)
    assert arguments == [
        str(tmp_path), "/inheritance:r", "/grant:r", "DESK\\mina:(OI)(CI)F", "/grant:r",
        "*S-1-5-18:(OI)(CI)F", "/q",
    ]  # fmt: skip
    run_quietly([str(tmp_path / "no-such-program")])
    run_quietly([sys.executable, "-c", "raise SystemExit(5)"])


@posix
def test_a_link_is_neither_read_nor_written_through(path: Path) -> None:
    """Somebody who can put a link there could else have anything read as, or replaced by, a vault."""
    target = path.with_name("target")
    target.write_bytes(b"theirs")
    path.symlink_to(target)
    with pytest.raises(OSError, match=r".") as caught:
        read_private(path)
    assert caught.value.errno == errno.ELOOP
    aside = path.with_name(".vault.bin.new")
    aside.symlink_to(target)
    replace_private(path, b"ours")
    assert target.read_bytes() == b"theirs"
    assert content(path) == b"ours"
    assert not path.is_symlink()


def test_a_huge_file_is_none_of_ours(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(private_file.LARGEST_BYTES + 1)
    with pytest.raises(OSError, match="larger than any"):
        read_private(path)


@posix
def test_a_file_system_without_hard_links_has_a_backup_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    for data in (b"1", b"2", b"3"):
        replace_private(path, data)
    backup = path.with_name("vault.bin.bak")
    assert backup.read_bytes() == b"2"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


@posix
def test_when_the_disk_is_full_the_old_file_survives(path: Path) -> None:
    replace_private(path, b"old")
    with no_file_beyond(1024), pytest.raises(OSError, match=r".") as caught:
        replace_private(path, bytes(4096))
    assert caught.value.errno == errno.EFBIG
    assert content(path) == b"old"
    assert [it.name for it in path.parent.iterdir()] == ["vault.bin"]
    replace_private(path, b"new")
    assert content(path) == b"new"


def test_an_error_at_any_step_leaves_the_old_file_or_the_new(path: Path) -> None:
    replace_private(path, b"10")
    steps: list[str] = []
    replace_private(path, b"10", step=steps.append)
    assert steps == [
        "clear", "create", "write", "write on", "fsync", "backup", "backup in place", "replace",
        "fsync folder", "done",
    ]  # fmt: skip
    for failing in steps:

        def fail(step: str, failing: str = failing) -> None:
            if step == failing:
                raise OSError(errno.ENOSPC, "no space")

        before = content(path)
        with pytest.raises(OSError, match="no space"):
            replace_private(path, b"11", step=fail)
        replaced = failing in ("fsync folder", "done")
        assert content(path) == (b"11" if replaced else before), failing
        names = {it.name for it in path.parent.iterdir()}
        assert names <= {"vault.bin", "vault.bin.bak"}, failing
        replace_private(path, b"10")


def test_what_a_crash_left_is_cleared_away(path: Path) -> None:
    for name in (".vault.bin.new", ".vault.bin.bak.new"):
        path.with_name(name).write_bytes(b"half")
    replace_private(path, b"1")
    replace_private(path, b"2")
    assert sorted(it.name for it in path.parent.iterdir()) == ["vault.bin", "vault.bin.bak"]


def test_on_windows_a_reader_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There a file that is open cannot be replaced."""
    refusals = [PermissionError(errno.EACCES, "in use")] * 3
    replace = Path.replace

    def busy(self: Path, target: Path) -> Path:
        if refusals:
            raise refusals.pop()
        return replace(self, target)

    pauses: list[float] = []
    monkeypatch.setattr(private_file, "_IS_WINDOWS", True)
    monkeypatch.setattr("korproxy_addons.io.private_file.time.sleep", pauses.append)
    monkeypatch.setattr(Path, "replace", busy)
    replace_private(path, b"1")
    assert content(path) == b"1"
    assert len(pauses) == 3
    refusals[:] = [PermissionError(errno.EACCES, "in use")] * 100
    with pytest.raises(PermissionError):
        replace_private(path, b"2")
    assert content(path) == b"1"


def test_setting_aside_never_overwrites(path: Path) -> None:
    assert set_aside(path, ".orphan") is None
    for number in range(3):
        path.write_bytes(b"%d" % number)
        assert set_aside(path, ".orphan") is not None
    contents = {it.name: it.read_bytes() for it in path.parent.iterdir()}
    assert contents == {
        "vault.bin.orphan": b"0", "vault.bin.orphan-2": b"1", "vault.bin.orphan-3": b"2",
    }  # fmt: skip
