"""`korproxy rule`."""

from pathlib import Path

import pytest

from support.command import Output, called, failed, printed
from support.routing_home import routing_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return routing_home(tmp_path / "home")


def test_every_condition_and_target_has_its_option(home: Path, capsys: Output) -> None:
    made = called(
        home, capsys, "rule", "add", "all", "--tool", "cline", "--tool", "claude-*", "--dialect",
        "gemini", "--kind", "vision", "--for-model", "gpt-*", "--min-input-tokens", "5",
        "--max-input-tokens", "50", "--project", "~/x", "--header", "x-team=red*", "--time",
        "sat,sun", "--group", "cheap", "--group", "default", "--model", "claude/m", "--set",
        "max_tokens=7", "--set", "temperature=0.5", "--set", "effort=low", "--before", "small",
    )["rule"]  # fmt: skip
    assert made["when"] == {
        "tool": ["cline", "claude-*"], "dialect": ["gemini"], "kind": ["vision"], "model": ["gpt-*"],
        "min_input_tokens": 5, "max_input_tokens": 50, "project": ["~/x"],
        "header": {"x-team": "red*"}, "time": ["sat,sun"],
    }  # fmt: skip
    assert (made["position"], made["groups"], made["model"]) == (
        1,
        ["cheap", "default"],
        "claude/m",
    )
    assert made["parameters"] == {"max_tokens": 7, "temperature": 0.5, "effort": "low"}


def test_a_rule_is_changed_moved_and_taken_out(home: Path, capsys: Output) -> None:
    changed = called(
        home, capsys, "rule", "edit", "big", "--clear", "model", "--clear", "effort", "--set",
        "top_p=0.5", "--for-model", "x", "--disable", "--before", "small",
    )["rule"]  # fmt: skip
    assert (changed["model"], changed["parameters"], changed["when"]) == (
        None, {"top_p": 0.5}, {"model": ["x"]},
    )  # fmt: skip
    assert (changed["disabled"], changed["position"]) == (True, 1)
    changed = called(home, capsys, "rule", "edit", "big", "--clear", "for-model", "--enable")[
        "rule"
    ]
    assert (changed["when"], changed["disabled"]) == ({}, False)
    assert called(home, capsys, "rule", "remove", "small") == {"rule": "small", "removed": True}
    assert [it["name"] for it in called(home, capsys, "rule", "list")["rules"]] == ["big"]


def test_the_profile_is_the_one_in_force_unless_one_is_named(home: Path, capsys: Output) -> None:
    called(home, capsys, "rule", "add", "r", "--profile", "default", "--group", "cheap")
    listed = called(home, capsys, "rule", "list", "--profile", "default")["rules"]
    assert [(it["profile"], it["name"]) for it in listed] == [("default", "r")]


def test_for_people(home: Path, capsys: Output) -> None:
    text = printed(home, capsys, "rule", "list")
    assert "kind background" in text
    assert "group cheap, default" in text
    text = printed(home, capsys, "rule", "add", "r", "--header", "x-a=b", "--model", "m")
    assert "3. r (profile work): added. x-a = b → model m" in text
    assert "always → model m" in printed(home, capsys, "rule", "edit", "r", "--clear", "header")
    printed(home, capsys, "rule", "edit", "r", "--disable")
    assert "r (off)" in printed(home, capsys, "rule", "list")
    assert "removed" in printed(home, capsys, "rule", "remove", "r")
    assert "There is no rule" in printed(home, capsys, "rule", "list", "--profile", "default")


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--set", "tokens=5"), 2, "max_tokens"),
        (("--set", "top_p=x"), 2, "a number"),
        (("--header", "x"), 2, "NAME=VALUE"),
        (("--time", "noon", "--model", "m"), 1, "mon-fri"),
        (("--kind", "backgrund", "--model", "m"), 1, "background"),
        ((), 1, "does nothing"),
    ],
)
def test_what_cannot_be_is_said(
    home: Path, capsys: Output, options: tuple[str, ...], code: int, says: str
) -> None:
    before = (home / "config.yaml").read_text()
    found, text = failed(home, capsys, "rule", "add", "x", *options)
    assert (found, says in text) == (code, True), text
    assert (home / "config.yaml").read_text() == before


def test_an_unknown_field_cannot_be_cleared(home: Path, capsys: Output) -> None:
    assert failed(home, capsys, "rule", "edit", "big", "--clear", "name")[0] == 2
