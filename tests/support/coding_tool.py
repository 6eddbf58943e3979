"""Runs a real coding tool without a person: an empty home, no way out but to loopback, a hard limit of time."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.needs import CodingTool

LIMIT_S = 90.0
LOCAL_KEY = "kp-local-of-a-tool"
"""The key to the gateway that a tool is given; nothing upstream may ever see it."""
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")
# Nothing listens there: whatever is not loopback ends in a refused connection, at once.
_NO_WAY_OUT = "http://127.0.0.1:1"
_LOOPBACK = "127.0.0.1,localhost,::1"
# Programs on Windows do not start without these.
_OF_THE_SYSTEM = ("SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "WINDIR", "PROGRAMFILES")


@dataclass(frozen=True)
class Ran:
    """How a run ended, and what a person saw."""

    exit_code: int
    out: str
    err: str

    def complaints(self, *expected: str) -> list[str]:
        """
        Lines of both outputs that speak of something wrong.

        Args:
            expected: Words of such lines that have another cause than the gateway.
        """
        words = ("warn", "error", "fail", "retry", "reconnect", "deprecated", "unknown", "kp-")
        return [
            line
            for line in (*self.out.splitlines(), *self.err.splitlines())
            if any(word in line.lower() for word in words)
            and not any(known in line for known in expected)
        ]


class Workplace:
    """
    A person's empty home folder and a project folder in it.

    Args:
        folder: Made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.project = self.home / "project"
        self._temporary = folder / "temporary"
        for each in (self.project, self._temporary):
            each.mkdir(parents=True)

    def write(self, path: str, text: str) -> None:
        """Write a file below the home folder."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def run(
        self,
        tool: CodingTool,
        arguments: Sequence[str],
        prompt: str,
        environment: Mapping[str, str],
    ) -> Ran:
        """
        Run a tool in the project folder until it ends; whatever it started ends with it.

        Args:
            tool: Which.
            arguments: Of its command line.
            prompt: Given on its standard input, where no shell changes it.
            environment: Its own settings; of this process's environment it sees none.
        Raises:
            AssertionError: It did not end in time.
        """
        process = subprocess.Popen(
            [str(tool.path), *arguments],
            cwd=self.project,
            env={**self._environment(tool), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=os.name != "nt",
        )
        try:
            out, err = process.communicate(prompt, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            _end(process)
            out, err = process.communicate()
            raise AssertionError(f"still running after {LIMIT_S} s:\n{out}\n{err}") from None
        finally:
            _end(process)
        return Ran(process.returncode, out, err)

    def _environment(self, tool: CodingTool) -> dict[str, str]:
        home, temporary = str(self.home), str(self._temporary)
        return {
            **{name: os.environ[name] for name in _OF_THE_SYSTEM if name in os.environ},
            **dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), home),
            **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), temporary),
            **dict.fromkeys(PROXIES, _NO_WAY_OUT),
            **dict.fromkeys(("ALL_PROXY", "all_proxy"), _NO_WAY_OUT),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), _LOOPBACK),
            "PATH": tool.search_path,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "DO_NOT_TRACK": "1",
        }


def _end(process: subprocess.Popen[str]) -> None:
    """Kill the whole group: what a tool started may outlive it."""
    if os.name == "nt":
        if process.poll() is None:
            kill = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
            subprocess.run(kill, capture_output=True, check=False)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
