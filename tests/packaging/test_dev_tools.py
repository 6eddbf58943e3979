import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import dev_tools
from dev_tools import (
    PARTS,
    ToolsFailedError,
    install_commands,
    install_tools,
    install_tray,
    lacking,
)

NPM = Path(dev_tools.__file__).parent / "npm"


def on_path(*names: str) -> Callable[[str], str | None]:
    return lambda name: f"/bin/{name}" if name in names else None


def test_what_is_lacking() -> None:
    panel = ("xfce4-panel", "openbox", "xdotool", "import")
    desktop = ("gnome-keyring-daemon", "dbus-run-session", "Xvfb", *panel, "g-ir-scanner")
    most = ("npm", "chromium", "prometheus", *desktop)
    assert [part.program for part in lacking(on_path(*most))] == ["nginx"]
    everything = on_path(*most, "nginx")
    assert install_commands(lacking(everything), on_path("apt-get")) == []


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        (
            "apt-get",
            (
                "apt-get install --yes --no-install-recommends nodejs npm nginx-light prometheus chromium gnome-keyring dbus"
                " xvfb xfce4-panel fonts-dejavu-core openbox xdotool imagemagick libgirepository1.0-dev libcairo2-dev"
                " gir1.2-gtk-3.0 gir1.2-ayatanaappindicator3-0.1 gcc pkg-config"
            ),
        ),
        ("brew", "brew install node nginx prometheus chromium"),
        ("winget", "winget install --exact OpenJS.NodeJS.LTS nginxinc.nginx"),
    ],
)
def test_each_system_installs_in_its_own_way(manager: str, command: str) -> None:
    assert " ".join(install_commands(PARTS, on_path(manager))[-1]) == command


def test_a_system_that_has_no_package_of_it_goes_without() -> None:
    without = lacking(on_path("npm", "nginx"))
    assert [part.program for part in without] == [
        "prometheus", "chromium", "gnome-keyring-daemon", "dbus-run-session", "Xvfb",
        "xfce4-panel", "openbox", "xdotool", "import", "g-ir-scanner",
    ]  # fmt: skip
    assert install_commands(without, on_path("winget")) == []


def test_apt_is_asked_as_root() -> None:
    commands = install_commands(PARTS, on_path("apt-get", "sudo"), is_root=False)
    assert [command[:2] for command in commands] == [["sudo", "apt-get"]] * 2


def test_what_debian_would_keep_running_is_ended() -> None:
    """Only what was just installed, and only where systemd has started it."""
    lacked = [part for part in PARTS if part.program in ("npm", "prometheus")]
    *_, last = install_commands(lacked, on_path("apt-get"), has_systemd=True)
    assert " ".join(last) == "systemctl disable --now --quiet prometheus"
    assert install_commands(lacked, on_path("apt-get"))[-1][:2] == ["apt-get", "install"]
    assert install_commands(lacked[:1], on_path("apt-get"), has_systemd=True)[-1][1] == "install"
    assert install_commands(lacked, on_path("brew"), has_systemd=True)[-1][:2] == [
        "brew",
        "install",
    ]


def test_an_unknown_system_is_told_what_to_install() -> None:
    with pytest.raises(ToolsFailedError, match="install npm and nginx and prometheus and chromium"):
        install_commands(PARTS, on_path("pacman"))


def test_the_tools_are_pinned_with_their_hashes() -> None:
    """... and without the address they came from, so that any mirror serves them."""
    wanted = json.loads(NPM.joinpath("package.json").read_text())
    locked = json.loads(NPM.joinpath("package-lock.json").read_text())["packages"]
    assert locked[""]["dependencies"] == wanted["dependencies"]
    for name, version in wanted["dependencies"].items():
        assert locked[f"node_modules/{name}"]["version"] == version
    assert all("integrity" in row for name, row in locked.items() if name)
    assert not any("resolved" in row for row in locked.values())


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone, and an npm and a node that note how they are called."""
    manifest = tmp_path / "packaging" / "npm"
    manifest.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        manifest.joinpath(name).write_text("{}")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("npm", "node"):
        script = programs / name
        script.write_text(f'#!/bin/sh\necho "{name} $1" >> "{tmp_path}/calls"\n')
        script.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    return tmp_path


def calls(root: Path) -> list[str]:
    return [Path(line).name for line in root.joinpath("calls").read_text().splitlines()]


@pytest.mark.skipif(os.name == "nt", reason="npm is a shell script here")
class TestInstallTools:
    def test_once_for_each_manifest(self, root: Path) -> None:
        install_tools(root)
        install_tools(root)
        assert calls(root) == ["npm ci", "install.cjs"]
        root.joinpath("packaging", "npm", "package.json").write_text('{"new": 1}')
        install_tools(root)
        assert calls(root) == ["npm ci", "install.cjs"] * 2
        assert root.joinpath(".tools", "package.json").read_text() == '{"new": 1}'

    def test_what_failed_is_tried_again(self, root: Path) -> None:
        npm = root / "bin" / "npm"
        working = npm.read_text()
        npm.write_text("#!/bin/sh\nexit 1\n")
        with pytest.raises(ToolsFailedError, match="npm ci --ignore-scripts"):
            install_tools(root)
        npm.write_text(working)
        install_tools(root)
        assert calls(root) == ["npm ci", "install.cjs"]

    def test_without_npm_it_says_how_to_get_it(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(root))
        with pytest.raises(ToolsFailedError, match="--with-system tools"):
            install_tools(root)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A clone with a lock of the tray's parts; what is run is noted."""
    (tmp_path / "packaging").mkdir()
    (tmp_path / ".tools").mkdir()
    (tmp_path / "packaging" / "tray.lock").write_text("one==1")
    monkeypatch.setattr(sys, "platform", "linux")
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> SimpleNamespace:
        ran.append(command)
        return SimpleNamespace(returncode=int("broken" in str(command[0])))

    monkeypatch.setattr(subprocess, "run", run)
    return ran


def test_the_tray_s_parts_are_built_once_for_each_lock(
    tmp_path: Path, clone: list[list[str]]
) -> None:
    python = Path("/usr/bin/python3.13")
    for _ in range(2):
        install_tray(tmp_path, python, on_path("g-ir-scanner"))
    assert len(clone) == 1
    assert "--require-hashes" in clone[0]
    (tmp_path / "packaging" / "tray.lock").write_text("one==2")
    install_tray(tmp_path, python, on_path("g-ir-scanner"))
    assert len(clone) == 2


def test_without_the_system_s_own_parts_nothing_is_built(
    tmp_path: Path, clone: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    install_tray(tmp_path, Path("python"), on_path())
    monkeypatch.setattr(sys, "platform", "darwin")
    install_tray(tmp_path, Path("python"), on_path("g-ir-scanner"))
    assert clone == []


def test_a_build_that_fails_is_said_and_tried_again(tmp_path: Path, clone: list[list[str]]) -> None:
    for _ in range(2):
        with pytest.raises(ToolsFailedError, match="tray"):
            install_tray(tmp_path, Path("/broken/python"), on_path("g-ir-scanner"))
    assert len(clone) == 2


def test_the_tray_s_parts_are_pinned_with_their_hashes() -> None:
    lines = (NPM.parent / "tray.lock").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert len(pins) == 2
    assert all("==" in line and " --hash=sha256:" in line for line in pins)
