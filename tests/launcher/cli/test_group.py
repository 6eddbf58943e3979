"""`korproxy group`."""

from pathlib import Path

import pytest

from support.command import Output, called, failed, printed
from support.routing_home import routing_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return routing_home(tmp_path / "home")


def test_a_group_from_its_making_to_its_end(home: Path, capsys: Output) -> None:
    made = called(
        home, capsys, "group", "add", "two", "--account", "b", "--account", "a", "--strategy",
        "weighted", "--weight", "a=2", "--weight", "b=0.5", "--no-sticky",
    )["group"]  # fmt: skip
    assert (made["accounts"], made["strategy"], made["sticky"]) == (["b", "a"], "weighted", False)
    assert made["weights"] == {"a": 2.0, "b": 0.5}
    changed = called(
        home, capsys, "group", "edit", "two", "--clear", "weights", "--reserve", "a=0.25",
        "--strategy", "quota-aware", "--sticky", "--name", "Both",
    )["group"]  # fmt: skip
    assert (changed["weights"], changed["reserves"], changed["sticky"], changed["name"]) == (
        {}, {"a": 0.25}, True, "Both",
    )  # fmt: skip
    assert [it["id"] for it in called(home, capsys, "group", "list")["groups"]] == [
        "default", "cheap", "two",
    ]  # fmt: skip
    assert called(home, capsys, "group", "remove", "two")["was_used_by"] == []


def test_for_people(home: Path, capsys: Output) -> None:
    text = printed(home, capsys, "group", "list")
    assert "all accounts" in text
    assert "round-robin" in text
    assert "fill-first among all accounts" in printed(home, capsys, "group", "add", "x")
    text = printed(home, capsys, "group", "remove", "cheap", "--force")
    assert "also from profile work, rule work/small" in text


def test_what_cannot_be_is_said(home: Path, capsys: Output) -> None:
    code, text = failed(home, capsys, "group", "remove", "cheap")
    assert (code, "profile work" in text) == (1, True)
    code, text = failed(home, capsys, "group", "add", "y", "--weight", "a")
    assert (code, "NAME=VALUE" in text) == (2, True)
    code, text = failed(home, capsys, "group", "add", "y", "--account", "nobody")
    assert (code, "groups[1].accounts[0]" in text) == (1, True)
