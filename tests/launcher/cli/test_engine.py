import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from launcher.cli import engine, run
from launcher.gateway_command import gateway_command


def test_the_options_reach_the_gateway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(engine, "become", started.append)
    assert run(["engine", "--home", str(tmp_path), "--port", "4711"]) == 0
    assert run(["engine", "--json", "--quiet"]) == 0
    assert started == [
        gateway_command(home=tmp_path, port=4711),
        gateway_command(ready_json=True, quiet=True),
    ]


def test_a_port_is_a_port(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "become", lambda _argv: pytest.fail("it was started"))
    assert run(["engine", "--port", "70000"]) == 2
    assert "65535" in capsys.readouterr().err


BECOME = (
    "import sys\nfrom launcher.cli.engine import become\nbecome([sys.executable, '-c', {!r}])\n"
)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no process can be replaced")
def test_the_program_takes_this_process_over() -> None:
    program = BECOME.format("import os, sys; print(os.getpid()); sys.exit(9)")
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert int(process.stdout.read()) == process.pid
        assert process.wait() == 9


def test_where_it_cannot_its_exit_code_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_REPLACES", False)
    with pytest.raises(typer.Exit) as done:
        engine.become([sys.executable, "-c", "import sys; sys.exit(9)"])
    assert done.value.exit_code == 9
