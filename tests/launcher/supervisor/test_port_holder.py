import os
import socket
from pathlib import Path

from launcher.supervisor.port_holder import RUN_FILE, Run, load_run, port_holder, save_run


def test_who_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        holder = port_holder(taken.getsockname()[1])
    assert holder is not None
    assert f"(process {os.getpid()})" in holder


def test_nobody_is_nobody() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert port_holder(closed.getsockname()[1]) is None


def test_what_runs_is_written_down_and_read_again(tmp_path: Path) -> None:
    assert load_run(tmp_path) is None
    save_run(tmp_path, Run(7, 1337, "run-1"))
    assert load_run(tmp_path) == Run(7, 1337, "run-1")
    (tmp_path / RUN_FILE).write_text("{")
    assert load_run(tmp_path) is None
    save_run(tmp_path / "nowhere", Run(7, 1337, "run-1"))
