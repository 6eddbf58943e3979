#!/usr/bin/env python3
"""
The one command of this repository: finds Python, makes `.venv`, runs.

    python3 packaging/dev.py COMMAND [ARGS]

    demo [ARGS]     `korproxy demo`: gateway and simulated providers, one request per road
    run [ARGS]      `korproxy ARGS`; bare: the gateway
    test [ARGS]     the tests; ARGS go to pytest
    lint            ruff, mypy and the import contracts
    bench [ARGS]    the timings in tests/bench
    chaos [ARGS]    the long chaos run; ARGS: requests, clients and seed, by default 10000 32 1
    soak [SECONDS]  mixed traffic while everything happens that may; half an hour unless told
    cycles [COUNT]  so many starts and stops of the gateway; 200 unless told
    sums [ARGS]     the gateway's ledger beside the simulator's own, the long form; ARGS likewise, by
                    default 10000 24 1
    tools           the real coding tools some tests run, from npm into .tools/
    reference       write launcher/docs/reference.md anew from the code
    lock [ARGS]     make requirements.lock anew; ARGS go to `uv pip compile` (--upgrade, ...)

Any Python from 3.8 on starts it, on Linux, macOS and Windows; KORPROXY_PYTHON names the one to use.
Nothing is installed outside .venv and .tools, unless --with-system is given before the command: then
what the tests need of the system (Node, nginx, Chromium, Prometheus and so on) is installed too, by
the system's own package manager.
"""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, NoReturn

from dev_environment import LOCK_NAME, Environment, EnvironmentFailedError
from dev_python import Interpreter, NoPythonError, choose
from dev_tools import ToolsFailedError, install_system, install_tools, install_tray

ROOT = Path(__file__).resolve().parent.parent
LOCK_COMMAND = "python3 packaging/dev.py lock"

Command = Callable[[Environment, List[str]], int]


def module(environment: Environment, name: str, arguments: List[str]) -> List[str]:
    """Argv that runs a Python module in `.venv`."""
    return [str(environment.python), "-m", name, *arguments]


def korproxy(environment: Environment, arguments: List[str]) -> int:
    """Become `korproxy ARGS`."""
    replace_process(module(environment, "launcher", arguments), environment)


def demo(environment: Environment, arguments: List[str]) -> int:
    """Become `korproxy demo ARGS`."""
    return korproxy(environment, ["demo", *arguments])


def test(environment: Environment, arguments: List[str]) -> int:
    """Become pytest, in the clone's folder."""
    os.chdir(str(environment.root))
    replace_process(module(environment, "pytest", arguments), environment)


def bench(environment: Environment, arguments: List[str]) -> int:
    """Become pytest on the timings, which it leaves out otherwise."""
    return test(environment, ["tests/bench", "-m", "bench", "--capture=no", *arguments])


def chaos(environment: Environment, arguments: List[str]) -> int:
    """Become the long chaos run."""
    program = environment.root / "tests" / "chaos" / "run.py"
    replace_process([str(environment.python), str(program), *arguments], environment)


def soak(environment: Environment, arguments: List[str]) -> int:
    """Become the long form of the soak."""
    return long_test(environment, "test_soak.py", "KORPROXY_SOAK_S", (arguments or ["1800"])[0])


def cycles(environment: Environment, arguments: List[str]) -> int:
    """Become the long form of starting and stopping."""
    count = (arguments or ["200"])[0]
    return long_test(environment, "test_cycles.py", "KORPROXY_START_CYCLES", count)


def long_test(environment: Environment, name: str, variable: str, value: str) -> int:
    """Become pytest on one test whose length a variable gives; it is not ended for taking its time."""
    os.environ[variable] = value
    options = ["--capture=no", "-o", "faulthandler_timeout=0"]
    return test(environment, ["tests/e2e/supervision/" + name, *options])


def sums(environment: Environment, arguments: List[str]) -> int:
    """Become the long form of the sums."""
    program = environment.root / "tests" / "sums" / "run.py"
    replace_process([str(environment.python), str(program), *arguments], environment)


