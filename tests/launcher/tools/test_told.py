"""What a tool was told: every value, the one that counts first; and no key is ever shown."""

from pathlib import Path

import pytest

from korproxy_addons.presets import PRESETS
from korproxy_addons.presets.base import Role, SettingsFile, entry, variable
from launcher.tools.told import Told, origin_of_variable, read_tool, shown_url, values_of
from support.tool_machine import ToolMachine


@pytest.fixture
def here(tmp_path: Path) -> ToolMachine:
    return ToolMachine(tmp_path)


def test_the_strongest_place_comes_first(here: ToolMachine) -> None:
    here.environ["ANTHROPIC_BASE_URL"] = "http://shell"
    here.file(".claude/settings.json", {"env": {"ANTHROPIC_BASE_URL": "http://user"}})
    here.file(
        "project/.claude/settings.local.json", {"env": {"ANTHROPIC_BASE_URL": "http://local"}}
    )
    found = read_tool(PRESETS["claude-code"], here.machine).of(Role.BASE)
    assert [it.value for it in found] == ["http://local", "http://user", "http://shell"]
    assert found[0].where == "env.ANTHROPIC_BASE_URL in project/.claude/settings.local.json" or (
        found[0].where == "env.ANTHROPIC_BASE_URL in .claude/settings.local.json"
    )


def test_files_that_are_read_no_more_are_kept_apart(here: ToolMachine) -> None:
    here.file(".continue/config.json", {"models": [{"apiBase": "http://old/v1"}]})
    found = read_tool(PRESETS["continue"], here.machine)
    assert found.of(Role.BASE) == ()
    assert [it.value for it in found.old()] == ["http://old/v1"]


def test_a_file_that_cannot_be_read_is_named_once(here: ToolMachine) -> None:
    here.file(".codex/config.toml", "model = ")
    found = read_tool(PRESETS["codex-cli"], here.machine)
    assert found.told == ()
    ((path, why),) = found.unreadable
    assert path == "~/.codex/config.toml"
    assert why.startswith("not TOML")


def test_what_says_nothing_is_nothing(here: ToolMachine) -> None:
    here.environ["K"] = ""
    assert values_of(variable(Role.KEY, "K"), here.machine) == []
    file = SettingsFile("~/f.json")
    here.file("f.json", {"a": "", "b": None, "c": [1], "d": False, "e": 7, "f": True})
    found = [values_of(entry(Role.KEY, file, it), here.machine) for it in "abcdef"]
    assert [[it.value for it in each] for each in found] == [[], [], [], [], ["7"], ["True"]]


def test_a_key_is_not_shown() -> None:
    told = Told(variable(Role.KEY, "K"), "canary-key", "K")
    assert "canary" not in repr(told)


def test_the_line_that_sets_a_variable_is_found_by_its_value(here: ToolMachine) -> None:
    setting = variable(Role.BASE, "B")
    here.file(".zshrc", "export B=http://a\n")
    assert (
        origin_of_variable(Told(setting, "http://a", "B"), here.machine)
        == "~/.zshrc line 1 sets it."
    )
    assert origin_of_variable(Told(setting, "http://b", "B"), here.machine) == ""
    written = entry(Role.BASE, SettingsFile("~/f"), "B")
    assert origin_of_variable(Told(written, "http://a", "B"), here.machine) == ""


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://localhost:1337/v1", "http://localhost:1337/v1"),
        ("http://mina:secret@localhost:1337/v1?key=secret#x", "http://localhost:1337/v1"),
        ("http://[::1]:1337", "http://[::1]:1337"),
        ("localhost:1337", "what is no URL"),
        ("http://localhost:port", "what is no URL"),
        ("", "what is no URL"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown
