"""A launcher process with a gateway under it and simulated providers behind that."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from launcher.demo.settings import write_settings
from launcher.simulator import SimulatorThread
from support.gateway import free_port

PATIENCE_S = 60.0

_PROGRAM = """
import asyncio, dataclasses, json, os, sys
from pathlib import Path
from launcher.foreground import Launch, serve
from launcher.supervisor.rules import Rules

def show(status):
    print(json.dumps(dataclasses.asdict(status)), flush=True)

home, rules = Path(sys.argv[1]), Rules(**json.loads(sys.argv[2]))
line = lambda text: print(text, file=sys.stderr, flush=True)
note = lambda notice: line(f"note: {notice.title}: {notice.text}")
launch = Launch(home=home, admin_port=0, rules=rules, on_status=show, on_notice=note, on_line=line)
asyncio.run(serve(launch))
"""


class Launched:
    """
    Starts a launcher for a KorProxy folder: `with Launched(home) as it: it.wait_for("healthy")`.

    Args:
        home: The folder, its config written.
        rules: Changed numbers of the supervisor.
        environment: Added to this process's.

    Attributes:
        statuses: Every status it has shown, oldest first.
        errors: What it and its gateways wrote to stderr.
    """

    def __init__(
        self,
        home: Path,
        rules: Mapping[str, float] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.statuses: list[dict[str, Any]] = []
        self.errors: list[str] = []
        # How fast a busy machine answers is no matter of these tests.
        self._rules = json.dumps({"slow_s": PATIENCE_S, **(rules or {})})
        self._environment = {**os.environ, **(environment or {})}
        self._news = threading.Condition()

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(self.home), self._rules],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        self._readers = [
            threading.Thread(target=self._read_statuses, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        known = [it["pid"] for it in self.statuses if it["pid"]]
        self.stop()
        for pid in known:
            with suppress(psutil.NoSuchProcess):
                found = psutil.Process(pid)
                if "korproxy_addons" in " ".join(found.cmdline()):
                    found.kill()

    def stop(self) -> int:
        """Ask it to end, and take its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        for reader in self._readers:
            reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code

    @property
    def status(self) -> dict[str, Any]:
        """The last one."""
        return self.statuses[-1]

    @property
    def url(self) -> str:
        """The gateway's root URL."""
        return f"http://127.0.0.1:{self.status['port']}"

    def wait_for(
        self, state: str, seen: Callable[[dict[str, Any]], bool] = lambda _status: True
    ) -> dict[str, Any]:
        """The first status from now on, the present one included, that is as wanted; it may have passed already."""
        with self._news:
            at = max(len(self.statuses) - 1, 0)

            def found() -> dict[str, Any] | None:
                nonlocal at
                for status in self.statuses[at:]:
                    if status["state"] == state and seen(status):
                        return status
                    at += 1
                return None

            status = self._news.wait_for(found, PATIENCE_S)
            assert status, f"never {state}: {self.statuses[-3:]}\n" + "\n".join(self.errors[-20:])
            return status

    def _read_statuses(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.statuses.append(json.loads(line))
                self._news.notify_all()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors.append(line.rstrip())


class SimulatedLauncher:
    """Simulator and launcher together, at a free port."""

    def __init__(
        self,
        home: Path,
        extra: Mapping[str, Any] | None = None,
        rules: Mapping[str, float] | None = None,
        port: int | None = None,
    ) -> None:
        self.sim = SimulatorThread()
        self.home = home
        self.port = port or free_port()
        self._extra = extra
        self.launched = Launched(home, rules)

    def __enter__(self) -> Self:
        self.sim.__enter__()
        try:
            write_settings(self.home, self.sim.urls(), port=self.port, extra=self._extra)
            self.launched.__enter__()
            self.launched.wait_for("healthy")
        except BaseException:
            self.launched.__exit__(None, None, None)
            self.sim.__exit__(None, None, None)
            raise
        self.url = self.launched.url
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.launched.__exit__(kind, error, trace)
        self.sim.__exit__(kind, error, trace)


def gone(pid: int) -> bool:
    """Whether a process is no more (one that nobody waited for counts as gone)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
