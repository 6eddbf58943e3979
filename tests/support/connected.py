"""Another process that holds a connection to us."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

type Ends = tuple[tuple[str, int], tuple[str, int]]

_CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as connection:
    sys.stdin.read()
"""


@contextlib.contextmanager
def connected(folder: Path, host: str = "127.0.0.1") -> Iterator[Ends]:
    """A process in a folder that holds a connection to us: its end and ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        argv = [sys.executable, "-c", _CLIENT, host, str(server.getsockname()[1])]
        with subprocess.Popen(argv, cwd=folder, stdin=subprocess.PIPE) as process:
            server.settimeout(20)
            ours, peer = server.accept()
            with ours:
                yield peer[:2], ours.getsockname()[:2]
            assert process.stdin is not None
            process.stdin.close()
