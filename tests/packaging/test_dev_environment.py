"""What is done about `.venv` and when; the installers are scripts that note how they were called."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import dev_environment
from dev_environment import (
    Environment,
    EnvironmentFailedError,
    Installer,
    locked_names,
    normal_name,
    one_at_a_time,
)
from dev_python import Interpreter, NoPythonError

LOCK = "aiohttp==3.14.5 \\\n    --hash=sha256:00\n    # via korproxy\nruamel-yaml==0.19.1 ; x\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A clone, with a space in its path."""
    folder = tmp_path / "my clone"
    folder.mkdir()
    folder.joinpath("requirements.lock").write_text(LOCK)
    folder.joinpath("pyproject.toml").write_text("[project]\n")
    return folder


class Steps:
    """What was done, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.fails: str | None = None
        monkeypatch.setattr(dev_environment, "_run", self.run)
        monkeypatch.setattr(Installer, "sync", lambda _self: self.step("sync"))
        monkeypatch.setattr(Installer, "install_project", lambda _self: self.step("project"))

    def step(self, name: str) -> None:
        self.done.append(name)
        if name == self.fails:
            raise EnvironmentFailedError(name)

    def run(self, command: list[str], _step: str) -> None:
        self.step(" ".join(command[:3]))
        python = Environment(Path(command[-1]).parent).python
        python.parent.mkdir(parents=True)
        python.touch()

    def take(self) -> list[str]:
        done, self.done = self.done, []
        return done


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(monkeypatch)


def choose() -> Interpreter:
    return Interpreter("/opt/python", (3, 13, 0))


def never() -> Interpreter:
    raise AssertionError("no Python was to be chosen")


ALL = ["/opt/python -m venv", "sync", "project"]


def test_the_first_start_makes_all_and_the_second_nothing(root: Path, steps: Steps) -> None:
    Environment(root).prepare(choose)
    assert steps.take() == ALL
    Environment(root).prepare(never)
    assert steps.take() == []


def new_lock(root: Path) -> None:
    root.joinpath("requirements.lock").write_text(LOCK.replace("0.19.1", "0.19.2"))


def new_settings(root: Path) -> None:
    root.joinpath("pyproject.toml").write_text("[project]\nname = 'x'\n")


def lost_python(root: Path) -> None:
    Environment(root).python.unlink()


def damaged_stamp(root: Path) -> None:
    Environment(root).stamp.write_text("{")


def stamp_of_another_kind(root: Path) -> None:
    Environment(root).stamp.write_text("[]")


def other_line_ends(root: Path) -> None:
    root.joinpath("requirements.lock").write_bytes(LOCK.replace("\n", "\r\n").encode())


@pytest.mark.parametrize(
    ("change", "done"),
    [
        (new_lock, ["sync", "project"]),
        (new_settings, ["project"]),
        (lost_python, ALL),
        (damaged_stamp, ALL),
        (stamp_of_another_kind, ALL),
        (other_line_ends, []),
    ],
)
def test_what_changed_is_done_anew(
    root: Path, steps: Steps, change: Callable[[Path], None], done: list[str]
) -> None:
    Environment(root).prepare(choose)
    steps.take()
    change(root)
    Environment(root).prepare(choose)
    assert steps.take() == done
    assert Environment(root).is_current()


def test_a_moved_clone_starts_anew(root: Path, steps: Steps) -> None:
    """The programs in `.venv` name its folder."""
    Environment(root).prepare(choose)
    steps.take()
    moved = root.rename(root.parent / "moved")
    Environment(moved).prepare(choose)
    assert steps.take() == ALL


def test_another_chosen_python_starts_anew(root: Path, steps: Steps) -> None:
    Environment(root, {}).prepare(choose)
    steps.take()
    Environment(root, {"KORPROXY_PYTHON": "python3.12"}).prepare(choose)
    assert steps.take() == ALL
    Environment(root, {"KORPROXY_PYTHON": "python3.12"}).prepare(never)
    Environment(root, {}).prepare(never)


@pytest.mark.parametrize("fails", ["sync", "project"])
def test_a_half_made_environment_is_made_anew(root: Path, steps: Steps, fails: str) -> None:
    steps.fails = fails
    with pytest.raises(EnvironmentFailedError):
        Environment(root).prepare(choose)
    steps.fails = None
    steps.take()
    assert not Environment(root).is_current()
    Environment(root).prepare(choose)
    assert steps.take() == ALL


def test_an_update_that_failed_is_not_taken_for_done(root: Path, steps: Steps) -> None:
    Environment(root).prepare(choose)
    new_lock(root)
    steps.fails = "sync"
    with pytest.raises(EnvironmentFailedError):
        Environment(root).prepare(choose)
    assert not Environment(root).is_current()


def test_the_old_environment_stays_if_no_python_is_found(root: Path, steps: Steps) -> None:
    Environment(root).prepare(choose)
    damaged_stamp(root)

    def nothing() -> Interpreter:
        raise NoPythonError

    with pytest.raises(NoPythonError):
        Environment(root).prepare(nothing)
    assert Environment(root).python.exists()


def test_programs_of_the_environment_come_first(root: Path) -> None:
    environment = Environment(root)
    child = environment.child_environ({"PATH": "a", "PYTHONHOME": "b", "LANG": "c"})
    assert child["PATH"] == f"{environment.scripts}{os.pathsep}a"
    assert child["VIRTUAL_ENV"] == str(root / ".venv")
    assert (child["LANG"], "PYTHONHOME" in child) == ("c", False)


def test_one_process_at_a_time(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A second one waits until the first is done, or gives up in time."""
    path = tmp_path / "lock"
    program = (
        "import pathlib, sys\nfrom dev_environment import one_at_a_time\n"
        "with one_at_a_time(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    environ = os.environ | {"PYTHONPATH": str(Path(dev_environment.__file__).parent)}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline().strip() == b"held"
        with pytest.raises(EnvironmentFailedError, match="held"), one_at_a_time(path, 0.0):
            pass
        assert "waiting for it" in capfd.readouterr().err
        other.stdin.close()
        with one_at_a_time(path):
            pass


def test_a_holder_that_is_killed_holds_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    program = (
        "import os, pathlib, sys\nfrom dev_environment import one_at_a_time\n"
        "with one_at_a_time(pathlib.Path(sys.argv[1])):\n    os._exit(9)\n"
    )
    environ = os.environ | {"PYTHONPATH": str(Path(dev_environment.__file__).parent)}
    died = subprocess.run([sys.executable, "-c", program, str(path)], env=environ, check=False)
    assert died.returncode == 9
    with one_at_a_time(path, 5.0):
        pass


def test_the_lock_file_is_read_by_normal_names(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text(LOCK)
    assert locked_names(path) == {"aiohttp", "ruamel-yaml"}
    assert normal_name("Ruamel.Yaml") == "ruamel-yaml"


@pytest.fixture
def environment(root: Path) -> Environment:
    """One whose Python notes how it is called, and lists three packages."""
    environment = Environment(root)
    environment.scripts.mkdir(parents=True)
    rows = [{"name": name} for name in ("aiohttp", "ruamel.yaml", "Left.Over", "pip", "korproxy")]
    environment.python.write_text(
        f'#!/bin/sh\necho "pip $@" >> "{root}/calls"\n'
        f"case $3 in list) echo '{json.dumps(rows)}';; esac\n"
    )
    environment.python.chmod(0o755)
    return environment


def fake_uv(root: Path, exit_code: int) -> str:
    path = root / "uv"
    path.write_text(f'#!/bin/sh\necho "uv $@" >> "{root}/calls"\nexit {exit_code}\n')
    path.chmod(0o755)
    return str(path)


def verbs(root: Path) -> list[str]:
    """The start of each call, as far as its first option or path."""
    lines = root.joinpath("calls").read_text().splitlines()
    return [" ".join(line.removeprefix("pip -m ").split()[:3]) for line in lines]


@pytest.mark.skipif(os.name == "nt", reason="the installers are shell scripts here")
class TestInstaller:
    def test_by_pip_what_is_no_longer_locked_goes(
        self, root: Path, environment: Environment
    ) -> None:
        Installer(environment, None).sync()
        calls = root.joinpath("calls").read_text()
        assert verbs(root) == [
            "pip install --require-hashes",
            "pip list --format=json",
            "pip uninstall --yes",
        ]
        assert f"--require-hashes -r {root}/requirements.lock" in calls
        assert "uninstall --yes left-over -qq" in calls

    def test_uv_is_preferred(self, root: Path, environment: Environment) -> None:
        installer = Installer(environment, fake_uv(root, 0))
        installer.sync()
        installer.install_project()
        assert verbs(root) == ["uv pip sync", "uv pip install"]
        assert root.joinpath("calls").read_text().count(f"--python {environment.python}") == 2

    def test_where_uv_fails_pip_does_it(self, root: Path, environment: Environment) -> None:
        """uv does not read pip's own settings: an index that only those name is unknown to it."""
        installer = Installer(environment, fake_uv(root, 2))
        installer.sync()
        installer.install_project()
        assert verbs(root)[0] == "uv pip sync"
        assert [verb for verb in verbs(root) if verb.startswith("uv")] == ["uv pip sync"]
        assert "--no-build-isolation --editable" in root.joinpath("calls").read_text()

    def test_a_failed_step_is_named(self, root: Path, environment: Environment) -> None:
        environment.python.write_text("#!/bin/sh\nexit 1\n")
        with pytest.raises(EnvironmentFailedError, match=r"could not install requirements\.lock"):
            Installer(environment, None).sync()

    def test_pip_is_not_sent_elsewhere(
        self, root: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PIP_USER", "1")
        environment.python.write_text(f'#!/bin/sh\necho "user=$PIP_USER" > "{root}/calls"\n')
        Installer(environment, None).install_project()
        assert root.joinpath("calls").read_text() == "user=\n"
