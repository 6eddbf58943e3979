"""Rights, disk and database of a folder."""

import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from korproxy_addons.io.database import Database
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.tables import TABLES
from launcher.actions import self_test_folder
from launcher.actions.self_test_folder import (
    check_database,
    check_disk,
    check_permissions,
    database_trouble,
    file_modes,
)

posix = pytest.mark.skipif(os.name != "posix", reason="this system has no mode bits")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "kp"
    (home / "secrets").mkdir(parents=True)
    (home / "secrets" / "a").write_text("x")
    for path in (home, home / "secrets"):
        path.chmod(0o700)
    (home / "secrets" / "a").chmod(0o600)
    return home


@posix
def test_a_private_folder_is_in_order(home: Path) -> None:
    found = check_permissions(home)
    assert (found.result, found.detail) == ("ok", "3 entries, all private")
    assert found.seen == ("0700 .", "0700 secrets", "0600 secrets/a")


@posix
@pytest.mark.parametrize(
    ("name", "mode", "result", "said"),
    [
        ("secrets/a", 0o620, "fail", "others can change: secrets/a"),
        (".", 0o755, "warn", "others can look into the folder"),
        ("secrets/a", 0o644, "warn", "others could read, if the folder were open: secrets/a"),
    ],
)
def test_what_others_may_do_is_named_with_the_command_against_it(
    home: Path, name: str, mode: int, result: str, said: str
) -> None:
    (home / name).chmod(mode)
    found = check_permissions(home)
    assert (found.result, found.detail) == (result, said)
    assert found.remedy == (f"chmod -R go-rwx {home}",)


@posix
def test_files_of_somebody_else_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    found = check_permissions(home)
    assert found.result == "fail"
    assert "not of the user who runs this: ., secrets, secrets/a" in found.detail
    assert "sudo chown" in found.remedy[0]


@posix
def test_many_files_are_counted_links_are_not_followed(home: Path) -> None:
    for number in range(8):
        (home / f"f{number}").touch(mode=0o644)
    (home / "link").symlink_to("/")
    assert "link" not in [it.name for it in file_modes(home)]
    assert check_permissions(home).detail.endswith("f0, f1, f2, f3, f4 and 3 more")


def test_a_folder_that_is_not_there_yet_is_not_looked_at(tmp_path: Path) -> None:
    assert check_permissions(tmp_path / "none").result == "skip"


def test_a_system_without_mode_bits(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test_folder, "os", SimpleNamespace(name="nt"))
    assert check_permissions(home).result == "skip"


@pytest.mark.parametrize(
    ("free", "result", "said"),
    [
        (50 * 1024**3, "ok", "50.0 GiB free"),
        (600 * 1024**2, "warn", "only 600 MiB free"),
        (9 * 1024**2, "fail", "only 9 MiB free"),
    ],
)
def test_room_on_the_disk(
    home: Path, monkeypatch: pytest.MonkeyPatch, free: int, result: str, said: str
) -> None:
    usage = SimpleNamespace(free=free)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    found = check_disk(home)
    assert (found.result, found.detail) == (result, said)
    assert sorted(it.name for it in home.iterdir()) == ["secrets"], "what it wrote is gone"


def test_a_folder_that_is_not_there_yet_is_written_beside_not_made(tmp_path: Path) -> None:
    assert check_disk(tmp_path / "a" / "b").result == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_words: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    found = check_disk(home)
    assert found.result == "fail"
    assert found.detail == f"nothing can be written to {home}: Read-only file system"


def checked(home: Path) -> tuple[str, str]:
    found = check_database(home, database_trouble(home))
    return found.result, found.detail


def make(home: Path) -> None:
    database = Database(home / FILE_NAME, TABLES)
    database.open()
    database.close()


def test_a_database_that_can_be_read_is_in_order(home: Path) -> None:
    assert checked(home) == ("ok", "not there yet; the gateway makes it")
    make(home)
    result, said = checked(home)
    assert (result, said.partition(" ")[0]) == ("ok", "readable,")


def test_a_file_that_is_no_database_is_damaged(home: Path) -> None:
    (home / FILE_NAME).write_bytes(b"rubbish" * 100)
    assert checked(home) == ("fail", "korproxy.db is damaged")


def test_one_that_is_held_by_another_program_cannot_be_read(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("korproxy_addons.io.database_file._BUSY_S", 0.01)
    database = sqlite3.connect(home / FILE_NAME, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    try:
        assert checked(home)[0] == "fail"
        assert "locked by another program" in checked(home)[1]
    finally:
        database.close()


def test_one_that_was_damaged_before_is_mentioned(home: Path) -> None:
    make(home)
    (home / f"{FILE_NAME}.damaged").touch()
    result, said = checked(home)
    assert result == "warn"
    assert said.endswith("an earlier one was damaged and lies beside it")
