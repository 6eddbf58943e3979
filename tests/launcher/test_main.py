import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """`korproxy` as an installed program, in a folder that is not the clone."""
    program = Path(sys.executable).with_name("korproxy")
    return subprocess.run(
        [program, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "code"), [(["version"], 0), (["no-such-command"], 2), (["errors", "none"], 2)]
)
def test_the_exit_code_is_the_commands(tmp_path: Path, arguments: list[str], code: int) -> None:
    assert run(*arguments, cwd=tmp_path).returncode == code


def test_python_m_launcher_is_the_same_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "launcher", "version"]
    as_module = subprocess.run(command, capture_output=True, text=True, check=True)
    assert as_module.stdout == run("version", cwd=tmp_path).stdout
