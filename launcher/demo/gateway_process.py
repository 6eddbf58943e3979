"""The demo's own gateway: started, waited for, and ended with the demo."""

import json
import os
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from launcher.gateway_command import gateway_command

START_S = 30.0
STOP_S = 10.0


class GatewayFailed(Exception):
    """The gateway did not get ready; the text is what it said."""


class DemoGateway:
    """
    Runs the gateway for `home` as a child process; where the demo is killed, the system ends it (Linux).

    Args:
        home: The KorProxy folder.
        port: Port to listen on; 0 takes a free one.
    """

    def __init__(self, home: Path, port: int) -> None:
        self._home = home
        self._command = gateway_command(
            home=home, port=port, ready_json=True, quiet=True, parent=os.getpid()
        )
        self.url = ""

    def __enter__(self) -> Self:
        log = self._home / "gateway.err"
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=_environment(),
            )
        overdue = threading.Timer(START_S, self._process.kill)
        overdue.start()
        try:
            line = self._process.stdout.readline() if self._process.stdout else ""
        finally:
            overdue.cancel()
        try:
            self.url = f"http://localhost:{json.loads(line)['port']}"
        except ValueError:
            self._stop()
            said = log.read_text(encoding="utf-8", errors="replace").strip()
            raise GatewayFailed(said or line.strip() or "It ended without a word.") from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _environment() -> dict[str, str]:
    """The demo talks to this machine only; a proxy in the environment must not carry it elsewhere."""
    dropped = {"http_proxy", "https_proxy", "all_proxy"}
    return {name: value for name, value in os.environ.items() if name.lower() not in dropped}
