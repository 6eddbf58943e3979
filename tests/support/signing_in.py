"""`korproxy account add` as its own process, with a person's hands: the page it opens, what they paste."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ruamel.yaml import YAML

from launcher.simulator import SimulatorThread
from support.waiting import PATIENCE_S, until

ROOT = Path(__file__).parents[2]
LOGINS = {
    "claude": ("claude", "subscription", ("claude", "subscription")),
    "chatgpt": ("codex", "chatgpt", ("openai", "chatgpt")),
    "siwc": ("codex", "siwc", ("openai", "siwc")),
    "google": ("gemini", "code-assist", ("gemini", "code-assist")),
    "qwen": ("qwen", "oauth", ("qwen", "oauth")),
    "iflow": ("iflow", "login", ("iflow", "login")),
}
"""Name to provider, access, and the simulator's name of the way in."""


class SignInHome:
    """
    A KorProxy folder whose providers are simulated, without any account.

    Args:
        folder: Made anew.
        sim: The simulator.
    """

    def __init__(self, folder: Path, sim: SimulatorThread) -> None:
        self.folder = folder
        self.sim = sim
        self.opened = folder.parent / "opened"
        folder.mkdir(mode=0o700)
        (folder / "client-secret").write_text("sim-client-secret")
        key = folder.parent / "vault-key"
        key.write_text("q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n")
        key.chmod(0o600)
        opener = folder.parent / "opener"
        opener.write_text(f'#!/bin/sh\nprintf %s "$1" > "{self.opened}.new"\n'
                          f'mv "{self.opened}.new" "{self.opened}"\n')  # fmt: skip
        opener.chmod(0o755)
        self.environment = {
            **os.environ,
            "KORPROXY_HOME": str(folder),
            "KORPROXY_VAULT_KEY_FILE": str(key),
            "BROWSER": f"{opener} %s",
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }
        self._write_config()

    def cli(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """A whole command."""
        return subprocess.run(
            [sys.executable, "-m", "launcher", *arguments],
            cwd=ROOT, env=self.environment, input=typed, text=True, capture_output=True,
            timeout=PATIENCE_S * 2, check=False,
        )  # fmt: skip

    def accounts(self) -> list[dict[str, Any]]:
        """What `account list` says."""
        found: list[dict[str, Any]] = json.loads(self.cli("account", "list", "--json").stdout)[
            "accounts"
        ]
        return found

    def page(self) -> str:
        """The page that a sign-in opened; each is told once."""
        url = until(lambda: self.opened.read_text() if self.opened.exists() else None)
        self.opened.unlink()
        return url

    def _write_config(self) -> None:
        providers: dict[str, Any] = {}
        for provider, access, way in LOGINS.values():
            urls = self.sim.urls()[way]
            base = urls["host"] if access == "code-assist" else urls["base"]
            named = ("token", "auth", "device", "profile", "discovery", "quota")
            entry = {"urls": {"base": base, **{it: urls[it] for it in named if urls[it]}}}
            if access in {"code-assist", "login"}:
                entry["login"] = {"client_secret": "file:client-secret"}
            found = providers.setdefault(provider, {"local": True, "accesses": {}})
            found["accesses"][access] = entry
        text = StringIO()
        YAML().dump({"version": 1, "providers": providers}, text)
        config = self.folder / "config.yaml"
        config.write_text("# The comment stays.\n" + text.getvalue())
        config.chmod(0o600)


class SignInProcess:
    """
    A sign-in that waits for its person.

    Args:
        home: Where.
        arguments: After `account add`.
        terminal: The person sits at a terminal, instead of pipes.
    """

    def __init__(self, home: SignInHome, *arguments: str, terminal: bool = False) -> None:
        self._home = home
        self._arguments = arguments
        self._terminal = terminal
        self.said = ""

    def __enter__(self) -> Self:
        theirs_in, theirs_out = subprocess.PIPE, subprocess.PIPE
        if self._terminal:
            self._mine, theirs_in = os.openpty()
            theirs_out = theirs_in
        self.process = subprocess.Popen(
            [sys.executable, "-m", "launcher", "account", "add", *self._arguments, "--json"],
            cwd=ROOT, env=self._home.environment, text=True,
            stdin=theirs_in, stdout=subprocess.PIPE, stderr=theirs_out,
        )  # fmt: skip
        if self._terminal:
            os.close(theirs_in)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE_S)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        if self._terminal:
            os.close(self._mine)

    def wait_for(self, words: str) -> str:
        """All that it has said, once these words are in it."""
        return until(lambda: self.said if words in self.said else None)

    def type(self, line: str) -> None:
        """What the person pastes, and Enter."""
        if self._terminal:
            os.write(self._mine, f"{line}\n".encode())
            return
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def result(self) -> tuple[int, dict[str, Any]]:
        """Exit code, and the JSON object on standard output."""
        code = self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        text = self.process.stdout.read()
        self._reader.join(PATIENCE_S)
        assert text, self.said
        return code, json.loads(text)

    def _read(self) -> None:
        if self._terminal:
            with contextlib.suppress(OSError):  # how a terminal says that nobody is there any more
                while data := os.read(self._mine, 65_536):
                    self.said += data.decode(errors="replace")
            return
        assert self.process.stderr is not None
        while part := self.process.stderr.readline():
            self.said += part
