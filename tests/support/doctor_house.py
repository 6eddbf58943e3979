"""A person's machine with KorProxy on it, its providers simulated; and what `korproxy doctor` prints there."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from launcher.simulator import SimulatorThread
from support.gateway import free_port
from support.kept import Launched
from support.refresh_worker import KEY, write_folder

LIMIT_S = 60.0


@dataclass(frozen=True)
class Printed:
    """
    What a command printed.

    Attributes:
        code: Its exit code.
        out: Its output, as it was.
        err: What it said beside.
    """

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """The output as one line: how it was wrapped does not matter."""
        return " ".join(self.out.split())

    @property
    def first(self) -> str:
        """The first thing that is said to be wrong, to the end of its steps."""
        _, _, wrong = self.text.partition("Wrong now ")
        return (
            wrong.partition(" ✕ ")[0]
            if not wrong.startswith("✕ ")
            else "✕ " + wrong[2:].partition(" ✕ ")[0]
        )


@dataclass
class DoctorHouse:
    """
    One machine: `with DoctorHouse(tmp_path) as house: house.doctor()`.

    Args:
        folder: For everything.
        login: The one account is a Claude plan whose login lies in the vault, and has ended; else keys.
        accounts: With keys: (id, provider, access of the simulator), in this order.
        extra: More settings.
    """

    folder: Path
    login: bool = False
    accounts: tuple[tuple[str, str, str], ...] = (("work", "claude", "api-key"),)
    extra: Mapping[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.home, self.user = self.folder / "korproxy", self.folder / "user"
        self.project = self.user / "project"
        self.project.mkdir(parents=True)
        self.port = free_port()
        self.sim = SimulatorThread().__enter__()
        key_file = self.folder / "vault.key"
        key_file.write_text(base64.b64encode(KEY).decode())
        key_file.chmod(0o600)
        self._own = {"KORPROXY_VAULT_KEY_FILE": str(key_file)}
        self._write()
        if self.login:
            self.sim.simulator.world.logins.end_grant("sk-ant-ort01-sim-1", time.time() - 1)
        self.launched = Launched(self.home, environment=self._own)
        try:
            self.launched.__enter__()
            self.launched.wait_for("healthy")
        except BaseException:
            self.__exit__(None, None, None)
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

    def _write(self) -> None:
        ways = self.sim.urls()
        if self.login:
            write_folder(
                self.home, ways["claude", "subscription"], "sk-ant-oat01-sim-1", life_s=-10.0
            )
            config = json.loads((self.home / "config.yaml").read_text())
        else:
            self.home.mkdir(mode=0o700)
            config = {"version": 1, "allow_plain_secrets": True, "providers": {}, "accounts": []}
            for name, provider, access in self.accounts:
                way = ways[{"codex": "openai"}.get(provider, provider), access]
                config["providers"][provider] = {"local": True}
                entry = {
                    "id": name, "provider": provider, "access": access, "consent": True,
                    "secret": f"plain:{way['secret']}", "base_url": way["base"],
                }  # fmt: skip
                config["accounts"].append(
                    entry | ({"account_id": way["account_id"]} if way["account_id"] else {})
                )
        config |= {"listen": {"port": self.port, "hosts": ["127.0.0.1"]}, **self.extra}
        path = self.home / "config.yaml"
        path.write_text(json.dumps(config))
        path.chmod(0o600)

    def tool(self, path: str, text: str = "") -> Path:
        """A file of a tool's, below the user's folder."""
        file = self.user / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def doctor(self, *arguments: str) -> Printed:
        """Run the command as a person would, in a project of theirs, in a terminal of 80 columns."""
        environ = {
            "PATH": str(self.user / "bin"), "HOME": str(self.user), "COLUMNS": "80",
            "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1", **self._own, **self.environ,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "launcher", "doctor", *arguments, "--home", str(self.home)],
            cwd=self.project,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=LIMIT_S,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Printed(done.returncode, done.stdout, done.stderr)


def closed_port() -> int:
    """A port at which nothing listens."""
    return free_port()
