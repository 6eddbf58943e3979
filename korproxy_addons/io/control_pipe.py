"""
The gateway's end of the control pipe: commands come by stdin, reports leave by stdout.

Both ends are plain descriptors with a thread each: it is the one way that works on every system. Reports are dropped rather than
waited for; the end of stdin means that the launcher is gone.
"""

import contextlib
import os
import queue
import sys
import threading
from collections.abc import Callable

from korproxy_addons.control.protocol import (
    LONGEST_LINE_BYTES,
    Command,
    Report,
    decode_command,
    encode_line,
)

_CHUNK_BYTES = 64 * 1024
_MOST_WAITING = 256


def take_standard_streams() -> tuple[int, int]:
    """
    Descriptors of stdin and stdout, for nobody else's use any more.

    Whatever prints goes to stderr from now on, and whatever reads stdin finds it at its end.
    """
    sys.stdout.flush()
    commands, reports = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return commands, reports


class ControlPipe:
    """
    Speaks with the launcher.

    Args:
        commands: Descriptor to read from.
        reports: Descriptor to write to.
    """

    def __init__(self, commands: int, reports: int) -> None:
        self._commands = commands
        self._reports = reports
        self._waiting: queue.Queue[bytes | None] = queue.Queue(_MOST_WAITING)
        self._writer = threading.Thread(target=self._write, name="control reports", daemon=True)

    def start(self, on_command: Callable[[Command], None], on_end: Callable[[], None]) -> None:
        """
        Begin to read and write.

        Args:
            on_command: Called in the reading thread for each command.
            on_end: Called there once, when the launcher is gone.
        """
        self._writer.start()
        threading.Thread(
            target=self._read, args=(on_command, on_end), name="control commands", daemon=True
        ).start()

    def tell(self, report: Report) -> None:
        """Send a report; it is dropped where the launcher does not read."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(encode_line(report))

    def close(self, timeout_s: float = 1.0) -> None:
        """Send what waits, as far as the launcher takes it in time."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
            self._writer.join(timeout_s)

    def _read(self, on_command: Callable[[Command], None], on_end: Callable[[], None]) -> None:
        rest = b""
        while True:
            try:
                data = os.read(self._commands, _CHUNK_BYTES)
            except OSError:
                data = b""
            if not data:
                on_end()
                return
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > LONGEST_LINE_BYTES:
                rest = b""
            for line in lines:
                command = decode_command(line)
                if command is not None:
                    on_command(command)

    def _write(self) -> None:
        while True:
            line = self._waiting.get()
            if line is None:
                return
            try:
                while line:
                    line = line[os.write(self._reports, line) :]
            except OSError:
                return
