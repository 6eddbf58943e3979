"""The KorProxy folder: its files' rights, the disk below it, the database in it."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from korproxy_addons.errors.catalogue import STATE_DAMAGED
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.ledger_file import LedgerFile
from launcher.actions.checks import Check

LITTLE_BYTES = 1024**3
TOO_LITTLE_BYTES = 100 * 1024**2
MOST_FILES = 5000
_MOST_NAMED = 5
_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class FileMode:
    """
    One entry of the folder.

    Attributes:
        name: Path below the folder; "." for the folder itself.
        mode: Its permission bits.
        size: Bytes; 0 for a folder.
        own: It belongs to the user who asks.
        is_folder: It is a folder.
    """

    name: str
    mode: int
    size: int
    own: bool
    is_folder: bool

    @property
    def is_private(self) -> bool:
        """Nobody but its owner may do anything with it."""
        return not self.mode & 0o077


def file_modes(home: Path) -> tuple[FileMode, ...]:
    """The folder and what lies in it, in order of names; links are not followed; at most MOST_FILES."""
    return tuple(sorted(_walk(home), key=lambda it: it.name))


def check_permissions(home: Path) -> Check:
    """Whether nobody else can read or change what lies in the folder."""
    name = "file permissions"
    if os.name != "posix":
        return Check(name=name, result="skip", detail="this system has no mode bits to look at")
    if not home.is_dir():
        return Check(name=name, result="skip", detail="the folder is not there yet")
    modes = file_modes(home)
    seen = tuple(f"{it.mode:04o} {it.name}" for it in modes)
    strange = [it for it in modes if not it.own]
    if strange:
        return Check(
            name=name,
            result="fail",
            detail=f"not of the user who runs this: {_named(strange)}",
            remedy=(f"sudo chown -R $(id -un) {home}", "Never start KorProxy with sudo."),
            seen=seen,
        )
    open_ones = [it for it in modes if not it.is_private]
    top = next((it for it in modes if it.name == "."), None)
    remedy = (f"chmod -R go-rwx {home}",)
    if any(it.mode & 0o022 for it in open_ones):
        others = [it for it in open_ones if it.mode & 0o022]
        detail = f"others can change: {_named(others)}"
        return Check(name=name, result="fail", detail=detail, remedy=remedy, seen=seen)
    if top is not None and not top.is_private:
        detail = "others can look into the folder"
        return Check(name=name, result="warn", detail=detail, remedy=remedy, seen=seen)
    if open_ones:
        # Behind a folder that nobody else can enter; until somebody copies it elsewhere.
        detail = f"others could read, if the folder were open: {_named(open_ones)}"
        return Check(name=name, result="warn", detail=detail, remedy=remedy, seen=seen)
    return Check(name=name, result="ok", detail=f"{len(modes)} entries, all private", seen=seen)


def check_disk(home: Path) -> Check:
    """Whether the folder can be written, and how much room is left."""
    name = "disk"
    there = next((it for it in (home, *home.parents) if it.is_dir()), None)
    if there is None:
        return Check(name=name, result="fail", detail="no part of the folder's path is there")
    try:
        free = shutil.disk_usage(there).free
        with tempfile.NamedTemporaryFile(dir=there, prefix=".korproxy-self-test-") as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Check(
            name=name,
            result="fail",
            detail=f"nothing can be written to {there}: {reason}",
            remedy=("Free some space, or give the folder back to its user.",),
        )
    detail = f"{_room(free)} free"
    remedy = ("Free some space: KorProxy then keeps counts and logs again.",)
    if free < TOO_LITTLE_BYTES:
        return Check(name=name, result="fail", detail=f"only {detail}", remedy=remedy)
    if free < LITTLE_BYTES:
        return Check(name=name, result="warn", detail=f"only {detail}", remedy=remedy)
    return Check(name=name, result="ok", detail=detail)


def database_trouble(home: Path) -> KorProxyError | None:
    """What is wrong with the database; None: nothing, or there is none yet. May wait five seconds for a lock."""
    try:
        with LedgerFile(home / FILE_NAME) as file:
            file.rows("SELECT area, version FROM schema_versions")
    except KorProxyError as error:
        return error
    return None


def check_database(home: Path, found: KorProxyError | None) -> Check:
    """
    Whether the database can be read.

    Args:
        home: The KorProxy folder.
        found: As `database_trouble` has it.
    """
    name = "database"
    path = home / FILE_NAME
    if found is not None and found.spec is STATE_DAMAGED:
        return Check(
            name=name,
            result="fail",
            detail=f"{FILE_NAME} is damaged",
            remedy=(
                "Restart the gateway: it puts the damaged file aside and begins a new one.",
                "Counts and account states since then are lost; logins and configuration are not in it.",
            ),
        )
    if found is not None:
        return Check(
            name=name,
            result="fail",
            detail=f"{FILE_NAME} cannot be read: locked by another program, or not readable ({found.detail})",
            remedy=("Close the program that holds it (a backup, a database browser).",),
        )
    if not path.exists():
        detail = "not there yet; the gateway makes it"
        return Check(name=name, result="ok", detail=detail)
    size = sum(it.stat().st_size for it in home.glob(f"{FILE_NAME}*") if it.suffix != ".damaged")
    detail = f"readable, {size / _MIB:.1f} MiB"
    if path.with_name(f"{FILE_NAME}.damaged").exists():
        return Check(
            name=name,
            result="warn",
            detail=f"{detail}; an earlier one was damaged and lies beside it",
            remedy=(
                "Check the disk: a database is damaged by a failing disk, or by who copies into it.",
                f"Then delete {FILE_NAME}.damaged.",
            ),
        )
    return Check(name=name, result="ok", detail=detail)


def _walk(home: Path) -> Iterator[FileMode]:
    paths = (home, *(Path(at, it) for at, dirs, names in os.walk(home) for it in (*dirs, *names)))
    for number, path in enumerate(paths):
        if number >= MOST_FILES:
            return
        with contextlib.suppress(OSError):
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                continue
            yield FileMode(
                name=path.relative_to(home).as_posix(),
                mode=stat.S_IMODE(status.st_mode),
                size=0 if stat.S_ISDIR(status.st_mode) else status.st_size,
                own=os.name != "posix" or status.st_uid == os.geteuid(),
                is_folder=stat.S_ISDIR(status.st_mode),
            )


def _named(found: list[FileMode]) -> str:
    names = [it.name for it in found[:_MOST_NAMED]]
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return ", ".join(names) + more


def _room(count: int) -> str:
    return f"{count / 1024**3:.1f} GiB" if count >= 1024**3 else f"{count / _MIB:.0f} MiB"
