"""Where a tool's files are, and whether the tool is here."""

from pathlib import Path

from korproxy_addons.presets.base import Preset, Scope, SettingsFile
from launcher.tools.machine import Machine, is_installed


def machine(tmp_path: Path, *programs: str, **environ: str) -> Machine:
    home, folder = tmp_path / "u", tmp_path / "u" / "p"
    folder.mkdir(parents=True, exist_ok=True)
    return Machine(environ, home, folder, "linux", lambda it: it if it in programs else None)


def test_a_file_of_the_user_one_of_the_project_and_one_of_the_system(tmp_path: Path) -> None:
    here = machine(tmp_path, X_HOME="/moved")
    assert here.path(SettingsFile("~/.x/s.json")) == tmp_path / "u/.x/s.json"
    assert here.path(SettingsFile("{X_HOME|~/.x}/s.json")) == Path("/moved/s.json")
    project = SettingsFile(".x/s.json", scope=Scope.PROJECT)
    assert here.path(project) == tmp_path / "u/p/.x/s.json"
    shown = [
        here.shown(here.path(it)) for it in (SettingsFile("~/.x"), project, SettingsFile("/etc/x"))
    ]
    assert shown == ["~/.x", ".x/s.json", "/etc/x"]


def test_a_project_that_is_the_users_folder_itself(tmp_path: Path) -> None:
    here = Machine({}, tmp_path, tmp_path, "linux", lambda _: None)
    assert here.shown(tmp_path / ".x") == "~/.x"


def test_a_tool_is_here_by_its_program_or_by_what_it_left(tmp_path: Path) -> None:
    tool = Preset(
        id="x", name="X", programs=("x", "xx"),
        traces=(SettingsFile("~/.x"), SettingsFile("~/.vscode/extensions/maker.x-*")),
    )  # fmt: skip
    assert not is_installed(tool, machine(tmp_path, "y"))
    assert is_installed(tool, machine(tmp_path, "xx"))
    extension = tmp_path / "u/.vscode/extensions/maker.x-1.2.3"
    extension.mkdir(parents=True)
    assert is_installed(tool, machine(tmp_path))
    extension.rmdir()
    (tmp_path / "u/.x").mkdir()
    assert is_installed(tool, machine(tmp_path))


def test_variables_are_not_shown() -> None:
    assert "canary" not in repr(Machine({"KEY": "canary"}))
