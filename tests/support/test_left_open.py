"""The plugin in a pytest of its own."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent

LEAVES = """
import gc
import socket

def test_leaves_a_socket_open():
    gc.disable()  # as it may be long until the collector comes by itself
    held = [socket.socket()]
    held.append(held)
"""
HAS_NOTHING_TO_DO_WITH_IT = """
import gc

def test_collects():
    gc.collect()
"""


def test_what_is_left_open_fails_the_file_that_left_it(tmp_path: Path) -> None:
    tmp_path.joinpath("test_a.py").write_text(LEAVES)
    tmp_path.joinpath("test_b.py").write_text(HAS_NOTHING_TO_DO_WITH_IT)
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-c", os.devnull, "-W", "error", "-p", "support.left_open",
            "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path),
        ],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert "2 passed, 1 error" in done.stdout
    assert "ERROR at teardown of test_leaves_a_socket_open" in done.stdout
    assert "unclosed <socket.socket" in done.stdout
