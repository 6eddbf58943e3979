import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from launcher.single_instance import (
    LOCK_NAME,
    RUN_NAME,
    AlreadyRunningError,
    Reach,
    SingleInstance,
    load_reach,
    running_launcher,
)

HOLDER = """
import sys
from pathlib import Path
from launcher.single_instance import Reach, SingleInstance
with SingleInstance(Path(sys.argv[1])) as it:
    it.say(Reach(pid=1, url="http://127.0.0.1:9"))
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(home: Path) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_second_one_is_told_how_the_first_is_reached(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        with pytest.raises(AlreadyRunningError) as found, SingleInstance(tmp_path):
            pass
        assert found.value.reach == Reach(pid=1, url="http://127.0.0.1:9")
        assert running_launcher(tmp_path) == found.value.reach
        first.communicate(b"")
    assert running_launcher(tmp_path) is None
    assert not (tmp_path / RUN_NAME).exists()


def test_one_that_was_killed_is_not_in_the_way(tmp_path: Path) -> None:
    """What it left behind does not count: the lock went with it."""
    with holder(tmp_path) as first:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    assert load_reach(tmp_path) is not None
    assert running_launcher(tmp_path) is None
    with SingleInstance(tmp_path) as second:
        second.say(Reach(pid=2))
        assert load_reach(tmp_path) == Reach(pid=2)


def test_what_it_says_is_for_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "new"
    with SingleInstance(home) as it:
        it.say(Reach(pid=os.getpid()))
        assert stat.S_IMODE((home / RUN_NAME).stat().st_mode) == 0o600
        assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_without_a_folder_nobody_runs(tmp_path: Path) -> None:
    assert running_launcher(tmp_path / "none") is None
    (tmp_path / RUN_NAME).write_text("not json")
    assert load_reach(tmp_path) is None


def test_one_who_only_asks_does_not_keep_a_launcher_from_starting(tmp_path: Path) -> None:
    """Asking holds the lock for an instant."""
    asker = FileLock(str(tmp_path / LOCK_NAME), thread_local=False)
    asker.acquire()
    done = threading.Timer(0.05, asker.release)
    done.start()
    with SingleInstance(tmp_path):
        assert running_launcher(tmp_path) is None
    done.join()
