"""The plugin in a pytest of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent

SKIPS = """
import pytest

def test_passes():
    pass

@pytest.mark.parametrize("number", [1, 2])
def test_lacks_a_part(number):
    pytest.skip("gears are not installed: buy gears")

@pytest.mark.xfail(strict=True, reason="a known defect")
def test_known_defect():
    assert False
"""
SKIPS_ITSELF = 'import pytest\npytest.skip("no teeth here", allow_module_level=True)\n'


def run_pytest(folder: Path, *, no_skips: bool) -> "subprocess.CompletedProcess[str]":
    environ = os.environ | {"PYTHONPATH": str(TESTS), "KORPROXY_NO_SKIPS": "01"[no_skips]}
    options = ["-p", "support.skips", "-p", "no:cacheprovider", f"--rootdir={folder}", str(folder)]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, *options],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_skip_is_listed_once_with_its_reason(tmp_path: Path) -> None:
    tmp_path.joinpath("test_gears.py").write_text(SKIPS)
    done = run_pytest(tmp_path, no_skips=False)
    assert done.returncode == 0
    assert "NOT TESTED HERE" in done.stdout
    assert done.stdout.count("2 x gears are not installed: buy gears") == 1


def test_a_skip_fails_where_nothing_may_be_skipped(tmp_path: Path) -> None:
    """... and an expected failure stays one."""
    tmp_path.joinpath("test_gears.py").write_text(SKIPS)
    done = run_pytest(tmp_path, no_skips=True)
    assert done.returncode == 1
    assert "2 failed, 1 passed, 1 xfailed" in done.stdout
    assert "this was skipped: gears are not installed: buy gears" in done.stdout


@pytest.mark.parametrize("no_skips", [False, True])
def test_a_file_that_skips_itself(tmp_path: Path, no_skips: bool) -> None:
    tmp_path.joinpath("test_teeth.py").write_text(SKIPS_ITSELF)
    tmp_path.joinpath("test_other.py").write_text("def test_passes(): pass\n")
    done = run_pytest(tmp_path, no_skips=no_skips)
    if no_skips:
        assert done.returncode != 0
        assert "this file was skipped: no teeth here" in done.stdout
    else:
        assert done.returncode == 0
        assert "1 x no teeth here" in done.stdout