def lint(environment: Environment, _arguments: List[str]) -> int:
    """Run every check, also after one has failed; the exit code is that of the last failure."""
    os.chdir(str(environment.root))
    python = str(environment.python)
    checks = {
        "ruff check": [python, "-m", "ruff", "check"],
        "ruff format --check": [python, "-m", "ruff", "format", "--check"],
        "mypy": [python, "-m", "mypy"],
        "lint-imports": [str(environment.script("lint-imports"))],
    }
    failed = 0
    for name, check in checks.items():
        print("dev.py: " + name, flush=True)
        failed = run(check, environment) or failed
    return failed


def tools(environment: Environment, _arguments: List[str]) -> int:
    """Install the coding tools that the client tests run, and what the tray's tests need."""
    install_tools(environment.root)
    install_tray(environment.root, environment.python)
    return 0


def reference(environment: Environment, arguments: List[str]) -> int:
    """Write the reference pages."""
    return run(module(environment, "launcher.reference", arguments), environment)


def lock(environment: Environment, arguments: List[str]) -> int:
    """Make requirements.lock from pyproject.toml, for all systems and Pythons at once."""
    os.chdir(str(environment.root))
    install_uv = ["install", "--quiet", "--disable-pip-version-check", "uv"]
    code = run(module(environment, "pip", install_uv), environment)
    options = ["--universal", "--python-version", "3.12", "--generate-hashes", "--quiet"]
    options += ["--extra", "test", "--extra", "packaging"]
    options += ["--custom-compile-command", LOCK_COMMAND, "-o", LOCK_NAME, "pyproject.toml"]
    return code or run(
        module(environment, "uv", ["pip", "compile", *options, *arguments]), environment
    )


COMMANDS: Dict[str, Command] = {
    "demo": demo,
    "run": korproxy,
    "test": test,
    "lint": lint,
    "bench": bench,
    "chaos": chaos,
    "sums": sums,
    "soak": soak,
    "cycles": cycles,
    "tools": tools,
    "reference": reference,
    "lock": lock,
}


def run(argv: List[str], environment: Environment) -> int:
    """Run a program with `.venv` first on PATH; returns its exit code."""
    environ = environment.child_environ(os.environ)
    # Ctrl-C reaches the child by the terminal; we only wait for what it makes of it
    with left_to_child(signal.SIGINT):
        return subprocess.call(argv, env=environ)


@contextlib.contextmanager
def left_to_child(number: signal.Signals) -> Iterator[None]:
    """Do nothing on one signal. By a handler, which a child does not inherit: SIG_IGN it would."""
    before = signal.signal(number, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(number, before)


def replace_process(argv: List[str], environment: Environment) -> NoReturn:
    """Become another program: its exit code is ours, and signals are its own."""
    if os.name == "posix":
        os.execve(argv[0], argv, environment.child_environ(os.environ))
    sys.exit(run(argv, environment))


def main(arguments: List[str], commands: Mapping[str, Command] = COMMANDS) -> int:
    """Run one command; returns its exit code, 2 for a wrong call, 1 if something could not be made."""
    with_system = arguments[:1] == ["--with-system"]
    rest = arguments[1:] if with_system else arguments
    if not rest or rest[0] not in commands:
        print(__doc__, file=sys.stdout if rest[:1] in (["--help"], ["-h"]) else sys.stderr)
        return 0 if rest[:1] in (["--help"], ["-h"]) else 2
    environment = Environment(ROOT)
    try:
        if with_system:
            install_system()
        environment.prepare(choose_here)
        return commands[rest[0]](environment, rest[1:])
    except (NoPythonError, EnvironmentFailedError, ToolsFailedError) as problem:
        print(f"dev.py: {problem}", file=sys.stderr)
        return 1


def choose_here() -> Interpreter:
    """A suitable Python of this machine."""
    return choose(os.environ, Path.home())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
