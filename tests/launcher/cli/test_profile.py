"""`korproxy profile`."""

from pathlib import Path

import pytest

from support.command import Output, called, failed, printed
from support.routing_home import routing_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return routing_home(tmp_path / "home")


def test_a_profile_from_its_making_to_its_end(home: Path, capsys: Output) -> None:
    made = called(
        home, capsys, "profile", "add", "home", "--name", "At home", "--color", "#010203", "--group",
        "cheap", "--group", "default", "--project", "~/x", "--project", "~/y",
    )["profile"]  # fmt: skip
    assert (made["name"], made["color"], made["groups"]) == (
        "At home",
        "#010203",
        ["cheap", "default"],
    )
    assert (made["projects"], made["active"]) == (["~/x", "~/y"], False)
    assert called(home, capsys, "profile", "use", "at HOME")["profile"]["active"]
    changed = called(
        home, capsys, "profile", "edit", "home", "--clear", "projects", "--icon", "bag"
    )
    assert (changed["profile"]["projects"], changed["profile"]["icon"]) == ([], "bag")
    listed = called(home, capsys, "profile", "list")["profiles"]
    assert [(it["id"], it["active"]) for it in listed] == [
        ("default", False), ("work", False), ("home", True),
    ]  # fmt: skip
    assert called(home, capsys, "profile", "remove", "work") == {"id": "work", "removed": True}


def test_for_people(home: Path, capsys: Output) -> None:
    lines = printed(home, capsys, "profile", "list").splitlines()
    (active,) = (line for line in lines if "●" in line)
    assert "Day job" in active
    assert "cheap, default" in active
    assert "in force" in printed(home, capsys, "profile", "use", "default")
    assert "added" in printed(home, capsys, "profile", "add", "x", "--use")


def test_what_cannot_be_is_said(home: Path, capsys: Output) -> None:
    code, text = failed(home, capsys, "profile", "use", "hmoe")
    assert (code, "default" in text, "KP-CONF-220" in text) == (1, True, True)
    code, text = failed(home, capsys, "profile", "edit", "work", "--clear", "rules")
    assert (code, "--clear" in text) == (2, True)
