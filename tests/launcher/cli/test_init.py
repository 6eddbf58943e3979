"""The command line as a whole."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from korproxy_addons.errors.catalogue import INTERNAL
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.cli import build_app, engine, run, tray, version


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


@pytest.mark.parametrize(
    ("words", "meant"), [(["statsu"], "status"), (["profile", "swich"], "switch")]
)
def test_an_unknown_command_names_the_nearest(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    assert f"Did you mean '{meant}'" in capsys.readouterr().err


def test_ctrl_c_is_no_failure_to_explain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(version, "show", stop)
    # Click turns it into an abort of its own where it can.
    assert run(["version"]) in (1, 130)
    assert "Traceback" not in capsys.readouterr().err


def test_the_shell_completes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "--install-completion" in capsys.readouterr().out


HEAVY = (
    "mitmproxy", "aiohttp", "pydantic", "ruamel", "rich", "starlette", "uvicorn", "cryptography", "pystray",
    "msgspec", "tornado", "prometheus_client", "keyring", "PIL",
)  # fmt: skip
MOST_MODULES = 230
"""Counted, not timed: a shared machine's clock says little. 189 are loaded today, most of them by typer."""


def test_help_loads_next_to_nothing() -> None:
    script = (
        "import sys, json\nfrom launcher.cli import run\nrun(['--help'])\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = json.loads(done.stderr)
    assert [it for it in HEAVY if it in loaded] == []
    ours = {it.removeprefix("launcher.cli.") for it in loaded if it.startswith("launcher.cli.")}
    assert ours == {"lazy", "output", "table"}, "a list of commands loads none of them"
    assert len(loaded) < MOST_MODULES


def test_the_verbs_of_the_earlier_apps_still_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their automation must not break: names, flags and order of arguments."""
    home = ["--home", str(tmp_path), "--json"]
    assert run(["profile", "create", "My Work", "--color", "#112233", *home]) == 0
    made = json.loads(capsys.readouterr().out)["profile"]
    assert (made["id"], made["name"], made["color"]) == ("my-work", "My Work", "#112233")
    assert run(["profile", "create", "Other", "--copy-from", "My Work", *home]) == 0
    assert json.loads(capsys.readouterr().out)["profile"]["color"] == "#112233"
    assert run(["profile", "switch", "My Work", *home]) == 0
    assert json.loads(capsys.readouterr().out)["profile"]["active"] is True
    assert run(["profile", "delete", "Other", *home]) == 0
    assert run(["profile", "list", *home]) == 0
    capsys.readouterr()
    assert run(["provider", "list", *home]) == 0
    assert json.loads(capsys.readouterr().out)["providers"]
    assert run(["provider", "test", "--help"]) == 0
    assert "--all" in capsys.readouterr().out
    out = tmp_path / "out.yaml"
    assert run(["config", "export", "--output", str(out), *home]) == 0
    assert run(["config", "validate", str(out), "--json"]) == 0
    assert run(["config", "import", str(out), "--merge", *home]) == 0
    assert run(["config", "import", str(out), *home]) == 0


def test_every_command_speaks_json_when_asked() -> None:
    """As the first page of the help promises."""
    without = [
        f"{name} {sub}".strip()
        for name, command in get_command(build_app()).commands.items()  # type: ignore[attr-defined]
        for sub, leaf in getattr(command, "commands", {"": command}).items()
        if not any("--json" in parameter.opts for parameter in leaf.params)
    ]
    assert without == []
