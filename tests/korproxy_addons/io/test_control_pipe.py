import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

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


@dataclass
class Ends:
    """A pipe's two far ends, and what came out of it."""

    commands: int
    reports: int
    pipe: ControlPipe
    heard: list[Command] = field(default_factory=list)
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        def hear(command: Command) -> None:
            self.heard.append(command)
            self.came.release()

        self.pipe.start(hear, self.ended.set)


@pytest.fixture
def ends() -> Iterator[Ends]:
    commands_out, commands_in = os.pipe()
    reports_out, reports_in = os.pipe()
    yield Ends(commands_in, reports_out, ControlPipe(commands_out, reports_in))
    for descriptor in (commands_in, commands_out, reports_in, reports_out):
        with suppress(OSError):
            os.close(descriptor)


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
    os.close(ends.commands)
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
    os.close(ends.reports)
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
