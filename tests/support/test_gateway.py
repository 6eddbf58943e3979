"""The gateway as tests start it, when it does not."""

import json
import sys
from pathlib import Path

import pytest

from support.gateway import GatewayProcess


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("raise SystemExit('no port')", AssertionError),
        (
            "import threading; print('{', flush=True); threading.Event().wait()",
            json.JSONDecodeError,
        ),
    ],
)
def test_one_that_does_not_get_ready_leaves_nothing_behind(
    tmp_path: Path, program: str, error: type[Exception]
) -> None:
    """Neither a process, which would keep its port, nor a pipe, which the collector would find in another test."""
    gateway = GatewayProcess(tmp_path, [sys.executable, "-c", program])
    with pytest.raises(error, match=r".+"):
        gateway.__enter__()
    assert gateway.process.poll() is not None
    for pipe in (gateway.process.stdout, gateway.process.stderr):
        assert pipe is not None
        assert pipe.closed
