import subprocess
import sys
from pathlib import Path

import pytest

from launcher.gateway_command import (
    CONTROL_PIPE,
    PARENT,
    Kept,
    explain_command,
    gateway_command,
    kept_by_launcher,
)


def test_from_source_it_is_a_module_of_this_python() -> None:
    assert gateway_command() == [sys.executable, "-m", "korproxy_addons"]


def test_options_are_passed_only_if_given() -> None:
    command = gateway_command(home=Path("my home"), port=0)
    assert command[3:] == ["--home", "my home", "--port", "0"]
    assert gateway_command(ready_json=True, quiet=True)[3:] == ["--ready-json", "--quiet"]
    assert gateway_command(parent=7)[3:] == ["--parent", "7"]


def test_the_gateway_knows_these_options() -> None:
    """... all of them; the two sides share no code."""
    command = gateway_command(home=Path("x"), port=1, ready_json=True, quiet=True)
    done = subprocess.run(
        [*command, "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    assert all(word in done.stdout for word in command[3:] if word.startswith("--"))


@pytest.mark.parametrize(
    ("launcher", "gateway"),
    [("korproxy", "korproxy-gateway"), ("KorProxy.exe", "korproxy-gateway.exe")],
)
def test_frozen_it_is_the_program_beside_this_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, launcher: str, gateway: str
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / launcher))
    assert gateway_command(port=5) == [str(tmp_path / gateway), "--port", "5"]


def test_questions_about_routes_have_a_program_of_their_own() -> None:
    command = explain_command(Path("my home"))
    assert command == [sys.executable, "-m", "korproxy_addons.explain", "--home", "my home"]
    done = subprocess.run(
        [*command, "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "one answer on stdout" in done.stdout


def test_frozen_the_gateway_answers_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "korproxy"))
    gateway = str(tmp_path / "korproxy-gateway")
    assert explain_command(Path("h")) == [gateway, "explain", "--home", "h"]


@pytest.mark.parametrize("frozen", [False, True])
def test_one_that_a_launcher_keeps_is_told_from_all_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, frozen: bool
) -> None:
    if frozen:
        monkeypatch.setattr(sys, "frozen", True, raising=False)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "KorProxy.exe"))
    own = gateway_command(home=Path("my home"), quiet=True)
    kept = [*own, CONTROL_PIPE, "--start", "config", PARENT, "77", "--listen-fd", "6"]
    assert kept_by_launcher(kept) == Kept("my home", 77)
    assert kept_by_launcher(own) is None
    assert kept_by_launcher(["vim", *kept[1:]] if frozen else ["vim", *kept]) is None
    assert kept_by_launcher([*gateway_command(), CONTROL_PIPE, PARENT, "77"]) is None
    assert kept_by_launcher([*own, CONTROL_PIPE, PARENT]) is None
    assert kept_by_launcher([]) is None
