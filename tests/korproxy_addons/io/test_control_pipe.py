import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from korproxy_addons.control.protocol import (
    LONGEST_LINE_BYTES,
    Command,
    Drain,
    Draining,
    Pause,
    decode_report,
    encode_line,
)
from korproxy_addons.io.control_pipe import ControlPipe

WAIT_S = 20


class Ends:
    """A pipe whose far ends a test holds, and what came out of it."""

    def __init__(self) -> None:
        commands, self.commands = os.pipe()
        self.reports, reports = os.pipe()
        self.pipe = ControlPipe(commands, reports)
        self.heard: list[Command] = []
        self.came = threading.Semaphore(0)
        self.ended = threading.Event()
        self._near = (commands, reports)
        self._far = {self.commands, self.reports}
        self._runs = False

    def start(self) -> None:
        def hear(command: Command) -> None:
            self.heard.append(command)
            self.came.release()

        self.pipe.start(hear, self.ended.set)
        self._runs = True

    def let_go(self, descriptor: int) -> None:
        """Close a far end, as a launcher does that ends."""
        self._far.discard(descriptor)
        os.close(descriptor)

    def close(self) -> None:
        """
        Its threads end before the near ends do: a number that is free again soon means another file,
        and a thread that goes on would read it, or write into it.
        """
        for descriptor in tuple(self._far):
            self.let_go(descriptor)
        if self._runs:
            assert self.ended.wait(WAIT_S)
            self.pipe.close(WAIT_S)
            # Where the queue was full, it ends by its pipe, whose other end is closed.
            self.pipe._writer.join(WAIT_S)
            assert not self.pipe._writer.is_alive()
        for descriptor in self._near:
            os.close(descriptor)


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    ends.close()


def test_commands_arrive_however_they_are_cut(ends: Ends) -> None:
    ends.start()
    for byte in encode_line(Drain()) + encode_line(Pause()):
        os.write(ends.commands, bytes([byte]))
    assert ends.came.acquire(timeout=WAIT_S)
    assert ends.came.acquire(timeout=WAIT_S)
    assert ends.heard == [Drain(), Pause()]


def test_what_is_no_command_is_passed_over(ends: Ends) -> None:
    ends.start()
    os.write(ends.commands, b"\n{}\nnot json\n" + encode_line(Pause()))
    assert ends.came.acquire(timeout=WAIT_S)
    assert ends.heard == [Pause()]


def test_a_line_without_an_end_is_not_kept(ends: Ends) -> None:
    ends.start()
    left = LONGEST_LINE_BYTES * 3
    while left > 0:
        left -= os.write(ends.commands, b"x" * 65536)
    os.write(ends.commands, b"\n" + encode_line(Pause()))
    assert ends.came.acquire(timeout=WAIT_S)
    assert ends.heard == [Pause()]


def test_the_end_is_told_once(ends: Ends) -> None:
    ends.start()
    ends.let_go(ends.commands)
    assert ends.ended.wait(WAIT_S)


def test_reports_leave_in_order_and_closing_waits_for_them(ends: Ends) -> None:
    ends.start()
    for count in range(5):
        ends.pipe.tell(Draining(count))
    ends.pipe.close(WAIT_S)
    lines = os.read(ends.reports, 65536).splitlines()
    assert [decode_report(line) for line in lines] == [Draining(count) for count in range(5)]


def test_a_launcher_that_does_not_read_is_not_waited_for(ends: Ends) -> None:
    """More than pipe and queue hold: the rest is dropped, and telling never blocks."""
    ends.start()
    for count in range(20_000):
        ends.pipe.tell(Draining(count))
    ends.pipe.close(0.01)


def test_a_launcher_that_is_gone_is_no_error(ends: Ends) -> None:
    ends.start()
    ends.let_go(ends.reports)
    ends.pipe.tell(Draining(1))
    ends.pipe.tell(Draining(2))
    ends.pipe.close(WAIT_S)
    assert not ends.pipe._writer.is_alive()


def test_what_prints_does_not_get_into_the_pipe() -> None:
    program = (
        "import os; from korproxy_addons.io.control_pipe import take_standard_streams\n"
        "commands, reports = take_standard_streams()\n"
        "print('a stray word'); os.write(reports, b'a report\\n')\n"
        "assert input.__call__ and os.read(0, 10) == b''; print(os.read(commands, 10).decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=b"hello", capture_output=True, check=False
    )
    assert done.stdout == b"a report\n"
    assert done.stderr.split() == [b"a", b"stray", b"word", b"hello"]
