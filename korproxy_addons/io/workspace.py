"""
Who calls: the process at the other end of a client's connection, the project it runs in, and the tool that it is.

Only processes of the user who runs KorProxy are looked into, and only their working folder and command line; of the latter
nothing is kept but a known tool's name. Whatever cannot be found out is no project and no tool. Finding a process costs
milliseconds: it is done in a thread, once per connection, and where nobody waits for it only so often a second.
"""

import asyncio
import contextlib
import logging
import os
import stat
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from korproxy_addons.io.socket_owner import Address, owner_of
from korproxy_addons.routing.projects import FILE_LIMIT_BYTES, FILE_NAME, profile_named_in
from korproxy_addons.routing.tools import tool_of_program

log = logging.getLogger("korproxy.workspace")

FIND_BUDGET_S = 2.0
CONNECTIONS_KEPT = 2048
RECENT_PROCESSES = 8
# For the record alone: clients that connect anew for each request must not cost more than what they ask for.
LOOKS_PER_S = 5
LOOKS_AT_ONCE = 20
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


@dataclass(frozen=True, slots=True)
class Caller:
    """
    Who calls.

    Attributes:
        project: The project it runs in.
        tool: The tool that it is, as `tools.tool_of_program` has it.
    """

    project: Project = NO_PROJECT
    tool: str = ""


NOBODY = Caller()


class Workspace:
    """
    Finds callers.

    Args:
        home: Path of the user's home folder: what is above it, and itself, is no project.
        clock: Seconds of a clock that only goes forward.
    """

    def __init__(self, home: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._home = home
        self._clock = clock
        self._found: OrderedDict[tuple[str, Address], asyncio.Task[Caller]] = OrderedDict()
        self._recent: OrderedDict[int, None] = OrderedDict()
        self._looks = float(LOOKS_AT_ONCE)
        self._looked_at = clock()
        self._failing = False

    async def project_of(self, connection: str, client: Address, own: Address) -> Project:
        """
        The project that a connection's client runs in; no project if it cannot be told in time. Never raises.

        Args:
            connection: Id of the connection: a port number is given to another client after a while.
            client: The client's end.
            own: Our end.
        """
        # A client that leaves must not take the answer away from others.
        return (await asyncio.shield(self._asked(connection, client, own))).project

    def look(self, connection: str, client: Address, own: Address) -> asyncio.Task[Caller] | None:
        """
        The task that finds who calls over a connection; None if too many have just been looked for.

        Args:
            connection: As for `project_of`.
            client: The client's end.
            own: Our end.
        """
        known = self._found.get((connection, client))
        if known is not None:
            return known
        now = self._clock()
        self._looks = min(LOOKS_AT_ONCE, self._looks + (now - self._looked_at) * LOOKS_PER_S)
        self._looked_at = now
        if self._looks < 1:
            return None
        self._looks -= 1
        return self._asked(connection, client, own)

    def _asked(self, connection: str, client: Address, own: Address) -> asyncio.Task[Caller]:
        key = (connection, client)
        task = self._found.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._find(client, own))
            self._found[key] = task
            while len(self._found) > CONNECTIONS_KEPT:
                self._found.popitem(last=False)
        return task

    async def _find(self, client: Address, own: Address) -> Caller:
        try:
            async with asyncio.timeout(FIND_BUDGET_S):
                return await asyncio.to_thread(self.find, client, own)
        except TimeoutError:
            log.log(self._level(), "caller not found in time")
        except Exception:
            log.log(self._level(), "caller not found", exc_info=True)
        return NOBODY

    def _level(self) -> int:
        """What a system refuses once it refuses at every connection: it is said loudly one time."""
        level, self._failing = logging.DEBUG if self._failing else logging.WARNING, True
        return level

    def find(self, client: Address, own: Address) -> Caller:
        """Who calls, at once and in this thread; may raise what the system raises."""
        process = self._process_at(client, own)
        if process is None:
            return NOBODY
        project, tool = NO_PROJECT, ""
        with contextlib.suppress(psutil.Error, OSError):
            project = project_at(Path(process.cwd()), self._home)
        with contextlib.suppress(psutil.Error, OSError):
            tool = tool_of_program(process.name(), process.cmdline())
        return Caller(project, tool)

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
            return Project(_as_text(it), word)
    named = next(
        (it for it in (folder, *folder.parents)[:_HIGHEST] if word and _is_named(it)), folder
    )
    return Project(_as_text(named), word)


def _as_text(folder: Path) -> str:
    """A name on the disk may be any bytes; what is no UTF-8 could be neither kept nor logged."""
    return str(folder).encode("utf-8", "backslashreplace").decode()


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
