"""Files that are the user's alone, and are whole or not there: for the vault and its like."""

import contextlib
import os
import stat
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

type Signature = tuple[int, int, int]
"""What changes when another file takes the place: time of the last write in ns, bytes, inode."""
type Step = Callable[[str], None]
"""Told the name of each step before it is taken."""

LARGEST_BYTES = 16 * 1024 * 1024
BACKUP_SUFFIX = ".bak"
_ASIDE_SUFFIX = ".new"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_IS_WINDOWS = os.name == "nt"
_BINARY = getattr(os, "O_BINARY", 0)
_RIGHTS_PATIENCE_S = 10.0
_ENCLOSED: set[Path] = set()
"""Folders that this process has closed to others already: on Windows that takes a program."""
_BUSY_TRIES = 20
_BUSY_PAUSE_S = 0.05


def _unwatched(_step: str) -> None:
    """Nobody wants to know."""


def make_private_folder(folder: Path) -> None:
    """
    Make a folder that only the user can enter; one that is there is made so.

    Raises:
        OSError: It cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _IS_WINDOWS:
        if folder not in _ENCLOSED:
            _ENCLOSED.add(folder)
            run_quietly(enclosing_command(folder, os.environ))
    elif stat.S_IMODE(folder.stat().st_mode) & 0o077:
        folder.chmod(0o700)


def enclosing_command(folder: Path, environ: Mapping[str, str]) -> list[str]:
    """Argv that takes a folder's inherited rights away on Windows: only the user and the system keep theirs."""
    program = Path(environ.get("SystemRoot", r"C:\Windows"), "System32", "icacls.exe")
    user = f"{environ.get('USERDOMAIN', '.')}\\{environ.get('USERNAME', '')}"
    system = "*S-1-5-18"  # by its id: its name is another one in each language
    rights = [word for who in (user, system) for word in ("/grant:r", f"{who}:(OI)(CI)F")]
    return [str(program), str(folder), "/inheritance:r", *rights, "/q"]


def run_quietly(command: list[str]) -> None:
    """Run a program for its effect; one that fails, as on a drive without rights, changes nothing and is passed over."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(  # noqa: S603 - a fixed program, no shell
            command, capture_output=True, timeout=_RIGHTS_PATIENCE_S, check=False
        )


def signature(path: Path) -> Signature | None:
    """That of the file now; None if it is not there or cannot be looked at."""
    try:
        status = path.stat(follow_symlinks=False)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def read_private(path: Path) -> tuple[bytes, Signature] | None:
    """
    A file's bytes and the signature of just these; None if there is no file.

    Raises:
        OSError: It is a link, is larger than 16 MiB, or cannot be read.
    """
    try:
        # By `open`, which lets go also of what turns out to be a folder.
        with open(path, "rb", opener=_open_no_link) as file:
            status = os.fstat(file.fileno())
            data = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(data) > LARGEST_BYTES:
        raise OSError("larger than any that was written here")
    return data, (status.st_mtime_ns, status.st_size, status.st_ino)


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_LINK)


def replace_private(
    path: Path, data: bytes, *, keeps_backup: bool = True, step: Step = _unwatched
) -> Signature:
    """
    Put `data` in the file's place; a crash at any time leaves the old file or the new one.

    The caller holds a lock: what a crash left aside is cleared away here.

    Args:
        path: The file; its folder is there.
        data: Its new content.
        keeps_backup: Keep the file's predecessor as `.bak`.
        step: Told each step before it is taken.
    Returns:
        The signature of the new file.
    Raises:
        OSError: It could not be written; the old file is untouched.
    """
    aside = path.with_name(f".{path.name}{_ASIDE_SUFFIX}")
    step("clear")
    aside.unlink(missing_ok=True)
    try:
        step("create")
        descriptor = os.open(
            aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | _BINARY, 0o600
        )
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            step("write")
            _write_all(file.fileno(), data, step)
            step("fsync")
            os.fsync(file.fileno())
            status = os.fstat(file.fileno())
        if keeps_backup:
            step("backup")
            _keep_backup(path, step)
        step("replace")
        _replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
    step("fsync folder")
    _sync_folder(path.parent)
    step("done")
    return status.st_mtime_ns, status.st_size, status.st_ino


def set_aside(path: Path, suffix: str) -> Path | None:
    """
    Rename a file to its name with `suffix`, and a number where that is taken; None if there is no file.

    Raises:
        OSError: It cannot be renamed.
    """
    if not path.exists():
        return None
    number = 1
    target = path.with_name(path.name + suffix)
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}{suffix}-{number}")
    _replace(path, target)
    _sync_folder(path.parent)
    return target


def _write_all(descriptor: int, data: bytes, step: Step) -> None:
    rest = memoryview(data)
    # In two halves, so that a crash between them can be tried.
    half = max(1, len(data) // 2)
    while rest:
        written = os.write(descriptor, rest[:half])
        rest = rest[written:]
        if rest:
            step("write on")


def _keep_backup(path: Path, step: Step) -> None:
    if not path.exists():
        return
    backup = path.with_name(path.name + BACKUP_SUFFIX)
    aside = path.with_name(f".{backup.name}{_ASIDE_SUFFIX}")
    aside.unlink(missing_ok=True)
    try:
        _copy(path, aside)
        step("backup in place")
        _replace(aside, backup)
    finally:
        # A rename does nothing where both names are already one file's.
        aside.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except (OSError, NotImplementedError):  # a file system without hard links
        descriptor = os.open(
            target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | _BINARY, 0o600
        )
        with os.fdopen(descriptor, "wb") as file:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())


def _replace(source: Path, target: Path) -> None:
    if not _IS_WINDOWS:
        source.replace(target)
        return
    for tries_left in reversed(range(_BUSY_TRIES)):
        try:
            source.replace(target)
            return
        except PermissionError:
            # Somebody is just reading the old file.
            if not tries_left:
                raise
            time.sleep(_BUSY_PAUSE_S)


def _sync_folder(folder: Path) -> None:
    """So that the new name survives a power cut; not every file system can."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
