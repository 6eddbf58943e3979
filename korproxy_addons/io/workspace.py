"""
The project that a client runs in: the folder of the process at the other end of its connection.

Only processes of the user who runs KorProxy are looked into, and only their working folder. Whatever cannot be found out
is no project. Finding a process costs milliseconds: it is done in a thread, once per connection, and only where
somebody asks.
"""

import asyncio
import contextlib
import logging
import os
import stat
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import psutil

from korproxy_addons.io.socket_owner import Address, owner_of
from korproxy_addons.routing.projects import FILE_LIMIT_BYTES, FILE_NAME, profile_named_in

log = logging.getLogger("korproxy.workspace")

FIND_BUDGET_S = 2.0
CONNECTIONS_KEPT = 2048
RECENT_PROCESSES = 8
_HIGHEST = 40


@dataclass(frozen=True, slots=True)
class Project:
    """
    A project's folder.

    Attributes:
        folder: Its path; "" if there is none.
        profile_word: Id or name of the profile that its `.korproxy` file names; "" if none does.
    """

    folder: str = ""
    profile_word: str = ""


NO_PROJECT = Project()


class Workspace:
    """
    Finds projects.

    Args:
        home: Path of the user's home folder: what is above it, and itself, is no project.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._found: OrderedDict[tuple[str, Address], asyncio.Task[Project]] = OrderedDict()
        self._recent: OrderedDict[int, None] = OrderedDict()

    async def project_of(self, connection: str, client: Address, own: Address) -> Project:
        """
        The project that a connection's client runs in; no project if it cannot be told in time. Never raises.

        Args:
            connection: Id of the connection: a port number is given to another client after a while.
            client: The client's end.
            own: Our end.
        """
        key = (connection, client)
        task = self._found.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._find(client, own))
            self._found[key] = task
            while len(self._found) > CONNECTIONS_KEPT:
                self._found.popitem(last=False)
        # A client that leaves must not take the answer away from others.
        return await asyncio.shield(task)

    async def _find(self, client: Address, own: Address) -> Project:
        try:
            async with asyncio.timeout(FIND_BUDGET_S):
                return await asyncio.to_thread(self.find, client, own)
        except TimeoutError:
            log.warning("project not found in time")
        except Exception:
            log.exception("project not found")
        return NO_PROJECT

    def find(self, client: Address, own: Address) -> Project:
        """As `project_of`, at once and in this thread; may raise what the system raises."""
        process = self._process_at(client, own)
        if process is None:
            return NO_PROJECT
        with contextlib.suppress(psutil.Error, OSError):
            return project_at(Path(process.cwd()), self._home)
        return NO_PROJECT

    def _process_at(self, client: Address, own: Address) -> psutil.Process | None:
        # The tool that called a moment ago is the likeliest to call again.
        process = owner_of(client, own, reversed(tuple(self._recent)))
        if process is not None:
            self._recent[process.pid] = None
            self._recent.move_to_end(process.pid)
            while len(self._recent) > RECENT_PROCESSES:
                self._recent.popitem(last=False)
        return process


def project_at(folder: Path, home: Path) -> Project:
    """
    The project that a folder belongs to: the nearest one upwards that holds `.git` or `.korproxy`, else the folder itself.

    Args:
        folder: Where the process runs; absolute.
        home: The user's home folder, where the search ends.
    """
    if folder == home or folder in home.parents:
        return NO_PROJECT
    word = ""
    for it in (folder, *folder.parents)[:_HIGHEST]:
        if it == home or it in home.parents:
            break
        word = word or _word_in(it)
        if (it / ".git").exists():
            return Project(str(it), word)
    named = next(
        (it for it in (folder, *folder.parents)[:_HIGHEST] if word and _is_named(it)), folder
    )
    return Project(str(named), word)


def _is_named(folder: Path) -> bool:
    return (folder / FILE_NAME).is_file()


def _word_in(folder: Path) -> str:
    """What the folder's `.korproxy` says; "" if there is none, or none that can be trusted to be the user's own."""
    path = folder / FILE_NAME
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return ""
        descriptor = os.open(
            path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        )
        with os.fdopen(descriptor, "rb") as file:
            if not (_is_private(os.fstat(file.fileno())) and _is_private(folder.stat())):
                log.warning(
                    "project file not used", extra={"fields": {"reason": "others can write it"}}
                )
                return ""
            content = file.read(FILE_LIMIT_BYTES + 1)
    except OSError:
        return ""
    word = profile_named_in(content)
    if word is None:
        log.warning(
            "project file not used", extra={"fields": {"reason": "it may only say profile: NAME"}}
        )
    return word or ""


def _is_private(status: os.stat_result) -> bool:
    """Whether a file or folder belongs to this user, and nobody else can write it."""
    if os.name != "posix":
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & 0o002
