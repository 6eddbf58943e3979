import signal
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from launcher.tray.signals import listen_for_signals

def say(word):
    print(word, flush=True)

listen_for_signals(lambda: say("end"), lambda: say("restart"))
say("up")
# The main thread is somewhere Python does not get to run, as in a tray library's loop.
sys.stdin.buffer.raw.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_signals_are_heard_while_the_main_thread_is_away() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        for number, word in (
            (signal.SIGHUP, "restart"), (signal.SIGTERM, "end"), (signal.SIGINT, "end"),
        ):  # fmt: skip
            process.send_signal(number)
            assert process.stdout.readline() == f"{word}\n"
        process.communicate("", timeout=30)
    assert process.returncode == 0
