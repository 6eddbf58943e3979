"""The real tray on a real session bus: its menu read and chosen from over D-Bus, as a desktop's panel does."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from korproxy_addons.errors import catalogue
from launcher.simulator import SimulatorThread
from launcher.single_instance import runs
from support.asking import ask, question
from support.gateway import free_port
from support.needs import ROOT, TRAY, needs_program, needs_tray
from support.waiting import until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        sys.platform != "linux", reason="the session bus is a part of Linux desktops"
    ),
]

INSTALL = "python3 packaging/dev.py --with-system tools"
WATCHER = ROOT / "tests" / "support" / "tray_watcher.py"
PATIENCE_S = 60.0


class Desktop:
    """A session with a display, a bus and a panel of ours, and KorProxy's tray in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.errors = ""
        needs_tray()
        self._xvfb = needs_program("Xvfb", INSTALL)
        self._bus = needs_program("dbus-run-session", INSTALL)

    def __enter__(self) -> Self:
        # It chooses a number that is free, and names it when it can be asked.
        self._server = subprocess.Popen(
            [self._xvfb, "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._server.stdout is not None
        self.environment = {
            **os.environ,
            "DISPLAY": f":{self._server.stdout.readline().strip()}",
            "XDG_CONFIG_HOME": str(self.home / "xdg"),
            "PYTHONPATH": os.pathsep.join([str(TRAY), str(ROOT)]),
            "NO_AT_BRIDGE": "1",
            "GTK_USE_PORTAL": "0",
        }
        for name in ("WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
            self.environment.pop(name, None)
        # One shell under one bus: the panel answers here, the tray is started by a word of ours.
        script = (
            f'"{sys.executable}" "{WATCHER}" & panel=$!; read line < "$KORPROXY_HOME/go";'
            f' "{sys.executable}" -m launcher tray 2> "$KORPROXY_HOME/tray.err"; echo $? > "$KORPROXY_HOME/code"; wait $panel'
        )
        self.environment["KORPROXY_HOME"] = str(self.home)
        os.mkfifo(self.home / "go")
        self._session = subprocess.Popen(
            [
                self._bus,
                "--",
                "bash",
                "-c",
                f"exec 3<&0; ({script.replace('& panel', '<&3 & panel')})",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment,
        )
        assert self._session.stdout is not None
        assert self._session.stdout.readline() == '"up"\n'
        (self.home / "go").write_text("go\n")
        assert self.ask("wait-icon") is True, self._said()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        timer = threading.Timer(PATIENCE_S, self._session.kill)
        timer.start()
        if runs(self.home):
            subprocess.run(
                [sys.executable, "-m", "launcher", "stop", "--home", str(self.home)],
                check=False, capture_output=True,
            )  # fmt: skip
        self._session.communicate()
        timer.cancel()
        self._server.terminate()
        self._server.communicate()

    def ask(self, what: str, **more: Any) -> Any:
        """What the panel sees, or does."""
        assert self._session.stdin is not None
        assert self._session.stdout is not None
        self._session.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self._session.stdin.flush()
        answer = json.loads(self._session.stdout.readline())
        assert "error" not in answer, (what, answer["error"], self._said())
        return answer["value"]

    def labels(self) -> list[str]:
        """The menu's texts, those of inner menus too."""
        return [it["label"] for it in _flat(self.ask("layout"))]

    def click(self, label: str) -> None:
        """Choose an item; where the menu is replaced under the hand, the one that stands there then."""
        until(lambda: self.ask("click", label=label), PATIENCE_S)

    def code(self) -> int:
        """The tray's exit code, once it is gone."""
        return int(until(lambda: self._read("code"), PATIENCE_S))

    def _read(self, name: str) -> str:
        try:
            return (self.home / name).read_text().strip()
        except OSError:
            return ""

    def _said(self) -> str:
        return self._read("tray.err")


def _flat(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [found for it in items for found in (it, *_flat(it["items"]))]


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    (tmp_path / "config.yaml").write_text(
        f"version: 1\nlisten: {{port: {free_port()}}}\nadmin: {{port: 0}}\n"
        "profiles:\n- {id: default, name: Default}\n- {id: work, name: Work}\n"
    )
    (tmp_path / "config.yaml").chmod(0o600)
    with Desktop(tmp_path) as found:
        yield found


def test_a_panel_shows_it_and_every_choice_is_obeyed(desktop: Desktop) -> None:
    """Read the menu, click items, see labels, title and picture change, and a clean end."""
    until(lambda: "Running" in desktop.labels(), PATIENCE_S)
    labels = desktop.labels()
    assert any(it.startswith("Copy http://localhost:") for it in labels)
    assert "Quit KorProxy" in labels
    assert desktop.ask("title") == "KorProxy: Running · Default"
    running = Path(desktop.ask("icon"))
    assert running.is_relative_to(desktop.home), "not under a guessable name in a shared folder"
    desktop.click("Pause")
    until(lambda: "Paused" in desktop.labels(), PATIENCE_S)
    assert desktop.ask("icon") != str(running)
    desktop.click("Resume")
    until(lambda: "Running" in desktop.labels(), PATIENCE_S)
    desktop.click("Work")
    until(lambda: desktop.ask("title") == "KorProxy: Running · Work", PATIENCE_S)
    desktop.click("Start at login")
    until((desktop.home / "xdg" / "autostart" / "korproxy.desktop").exists, PATIENCE_S)
    desktop.click("Stop")
    until(lambda: "Stopped" in desktop.labels(), PATIENCE_S)
    desktop.click("Quit KorProxy")
    assert desktop.code() == 0
    assert not runs(desktop.home)


def test_what_happens_to_accounts_is_told_at_once(tmp_path: Path) -> None:
    """A refused key, and a limit that is reached: notifications, by the gateway's own word and without any polling."""
    key = tmp_path / "key"
    key.write_text("sk-ant-api03-nobody-knows-this-one")
    key.chmod(0o600)
    port = free_port()
    with SimulatorThread() as sim:
        config = {
            "version": 1,
            "listen": {"port": port},
            "admin": {"port": 0},
            "providers": {
                "claude": {"local": True, "base_url": sim.urls()["claude", "api-key"]["base"]}
            },
            "accounts": [
                {"id": "lost", "label": "claude-work", "provider": "claude", "secret": "file:key"}
            ],
            "quota_rules": [{"name": "mine", "requests": 1, "per": "day", "action": "warn"}],
        }
        (tmp_path / "config.yaml").write_text(json.dumps(config))
        (tmp_path / "config.yaml").chmod(0o600)
        with Desktop(tmp_path) as desktop:
            until(lambda: "Running" in desktop.labels(), PATIENCE_S)
            for _ in range(2):
                ask(f"http://127.0.0.1:{port}", question("anthropic-messages", "claude-opus-5"))
            notes = until(lambda: len(found := desktop.ask("notes")) > 1 and found, PATIENCE_S)
            assert notes == [
                [
                    "The provider refused the account's credential",
                    f"claude-work: {catalogue.ACCOUNT_REJECTED.remedy[0]} (KP-AUTH-006)",
                ],
                ["A limit that you have set is reached", notes[1][1]],
            ]
            assert notes[1][1].startswith("Rule “mine” allows 1 request per day; 1 request used;")
            desktop.click("Check for updates")
            last = until(lambda: len(found := desktop.ask("notes")) > 2 and found[2], PATIENCE_S)
            assert last[0] == "There is no release feed"
            desktop.click("Quit KorProxy")
            assert desktop.code() == 0


def test_without_a_panel_it_runs_all_the_same(tmp_path: Path) -> None:
    """A session without a place for icons: KorProxy says so once, and runs in the foreground."""
    (tmp_path / "config.yaml").write_text(
        f"version: 1\nlisten: {{port: {free_port()}}}\nadmin: {{port: 0}}\n"
    )
    (tmp_path / "config.yaml").chmod(0o600)
    environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/at/all"}
    with subprocess.Popen(
        [sys.executable, "-m", "launcher", "tray", "--home", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if line == "healthy\n":
                process.terminate()
                break
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "No tray here" in errors
