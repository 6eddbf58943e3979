"""What a person types or pastes while a sign-in runs, and secrets that nobody shall see typed."""

import asyncio
import contextlib
import getpass
import os
import sys
import threading
from collections.abc import Iterator
from typing import IO, Any

KEY_LIMIT_BYTES = 64 * 1024


class TypedLines:
    """
    Lines of standard input, read beside all else.

    What is pasted holds a code, so the terminal does not show it.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = sys.stdin if stream is None else stream
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._ended = False

    async def next(self) -> str:
        """
        The next line without its break.

        Raises:
            EOFError: The input has ended.
        """
        if self._ended:
            raise EOFError
        line = await self._lines.get()
        if line is None:
            self._ended = True
            raise EOFError
        return line

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Read until the block ends; the terminal is then as it was."""
        loop = asyncio.get_running_loop()
        with _unseen(self._stream):
            number = _file_number(self._stream)
            if os.name == "posix" and number is not None:
                buffer = bytearray()
                try:
                    loop.add_reader(number, self._read_some, number, buffer, loop)
                except OSError:  # a plain file is always ready, and epoll does not take it
                    self._read_aside(loop)
                    yield
                    return
                try:
                    yield
                finally:
                    loop.remove_reader(number)
            else:
                self._read_aside(loop)
                yield

    def _read_some(self, number: int, buffer: bytearray, loop: asyncio.AbstractEventLoop) -> None:
        data = os.read(number, KEY_LIMIT_BYTES)
        buffer += data
        *lines, rest = bytes(buffer).split(b"\n")
        buffer[:] = rest
        for line in lines:
            self._lines.put_nowait(line.decode("utf-8", "replace").rstrip("\r"))
        if not data:
            if rest:
                self._lines.put_nowait(rest.decode("utf-8", "replace"))
            loop.remove_reader(number)
            self._lines.put_nowait(None)

    def _read_aside(self, loop: asyncio.AbstractEventLoop) -> None:
        def read() -> None:
            with contextlib.suppress(ValueError, OSError, RuntimeError):
                for line in self._stream:
                    loop.call_soon_threadsafe(self._lines.put_nowait, line.rstrip("\r\n"))
                loop.call_soon_threadsafe(self._lines.put_nowait, None)

        threading.Thread(target=read, name="typed lines", daemon=True).start()


def read_key(prompt: str) -> str:
    """
    A key: typed unseen at a terminal, else all that is piped in.

    Raises:
        EOFError: The input ended without one.
    """
    if sys.stdin.isatty():
        return getpass.getpass(prompt, stream=sys.stderr).strip()
    return sys.stdin.read(KEY_LIMIT_BYTES).strip()


def _file_number(stream: IO[str]) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None


@contextlib.contextmanager
def _unseen(stream: IO[str]) -> Iterator[None]:
    """A terminal that does not show what is typed; anything else as it is."""
    number = _file_number(stream)
    if os.name != "posix" or number is None or not os.isatty(number):
        yield
        return
    import termios  # noqa: PLC0415 - there is none on Windows

    before: list[Any] = termios.tcgetattr(number)
    silent = [*before]
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(number, termios.TCSANOW, silent)
    try:
        yield
    finally:
        termios.tcsetattr(number, termios.TCSANOW, before)
