"""
Changes to `config.yaml` that keep its comments: one writer at a time, whole or not at all.

A lock across processes holds other writers of ours back; an editor that saves in between is seen,
and the change is made anew on what it wrote.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from korproxy_addons.config.document import Document
from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.problems import ConfigProblem, ConfigProblems
from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import FILE_NAME, ConfigStore
from korproxy_addons.errors.catalogue import CONFIG_BUSY, DISK_FULL
from korproxy_addons.errors.exceptions import KorProxyError

LOCK_NAME = "config.lock"
LOCK_WAIT_S = 10.0
_TRIES = 5
_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


def edit_config(
    home: Path, change: Callable[[Document], None], *, lock_wait_s: float = LOCK_WAIT_S
) -> Config:
    """
    Change the configuration file of a KorProxy folder; the file of the first start if there is none.

    Args:
        home: The folder.
        change: Edits the document; called again if somebody else wrote the file meanwhile. What it
            raises ends the edit, and the file stays as it was.
        lock_wait_s: How long another writer is waited for.
    Returns:
        The configuration as it is now.
    Raises:
        ConfigProblems: The file, or what the change made of it, cannot be used; nothing is written.
        KorProxyError: CONFIG_BUSY, DISK_FULL.
    """
    ConfigStore(home).load()
    path = (home / FILE_NAME).resolve()
    try:
        with FileLock(home / LOCK_NAME, timeout=lock_wait_s, mode=0o600):
            for _ in range(_TRIES):
                config = _edit_once(path, change)
                if config is not None:
                    return config
    except Timeout as error:
        raise KorProxyError(CONFIG_BUSY, f"{LOCK_NAME} is held") from error
    raise KorProxyError(CONFIG_BUSY, "the file changes all the time")


def _edit_once(path: Path, change: Callable[[Document], None]) -> Config | None:
    """The new configuration; None if the file changed meanwhile."""
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            content = file.read()
    except OSError as error:
        raise _unusable(path, "a file that can be read", error) from error
    document = Document(content.decode("utf-8-sig"), str(path))
    change(document)
    written = document.text.encode()
    config = parse_config(written, str(path))
    if written == content:
        return config
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        _write_new(aside, written, stat.S_IMODE(before.st_mode))
        now = path.stat()
        if (now.st_mtime_ns, now.st_size, now.st_ino) != (
            before.st_mtime_ns,
            before.st_size,
            before.st_ino,
        ):
            return None
        aside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _unusable(path, "a file and folder that can be written", error) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
    return config


def _write_new(path: Path, content: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if os.name == "posix":
        path.chmod(mode)


def _sync_folder(folder: Path) -> None:
    """Make the new name last; not every system lets a folder be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: Path, expected: str, error: OSError) -> KorProxyError:
    found = error.strerror or type(error).__name__
    if error.errno in _FULL:
        return KorProxyError(DISK_FULL, f"{path}: {found}")
    return ConfigProblems([ConfigProblem(str(path), 1, 1, "", expected, found)])
