import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import dev
from dev_environment import Environment, EnvironmentFailedError

DEV = Path(dev.__file__)


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was prepared; nothing really is."""
    done: list[str] = []
    monkeypatch.setattr(Environment, "prepare", lambda _self, _choose: done.append("environment"))
    monkeypatch.setattr(dev, "install_system", lambda: done.append("system"))
    return done


def returning(code: int, seen: list[list[str]]) -> dev.Command:
    def command(_environment: Environment, arguments: list[str]) -> int:
        seen.append(arguments)
        return code

    return command


def test_a_command_gets_its_arguments_and_gives_its_exit_code(prepared: list[str]) -> None:
    seen: list[list[str]] = []
    assert dev.main(["go", "-x", "a b"], {"go": returning(7, seen)}) == 7
    assert (seen, prepared) == ([["-x", "a b"]], ["environment"])


def test_the_system_is_touched_only_when_asked(prepared: list[str]) -> None:
    """A later --with-system belongs to the command."""
    seen: list[list[str]] = []
    dev.main(["go", "--with-system"], {"go": returning(0, seen)})
    assert (seen, prepared) == ([["--with-system"]], ["environment"])
    dev.main(["--with-system", "go"], {"go": returning(0, seen)})
    assert prepared == ["environment", "system", "environment"]


@pytest.mark.parametrize("arguments", [[], ["bogus"], ["--bogus", "test"], ["--with-system"]])
def test_a_wrong_call_shows_the_commands(
    prepared: list[str], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert dev.main(arguments) == 2
    shown = capsys.readouterr()
    assert (shown.out, prepared) == ("", [])
    assert all(f"    {name} " in shown.err for name in dev.COMMANDS)


def test_help_is_no_wrong_call(prepared: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["--help"]) == 0
    assert "KORPROXY_PYTHON" in capsys.readouterr().out
    assert prepared == []


def test_a_failure_is_one_line_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_self: Environment, _choose: object) -> None:
        raise EnvironmentFailedError("could not make .venv")

    monkeypatch.setattr(Environment, "prepare", fail)
    assert dev.main(["test"]) == 1
    assert capsys.readouterr().err == "dev.py: could not make .venv\n"


def run_as_dev(program: str, *, by: str) -> "subprocess.Popen[bytes]":
    """A Python program, started by a function of dev.py, in a process of its own."""
    code = (
        "import sys, dev, dev_environment\n"
        "environment = dev_environment.Environment(dev.ROOT)\n"
        f"dev.{by}([sys.executable, '-c', {program!r}], environment)\n"
    )
    environ = os.environ | {"PYTHONPATH": str(DEV.parent)}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def test_the_exit_code_is_passed_through() -> None:
    with run_as_dev("import sys; sys.exit(42)", by="replace_process") as process:
        assert process.wait() == 42


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_program(number: signal.Signals) -> None:
    program = (
        "import signal, sys\n"
        f"signal.signal({number:d}, lambda *_: sys.exit(5))\n"
        "print('up', flush=True)\nsignal.pause()\n"
    )
    with run_as_dev(program, by="replace_process") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(number)
        assert process.wait() == 5


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_ctrl_c_is_left_to_the_child_and_the_child_still_knows_it() -> None:
    """As on Windows, where nobody can become another program."""
    program = (
        "import signal\n"
        "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, flush=True)\n"
        "input()\n"
    )
    with run_as_dev(program, by="run") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        process.send_signal(signal.SIGINT)
        process.communicate(b"\n")
        assert process.returncode == 0


def test_every_check_of_lint_runs_also_after_one_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = iter([1, 0, 3, 0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dev, "run", lambda _argv, _environment: next(codes))
    assert dev.lint(Environment(tmp_path), []) == 3
    assert list(codes) == []
    assert capsys.readouterr().out.count("dev.py: ") == 4


@pytest.mark.parametrize("command", [dev.chaos, dev.sums])
def test_a_long_run_is_started_with_its_size(
    monkeypatch: pytest.MonkeyPatch, command: dev.Command
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(dev, "replace_process", lambda argv, _environment: seen.append(argv))
    environment = Environment(dev.ROOT)
    command(environment, ["500", "8"])
    (argv,) = seen
    assert argv[0] == str(environment.python)
    assert Path(argv[1]).is_file()
    assert Path(argv[1]).parent.name == command.__name__
    assert argv[2:] == ["500", "8"]


@pytest.mark.parametrize(
    ("command", "arguments", "variable", "value"),
    [
        (dev.soak, [], "KORPROXY_SOAK_S", "1800"),
        (dev.soak, ["60"], "KORPROXY_SOAK_S", "60"),
        (dev.cycles, [], "KORPROXY_START_CYCLES", "200"),
    ],
)
def test_a_long_form_is_given_its_length_and_time(
    command: dev.Command,
    arguments: list[str],
    variable: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(dev, "replace_process", lambda argv, _environment: seen.append(argv))
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.chdir(dev.ROOT)
    command(Environment(dev.ROOT), arguments)
    (argv,) = seen
    assert os.environ == {variable: value}
    (path,) = [word for word in argv if word.startswith("tests/")]
    assert variable in (dev.ROOT / path).read_text()
    assert "faulthandler_timeout=0" in argv
