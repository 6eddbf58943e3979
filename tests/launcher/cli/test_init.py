"""The command line as a whole."""

import json

import pytest
import typer
from typer.main import get_command

from korproxy_addons.errors.catalogue import INTERNAL
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.cli import COMMANDS, build_app, engine, run, tray, version


def test_every_command_is_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    listed = {line.split()[0] for line in shown.splitlines() if line.startswith("  ")}
    for module in COMMANDS:
        alone = typer.Typer()
        alone.callback()(lambda: None)
        module.register(alone)
        names = set(get_command(alone).commands)  # type: ignore[attr-defined]
        assert names, f"{module.__name__} registers no command"
        assert names <= listed


def test_a_bare_call_is_the_tray(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(tray, "tray", lambda: started.append("tray"))
    assert run([]) == 0
    assert started == ["tray"]
    assert run(["version"]) == 0
    assert started == ["tray"]


def test_the_engine_takes_this_process_s_place(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(engine, "become", started.append)
    assert run(["engine"]) == 0
    assert "korproxy_addons" in started[0]


def test_a_failure_is_printed_and_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise KorProxyError(INTERNAL, detail="planted")

    monkeypatch.setattr(version, "show", fail)
    assert run(["version"]) == 1
    assert "planted" in capsys.readouterr().err
    assert run(["version", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == INTERNAL.code


@pytest.mark.parametrize(
    "arguments", [["bogus"], ["version", "--bogus"], ["engine", "--port", "x"]]
)
def test_a_wrong_call_is_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert "Usage:" in capsys.readouterr().err


def test_every_command_speaks_json_when_asked() -> None:
    """`config schema` is JSON in any case."""
    without = [
        f"{name} {sub}".strip()
        for name, command in get_command(build_app()).commands.items()  # type: ignore[attr-defined]
        for sub, leaf in getattr(command, "commands", {"": command}).items()
        if not any("--json" in parameter.opts for parameter in leaf.params)
    ]
    assert without == ["config schema"]
