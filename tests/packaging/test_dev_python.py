"""Choosing an interpreter, on invented machines; and the scripts on a Python as old as we can find."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import dev_python
from dev_python import Interpreter, NoPythonError, candidates, choose, newest_first, read_answer

PACKAGING = Path(dev_python.__file__).parent
SCRIPTS = sorted(PACKAGING.glob("dev*.py"))


def none_on_path(name: str) -> str | None:
    return None


def on_path(*names: str) -> Callable[[str], str | None]:
    return lambda name: f"/bin/{name}" if name in names else None


def versions(**known: tuple[int, int, int]) -> Callable[[list[str]], Interpreter | None]:
    """A probe: knows Pythons in /bin and /my by their names, with `_` for `.`; never our own."""

    def ask(argv: list[str]) -> Interpreter | None:
        name = "_".join([Path(argv[0]).name, *argv[1:]]).replace(".", "_").replace("-", "")
        invented = Path(argv[0]).parent.name in {"bin", "my"} and len(Path(argv[0]).parts) == 3
        version = known.get(name) if invented else None
        return Interpreter(argv[0], version) if version else None

    return ask


def executable(folder: Path, name: str = "bin/python3") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def test_an_old_default_python_does_not_hide_a_newer_one_beside_it(tmp_path: Path) -> None:
    """`python3` is 3.11, `python3.12` is on PATH."""
    ask = versions(python3=(3, 11, 7), python3_12=(3, 12, 1))
    found = choose({}, tmp_path, "linux", on_path("python3", "python3.12"), ask)
    assert found == Interpreter("/bin/python3.12", (3, 12, 1))


def test_pyenv_versions_are_found_the_newest_first(tmp_path: Path) -> None:
    paths = {
        name: executable(tmp_path / ".pyenv" / "versions" / name)
        for name in ("2.7.18", "3.11.7", "3.12.1", "3.13.0", "3.12.11", "3.9.18", "pypy3.10-7.3")
    }
    listed = [argv[0] for argv in candidates({}, tmp_path, "linux", none_on_path)][1:]
    assert listed == [str(paths[name]) for name in ("3.13.0", "3.12.11", "3.12.1")]


def test_pyenv_may_live_elsewhere(tmp_path: Path) -> None:
    path = executable(tmp_path / "opt" / "versions" / "3.13.2")
    environ = {"PYENV_ROOT": str(tmp_path / "opt")}
    assert [str(path)] in list(candidates(environ, tmp_path, "linux", none_on_path))


@pytest.mark.parametrize(
    ("platform", "variable", "folder"),
    [
        ("linux", "XDG_DATA_HOME", "uv/python/cpython-3.13.1-linux-x86_64-gnu"),
        ("linux", "UV_PYTHON_INSTALL_DIR", "cpython-3.14.0-linux-x86_64-gnu"),
        ("darwin", "PYENV_ROOT", "versions/3.12.4"),
        ("win32", "APPDATA", "uv/python/cpython-3.12.9-windows-x86_64-none"),
        ("win32", "LOCALAPPDATA", "Programs/Python/Python313"),
        ("win32", "PYENV", "versions/3.13.1"),
    ],
)
def test_each_system_has_its_places(
    tmp_path: Path, platform: str, variable: str, folder: str
) -> None:
    name = "python.exe" if platform == "win32" else "bin/python3"
    path = executable(tmp_path / folder, name)
    environ = {variable: str(tmp_path)}
    assert [str(path)] in list(candidates(environ, tmp_path / "home", platform, none_on_path))


def test_windows_has_a_launcher(tmp_path: Path) -> None:
    ask = versions(py_3_12=(3, 12, 8), python=(3, 8, 1))
    found = choose({}, tmp_path, "win32", on_path("py", "python"), ask)
    assert found.version == (3, 12, 8)


def test_only_windows_has_it(tmp_path: Path) -> None:
    assert ["/bin/py", "-3"] not in list(candidates({}, tmp_path, "linux", on_path("py")))


def test_no_candidate_is_asked_twice(tmp_path: Path) -> None:
    listed = list(candidates({}, tmp_path, "linux", lambda _name: "/bin/python3"))
    assert listed.count(["/bin/python3"]) == 1


def test_the_named_python_comes_before_all_others(tmp_path: Path) -> None:
    ask = versions(mine=(3, 12, 1), python3_13=(3, 13, 0))
    environ = {"KORPROXY_PYTHON": "/my/mine"}
    assert choose(environ, tmp_path, "linux", on_path("python3.13"), ask).path == "/my/mine"


def test_the_named_python_may_be_newer_than_the_lock(tmp_path: Path) -> None:
    environ = {"KORPROXY_PYTHON": "next"}
    found = choose(environ, tmp_path, "linux", on_path("next"), versions(next=(3, 16, 0)))
    assert found == Interpreter("/bin/next", (3, 16, 0))


@pytest.mark.parametrize(
    ("version", "message"),
    [((3, 11, 9), "Python 3.11.9, but 3.12 is needed"), (None, "does not run")],
)
def test_a_named_python_that_does_not_suit_is_an_error(
    tmp_path: Path, version: tuple[int, int, int] | None, message: str
) -> None:
    """Another one in its place would surprise."""
    known = {"python3_13": (3, 13, 0)} | ({"mine": version} if version else {})
    environ = {"KORPROXY_PYTHON": "/my/mine"}
    with pytest.raises(NoPythonError, match=message):
        choose(environ, tmp_path, "linux", on_path("python3.13"), versions(**known))


@pytest.mark.parametrize(
    ("platform", "advice"),
    [("linux", "distribution"), ("darwin", "brew install"), ("win32", "winget install")],
)
def test_where_nothing_suits_the_message_says_what_to_install(
    tmp_path: Path, platform: str, advice: str
) -> None:
    ask = versions(python3=(3, 11, 7), python3_14=(3, 15, 0))
    with pytest.raises(NoPythonError, match=advice):
        choose({}, tmp_path, platform, on_path("python3", "python3.14"), ask)


@pytest.mark.skipif(os.name == "nt", reason="writes shell scripts")
def test_uv_fetches_one_where_nothing_suits(tmp_path: Path) -> None:
    fetched = executable(tmp_path / "fetched")
    uv = tmp_path / "uv"
    calls = tmp_path / "calls"
    uv.write_text(
        f'#!/bin/sh\necho "$@" >> "{calls}"\n[ "$2" = find ] && echo "{fetched}"\nexit 0\n'
    )
    uv.chmod(0o755)

    def which(name: str) -> str | None:
        return str(uv) if name == "uv" else None

    def ask(argv: list[str]) -> Interpreter | None:
        return Interpreter(argv[0], (3, 13, 5)) if argv == [str(fetched)] else None

    assert choose({}, tmp_path, "linux", which, ask).path == str(fetched)
    assert calls.read_text().splitlines() == ["python install 3.13", "python find 3.13"]


def test_our_own_python_answers_with_the_one_its_environment_was_made_from() -> None:
    found = dev_python.probe([sys.executable])
    assert found is not None
    assert found.version == sys.version_info[:3]
    assert Path(found.path).exists()
    assert ".venv" not in Path(found.path).parts


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("korproxy 3 13 0\n/usr/bin/python3\n", Interpreter("/usr/bin/python3", (3, 13, 0))),
        (
            "korproxy 3 12 1\nC:\\Py thon\\python.exe\r\n",
            Interpreter("C:\\Py thon\\python.exe", (3, 12, 1)),
        ),
        ("", None),
        ("Python was not found; run without arguments to install\n", None),
        ("korproxy 3 13 0\n", None),
        ("korproxy 3 13\n/usr/bin/python3\n", None),
    ],
)
def test_only_the_full_answer_counts(answer: str, found: Interpreter | None) -> None:
    assert read_answer(answer) == found


def test_what_does_not_run_is_no_python(tmp_path: Path) -> None:
    assert dev_python.probe([str(tmp_path / "none")]) is None
    assert dev_python.probe(["false"]) is None


@pytest.mark.parametrize(
    ("folder", "suits"),
    [
        ("3.13.0", True),
        ("python@3.13", True),
        ("Python312", True),
        ("cpython-3.14.0rc1-macos-aarch64-none", True),
        ("3.11.9", False),
        ("3.15.0", False),
        ("13.12.0", False),
        ("python@3", False),
    ],
)
def test_a_version_is_read_off_a_folders_name(tmp_path: Path, folder: str, suits: bool) -> None:
    path = executable(tmp_path / folder)
    assert newest_first(tmp_path, "bin/python3") == ([path] if suits else [])


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert newest_first(tmp_path / "none", "bin/python3") == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_scripts_are_python_3_8(script: Path) -> None:
    ast.parse(script.read_text(encoding="utf-8"), feature_version=(3, 8))


def old_python() -> str:
    """A Python from 3.8 to 3.11, the oldest that can be found."""
    names = [f"python3.{minor}" for minor in range(8, 12)]
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [str(path) for path in sorted(root.glob("versions/3.8.*/bin/python3"))]
    found += [path for path in map(shutil.which, names) if path]
    for path in found:
        if subprocess.run([path, "-c", ""], check=False, capture_output=True).returncode == 0:
            return path
    pytest.skip(
        "no Python from 3.8 to 3.11 is installed, on which dev.py has to start: pyenv install 3.8"
    )


def test_an_old_python_starts_them_and_chooses_a_newer_one(tmp_path: Path) -> None:
    program = (
        "import dev, dev_python, dev_environment, dev_tools, pathlib\n"
        f"listed = list(dev_python.candidates({{}}, pathlib.Path({str(tmp_path)!r})))\n"
        "found = dev_python.choose({}, pathlib.Path('none'), ask=lambda argv:"
        " dev_python.Interpreter('new', (3, 13, 0)))\n"
        "print(len(listed) > 0, found.path)\n"
    )
    environ = {key: value for key, value in os.environ.items() if key != "KORPROXY_PYTHON"}
    done = subprocess.run(
        [old_python(), "-c", program],
        env=environ | {"PYTHONPATH": str(PACKAGING), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "new"]
