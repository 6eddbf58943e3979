"""`korproxy key`."""

from pathlib import Path

import pytest

from support.command import Output, called, failed, printed
from support.routing_home import routing_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return routing_home(tmp_path / "home")


def test_a_key_from_its_making_to_its_end(home: Path, capsys: Output) -> None:
    made = called(
        home, capsys, "key", "add", "tool", "--profile", "Day job", "--requests-per-minute", "9",
        "--tokens-per-day", "1000", "--cost-usd-per-month", "2.5", "--concurrency", "2", "--model",
        "claude-*", "--require",
    )  # fmt: skip
    assert made["key"]["profile"] == "work"
    assert made["key"]["limits"] == {
        "requests_per_minute": 9, "tokens_per_day": 1000, "cost_usd_per_month": 2.5,
        "concurrency": 2, "models": ["claude-*"],
    }  # fmt: skip
    assert made["key"]["required"]
    assert made["secret"] not in (home / "config.yaml").read_text()
    changed = called(
        home, capsys, "key", "edit", "tool", "--clear", "profile", "--clear", "models",
        "--concurrency", "3",
    )["key"]  # fmt: skip
    assert (changed["profile"], changed["limits"]["concurrency"]) == (None, 3)
    assert "models" not in changed["limits"]
    renewed = called(home, capsys, "key", "renew", "tool")
    assert renewed["secret"] != made["secret"]
    listed = called(home, capsys, "key", "list")
    assert [it["id"] for it in listed["keys"]] == ["tool"]
    assert renewed["secret"] not in str(listed)
    called(home, capsys, "key", "add", "other")
    assert called(home, capsys, "key", "remove", "tool") == {"id": "tool", "removed": True}


def test_for_people(home: Path, capsys: Output) -> None:
    assert "every tool on this computer is served" in printed(home, capsys, "key", "list")
    text = printed(home, capsys, "key", "add", "tool", "--concurrency", "2", "--model", "claude-*")
    (shown,) = (line.strip() for line in text.splitlines() if "kp-local-" in line)
    assert "shown this once" in text
    assert "local_keys.required" in text
    text = printed(home, capsys, "key", "list")
    assert "concurrency 2, models claude-*" in text
    assert "not required" in text
    assert shown not in text
    assert "changed" in printed(home, capsys, "key", "edit", "tool", "--profile", "work")
    assert "removed" in printed(home, capsys, "key", "remove", "tool")


def test_what_cannot_be_is_said(home: Path, capsys: Output) -> None:
    assert failed(home, capsys, "key", "remove", "x")[0] == 1
    assert failed(home, capsys, "key", "edit", "x", "--clear", "sha256")[0] == 2
