"""A real gateway process on a free loopback port, with simulated providers behind it."""

import http.client
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import korproxy_addons
from launcher.demo.settings import write_settings
from launcher.simulator import SimulatorThread
from support import ports
from support.waiting import until

READY_S = 60.0
# Nothing listens there.
_NO_PAGE = "http://127.0.0.1:1/quota"


class GatewayProcess:
    """
    Starts `python -m korproxy_addons` (or stock mitmdump) for a home folder, and ends it.

    Args:
        home: The KorProxy folder, its config written.
        command: Argv; None for the engine.
        environment: Added to this process's.
    """

    def __init__(
        self,
        home: Path,
        command: list[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self._command = command or [
            sys.executable, "-m", "korproxy_addons", "--home", str(home), "--port", "0",
            "--ready-json", "--quiet",
        ]  # fmt: skip
        self._environment = {**os.environ, "KORPROXY_HOME": str(home), **(environment or {})}
        self.port = 0
        self.errors = ""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._stderr = threading.Thread(target=self._read_errors, daemon=True)
        self._stderr.start()
        try:
            self.ready = self._wait_ready()
        except BaseException:
            # Who asked for it has not got it, so that nobody else could end it.
            self.process.kill()
            self.process.wait()
            self._stderr.join(5)
            self._close_pipes()
            raise
        self.port = self.ready["port"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> int:
        """Ask it to end, and take its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._join_readers()
        self._close_pipes()
        return code

    @property
    def url(self) -> str:
        """The gateway's root URL."""
        return f"http://127.0.0.1:{self.port}"

    def log_lines(self) -> list[dict[str, Any]]:
        """What the gateway has logged so far."""
        path = self.home / "logs" / "gateway.jsonl"
        if not path.exists():
            return []
        whole, _, _ = path.read_text().rpartition("\n")  # the last line may be half written
        return [json.loads(line) for line in whole.splitlines()]

    def wait_for_log(self, request_id: str) -> list[dict[str, Any]]:
        """The lines about one request, once its last one is there: a thread of the gateway writes them."""

        def whole() -> list[dict[str, Any]] | None:
            lines = [it for it in self.log_lines() if it.get("request_id") == request_id]
            return lines if any(it["event"] == "exchange finished" for it in lines) else None

        return until(whole, READY_S)

    def _wait_ready(self) -> dict[str, Any]:
        timer = threading.Timer(READY_S, self.process.kill)
        timer.start()
        try:
            assert self.process.stdout is not None
            for line in self.process.stdout:
                if line.startswith("{"):
                    said: dict[str, Any] = json.loads(line)
                    if said.get("event") == "ready":
                        return said
        finally:
            timer.cancel()
        self.process.wait()
        self._stderr.join(5)
        raise AssertionError(f"the gateway did not get ready:\n{self.errors}")

    def _join_readers(self) -> None:
        self._stderr.join(5)

    def _close_pipes(self) -> None:
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors += line


class SimulatedGateway:
    """
    Simulator and gateway together: `with SimulatedGateway(tmp_path) as it: it.url, it.sim`.

    The simulator hears only what clients have asked for. A minute after its start a gateway asks for the quotas of its plans
    by itself: in the middle of some test, whose ledger and faults are not for that. Here those pages are somewhere else.

    Args:
        home: Folder for the gateway.
        extra: Settings to add to the config.
        start: Makes the gateway process; None for the engine.
    """

    def __init__(
        self,
        home: Path,
        extra: Mapping[str, Any] | None = None,
        start: Callable[[Path], GatewayProcess] | None = None,
    ) -> None:
        self.sim = SimulatorThread()
        self.home = home
        self._extra = extra
        self._start = start or GatewayProcess

    def __enter__(self) -> Self:
        self.sim.__enter__()
        try:
            ways = {
                key: {**way, "quota": _NO_PAGE if way["quota"] else ""}
                for key, way in self.sim.urls().items()
            }
            write_settings(self.home, ways, port=0, extra=self._extra)
            self.gateway = self._start(self.home)
            self.gateway.__enter__()
        except BaseException:
            self.sim.__exit__(None, None, None)
            raise
        self.url = self.gateway.url
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.gateway.__exit__(kind, error, trace)
        self.sim.__exit__(kind, error, trace)


class StockMitmdump(GatewayProcess):
    """
    The same addons under stock mitmdump (or its sister programs), given the script as a user would give it.

    Args:
        home: The KorProxy folder, its config written.
        options: More of mitmdump's own.
        environment: Added to this process's.

    Attributes:
        output: What it has said in its terminal; all of it once it is stopped.
    """

    PROGRAM = "mitmdump"

    def __init__(
        self,
        home: Path,
        options: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        script = Path(korproxy_addons.__file__).with_name("entry.py")
        program = Path(sys.executable).with_name(self.PROGRAM)
        mode = f"reverse:http://korproxy.invalid@127.0.0.1:{free_port()}"
        super().__init__(
            home, [str(program), "-s", str(script), "--mode", mode, *options], environment
        )
        self.output = ""

    def _wait_ready(self) -> dict[str, Any]:
        timer = threading.Timer(READY_S, self.process.kill)
        timer.start()
        try:
            assert self.process.stdout is not None
            for line in self.process.stdout:
                self.output += line
                found = re.search(r"listening at 127\.0\.0\.1:(\d+)", line)
                if found:
                    self._wait_health(int(found[1]))
                    self._rest = threading.Thread(target=self._read_output, daemon=True)
                    self._rest.start()
                    return {"port": int(found[1])}
        finally:
            timer.cancel()
        raise AssertionError(f"mitmdump did not get ready:\n{self.output}\n{self.errors}")

    def _join_readers(self) -> None:
        super()._join_readers()
        self._rest.join(5)

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line

    def _wait_health(self, port: int) -> None:
        """Until the addons are there, as stock mitmdump listens before it has loaded its script."""

        def healthy() -> bool:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_S)
            try:
                connection.request("GET", "/_korproxy/health")
                return connection.getresponse().status == 200
            finally:
                connection.close()

        until(healthy, READY_S)


class StockMitmweb(StockMitmdump):
    """The same addons under stock mitmweb, whose own page is on a port of its own."""

    PROGRAM = "mitmweb"

    def __init__(self, home: Path) -> None:
        super().__init__(home, ("--no-web-open-browser", "--web-port", str(free_port())))


def free_port() -> int:
    """See `ports.free_port`."""
    return ports.free_port()
