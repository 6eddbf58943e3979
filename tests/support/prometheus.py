"""A real Prometheus on a free loopback port, with a data folder of its own, that reads one gateway."""

import http.client
import json
import re
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from support.gateway import free_port
from support.needs import needs_program
from support.waiting import until

INSTALL = "python3 packaging/dev.py --with-system tools"
END_S = 20.0


def promtool() -> Path:
    """Prometheus' own checker of configurations and pages."""
    return needs_program("promtool", INSTALL)


class Prometheus:
    """
    Runs it: `with Prometheus(tmp_path, config) as it: it.query("up")`.

    Args:
        folder: For its configuration, its data and what it says.
        config: Its configuration as a user would write it; it scrapes every second here, whatever that says.
    """

    def __init__(self, folder: Path, config: str) -> None:
        self._program = needs_program("prometheus", INSTALL)
        self._folder = folder
        self._port = free_port()
        folder.mkdir(exist_ok=True)
        self.config = folder / "prometheus.yml"
        text, found = re.subn("scrape_interval: .*", "scrape_interval: 1s", config)
        assert found == 1
        self.config.write_text(
            text.replace("_interval: 1s", "_interval: 1s\n    scrape_timeout: 1s")
        )

    def __enter__(self) -> Self:
        self._said = (self._folder / "said.txt").open("w")
        self._process = subprocess.Popen(
            [
                self._program,
                f"--config.file={self.config}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self._port}",
                "--enable-feature=exemplar-storage",
                "--log.level=warn",
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
        )
        try:
            until(self._ready)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression comes to now, each with `metric` and `value` (time and number as text)."""
        found: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return found

    def number(self, expression: str) -> float:
        """The one value that an expression comes to; NaN where it comes to nothing."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else float("nan")

    def exemplars(self, series: str) -> list[dict[str, Any]]:
        """All exemplars of a series, with their `labels`."""
        found = self._get("query_exemplars", query=series, start="0", end="4000000000")
        return [one for series_found in found for one in series_found["exemplars"]]

    def target(self) -> dict[str, Any]:
        """The gateway as Prometheus sees it: `health` (unknown, up, down), `lastError`, `labels`."""
        found = self._get("targets")["activeTargets"]
        return dict(found[0]) if found else {"health": "unknown", "lastError": "", "labels": {}}

    def _get(self, path: str, **query: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=END_S)
        try:
            connection.request("GET", f"/api/v1/{path}?{urlencode(query)}")
            reply = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert reply["status"] == "success", (path, query, reply)
        return reply["data"]

    def _ready(self) -> bool:
        assert self._process.poll() is None, (self._folder / "said.txt").read_text()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=END_S)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()
