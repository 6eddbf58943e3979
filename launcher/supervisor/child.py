"""A gateway process: started, listened to, spoken to, ended."""

import asyncio
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from korproxy_addons.control.protocol import (
    LONGEST_LINE_BYTES,
    Command,
    Report,
    decode_report,
    encode_line,
)
from launcher.gateway_command import CONTROL_PIPE, PARENT, gateway_command
from launcher.supervisor.job import end_with_launcher
from launcher.supervisor.signals import StartWith

LAST_LINES = 20
_NEW_GROUP: dict[str, object] = (
    {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    if sys.platform == "win32"
    else {"start_new_session": True}
)


class GatewayChild:
    """
    One gateway process; made by `start`.

    Args:
        process: It, with pipes on all three streams.
        on_report: Told what it says.
        on_line: Told each line that it writes to stderr.
        on_exit: Told its exit code and the last lines of its stderr, once both streams are read.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        on_report: Callable[[Report], None],
        on_line: Callable[[str], None],
        on_exit: Callable[[int, tuple[str, ...]], None],
    ) -> None:
        self._process = process
        self._on_report = on_report
        self._on_line = on_line
        self._on_exit = on_exit
        self._lines: deque[str] = deque(maxlen=LAST_LINES)
        self._watch = asyncio.get_running_loop().create_task(self._watch_it())

    @classmethod
    async def start(
        cls,
        home: Path,
        descriptors: Sequence[int],
        start_with: StartWith,
        *,
        on_report: Callable[[Report], None],
        on_line: Callable[[str], None],
        on_exit: Callable[[int, tuple[str, ...]], None],
    ) -> "GatewayChild":
        """
        Start a gateway for the folder `home`.

        It ends with the thread that calls this, however that ends: call it from one that lives as long as the launcher.

        Args:
            home: The KorProxy folder.
            descriptors: Listening sockets that it takes over; none: it opens its own.
            start_with: The config that it starts with.
            on_report: See the class.
            on_line: See the class.
            on_exit: See the class.
        Raises:
            OSError: the system refuses.
        """
        argv = [
            *gateway_command(home=home, quiet=True),
            CONTROL_PIPE,
            "--start", start_with.value,
            PARENT, str(os.getpid()),
        ]  # fmt: skip
        for descriptor in descriptors:
            argv += ["--listen-fd", str(descriptor)]
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            limit=LONGEST_LINE_BYTES,
            pass_fds=tuple(descriptors),
            **_NEW_GROUP,  # type: ignore[arg-type]
        )
        end_with_launcher(process.pid)
        return cls(process, on_report, on_line, on_exit)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, command: Command) -> None:
        """Send a command; one that is gone needs none."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(encode_line(command))

    def terminate(self) -> None:
        """Ask the system to end it."""
        if self._process.returncode is None:
            self._process.terminate()

    def kill(self) -> None:
        """End it, whatever it does."""
        if self._process.returncode is None:
            self._process.kill()

    async def gone(self) -> None:
        """Wait until it is gone and `on_exit` was told."""
        await self._watch

    async def _watch_it(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        async with asyncio.TaskGroup() as readers:
            reports = readers.create_task(self._each(self._process.stdout, self._report))
            lines = readers.create_task(self._each(self._process.stderr, self._line))
            code = await self._process.wait()
            # A grandchild may hold the streams open for ever; what was written is there by now.
            _, late = await asyncio.wait((reports, lines), timeout=1.0)
            for it in late:
                it.cancel()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._on_exit(code, tuple(self._lines))

    async def _each(self, stream: asyncio.StreamReader, tell: Callable[[bytes], None]) -> None:
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # longer than any line of ours
                continue
            if not line:
                return
            tell(line)

    def _report(self, line: bytes) -> None:
        report = decode_report(line)
        if report is not None:
            self._on_report(report)

    def _line(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        self._lines.append(text)
        self._on_line(text)
