import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import dev_tools
from dev_tools import PARTS, ToolsFailedError, install_commands, install_tools, lacking

NPM = Path(dev_tools.__file__).parent / "npm"


def on_path(*names: str) -> Callable[[str], str | None]:
    return lambda name: f"/bin/{name}" if name in names else None


def test_what_is_lacking() -> None:
    keyring = ("gnome-keyring-daemon", "dbus-run-session")
    assert [part.program for part in lacking(on_path("npm", "chromium", *keyring))] == ["nginx"]
    everything = on_path("npm", "nginx", "chromium", *keyring)
    assert install_commands(lacking(everything), on_path("apt-get")) == []


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        (
            "apt-get",
            "apt-get install --yes --no-install-recommends nodejs npm nginx-light chromium gnome-keyring dbus",
        ),
        ("brew", "brew install node nginx chromium"),
        ("winget", "winget install --exact OpenJS.NodeJS.LTS nginxinc.nginx"),
    ],
)
def test_each_system_installs_in_its_own_way(manager: str, command: str) -> None:
    assert " ".join(install_commands(PARTS, on_path(manager))[-1]) == command


def test_a_system_that_has_no_package_of_it_goes_without() -> None:
    without = lacking(on_path("npm", "nginx"))
    assert [part.program for part in without] == [
        "chromium", "gnome-keyring-daemon", "dbus-run-session",
    ]  # fmt: skip
    assert install_commands(without, on_path("winget")) == []


def test_apt_is_asked_as_root() -> None:
    commands = install_commands(PARTS, on_path("apt-get", "sudo"), is_root=False)
    assert [command[:2] for command in commands] == [["sudo", "apt-get"]] * 2


def test_an_unknown_system_is_told_what_to_install() -> None:
    with pytest.raises(ToolsFailedError, match="install npm and nginx and chromium"):
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
