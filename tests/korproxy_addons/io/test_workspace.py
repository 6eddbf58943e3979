"""The project behind a connection: real processes in real folders, and files that must not be trusted."""

import asyncio
import os
from pathlib import Path

import psutil
import pytest

from korproxy_addons.io import workspace
from korproxy_addons.io.workspace import NO_PROJECT, NOBODY, Caller, Project, Workspace, project_at
from support.clock import FakeClock
from support.connected import connected

posix = pytest.mark.skipif(os.name != "posix", reason="owners and modes are POSIX's")


def git(folder: Path) -> Path:
    (folder / ".git").mkdir(parents=True)
    return folder


# --- folders


def test_a_project_is_the_nearest_folder_upwards_with_git(tmp_path: Path) -> None:
    git(tmp_path / "outer")
    inner = git(tmp_path / "outer" / "inner")
    deep = inner / "a" / "b"
    deep.mkdir(parents=True)
    assert project_at(deep, tmp_path) == Project(str(inner))
    assert project_at(tmp_path / "outer", tmp_path) == Project(str(tmp_path / "outer"))


def test_without_git_it_is_the_folder_itself(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert project_at(deep, tmp_path) == Project(str(deep))


def test_a_folder_whose_name_is_no_utf_8_has_a_name_that_can_be_kept(tmp_path: Path) -> None:
    assert project_at(Path("/src/\udcff"), tmp_path) == Project("/src/\\udcff".replace("/", os.sep))


def test_the_home_folder_and_those_above_are_no_project(tmp_path: Path) -> None:
    git(tmp_path)
    (tmp_path / ".korproxy").write_text("profile: x")
    home = tmp_path / "home"
    (home / "src").mkdir(parents=True)
    (home / ".korproxy").write_text("profile: x")
    assert project_at(home, home) == NO_PROJECT
    assert project_at(tmp_path, home) == NO_PROJECT
    assert project_at(home / "src", home) == Project(str(home / "src"))


def test_a_file_names_a_profile_for_all_that_is_below(tmp_path: Path) -> None:
    root = git(tmp_path / "repo")
    deep = root / "a" / "b"
    deep.mkdir(parents=True)
    (root / ".korproxy").write_text("profile: work\n")
    assert project_at(deep, tmp_path) == Project(str(root), "work")
    (deep / ".korproxy").write_text("profile: deeper\n")
    assert project_at(deep, tmp_path) == Project(str(root), "deeper")


def test_a_file_makes_a_project_where_there_is_no_git(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "a" / ".korproxy").write_text("profile: work")
    assert project_at(deep, tmp_path) == Project(str(tmp_path / "a"), "work")


def test_a_file_above_the_repository_says_nothing(tmp_path: Path) -> None:
    root = git(tmp_path / "a" / "repo")
    (tmp_path / "a" / ".korproxy").write_text("profile: work")
    assert project_at(root, tmp_path) == Project(str(root))


# --- what is not trusted


def named(folder: Path) -> str:
    return project_at(folder, folder.parent).profile_word


@pytest.mark.parametrize(
    "content",
    ["", "profile: a\nbase_url: https://evil.example", "x" * 5000, "profile: " + "x" * 101],
)
def test_a_file_that_says_anything_else_is_not_used(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    root = git(tmp_path / "repo")
    (root / ".korproxy").write_text(content)
    assert named(root) == ""
    assert "project file not used" in caplog.text
    assert "evil" not in caplog.text


@posix
@pytest.mark.parametrize("which", ["file", "folder"])
def test_what_others_can_write_is_not_used(tmp_path: Path, which: str) -> None:
    root = git(tmp_path / "repo")
    path = root / ".korproxy"
    path.write_text("profile: work")
    assert named(root) == "work"
    (path if which == "file" else root).chmod(0o777)
    assert named(root) == ""


@posix
def test_what_belongs_to_another_user_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = git(tmp_path / "repo")
    (root / ".korproxy").write_text("profile: work")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert named(root) == ""


@posix
@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_plain_file_is_not_used(tmp_path: Path, kind: str) -> None:
    """And nothing waits for it."""
    root = git(tmp_path / "repo")
    path = root / ".korproxy"
    if kind == "link":
        (tmp_path / "other").write_text("profile: work")
        path.symlink_to(tmp_path / "other")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert named(root) == ""


# --- processes


def test_the_project_of_a_process_that_holds_a_connection(tmp_path: Path) -> None:
    for name in ("one", "two"):
        git(tmp_path / name)
    (tmp_path / "two" / ".korproxy").write_text("profile: work")
    found = Workspace(tmp_path)
    with connected(tmp_path / "one") as one, connected(tmp_path / "two") as two:
        assert found.find(*one).project == Project(str(tmp_path / "one"))
        assert found.find(*two).project == Project(str(tmp_path / "two"), "work")
        assert found.find(*one).project == Project(str(tmp_path / "one")), (
            "also among those seen before"
        )


def test_a_connection_of_nobody_has_no_project(tmp_path: Path) -> None:
    assert Workspace(tmp_path).find(("127.0.0.1", 1), ("127.0.0.1", 2)) == NOBODY


def test_only_the_last_few_processes_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "RECENT_PROCESSES", 1)
    found = Workspace(tmp_path)
    with connected(tmp_path) as one, connected(tmp_path) as two:
        for ends in (one, two, one):
            found.find(*ends)
            assert len(found._recent) == 1


def test_it_is_found_once_per_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    found = Workspace(tmp_path)

    def find(*ends: object) -> Caller:
        asked.append(ends)
        return Caller(Project(f"/p{len(asked)}"))

    monkeypatch.setattr(found, "find", find)
    ends = (("127.0.0.1", 1), ("127.0.0.1", 2))

    async def several() -> list[Project]:
        both = await asyncio.gather(*(found.project_of("c1", *ends) for _ in range(2)))
        return [*both, await found.project_of("c1", *ends), await found.project_of("c2", *ends)]

    assert [it.folder for it in asyncio.run(several())] == ["/p1", "/p1", "/p1", "/p2"]


@pytest.mark.parametrize("error", [OSError("no"), psutil.AccessDenied(), ValueError("odd")])
def test_whatever_fails_is_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    found = Workspace(tmp_path)

    def find(*_: object) -> Project:
        raise error

    monkeypatch.setattr(found, "find", find)
    ends = (("127.0.0.1", 1), ("127.0.0.1", 2))
    assert asyncio.run(found.project_of("c", *ends)) == NO_PROJECT


def test_connections_without_end_do_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "CONNECTIONS_KEPT", 3)
    found = Workspace(tmp_path)
    monkeypatch.setattr(found, "find", lambda *_: NOBODY)

    async def many() -> None:
        for number in range(10):
            await found.project_of(f"c{number}", ("127.0.0.1", 1), ("127.0.0.1", 2))

    asyncio.run(many())
    assert len(found._found) == 3


# --- looked for while nobody waits

ENDS = (("127.0.0.1", 1), ("127.0.0.1", 2))


def test_the_program_at_the_other_end_is_told(tmp_path: Path) -> None:
    with connected(tmp_path) as ends:
        assert Workspace(tmp_path).find(*ends).tool == "python"


def test_who_looks_and_who_waits_share_one_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Workspace(tmp_path)
    monkeypatch.setattr(found, "find", lambda *_: Caller(Project("/p"), "codex-cli"))

    async def both() -> None:
        task = found.look("c", *ENDS)
        assert task is not None
        assert found.look("c", *ENDS) is task
        assert await found.project_of("c", *ENDS) == Project("/p")
        assert task.result().tool == "codex-cli"

    asyncio.run(both())


def test_looks_that_nobody_waits_for_have_a_pace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who must know a project is told all the same."""
    monkeypatch.setattr(workspace, "LOOKS_AT_ONCE", 2)
    monkeypatch.setattr(workspace, "LOOKS_PER_S", 1)
    clock = FakeClock()
    found = Workspace(tmp_path, clock)
    monkeypatch.setattr(found, "find", lambda *_: Caller(Project("/p")))

    async def many() -> None:
        begun = [found.look(f"c{number}", *ENDS) is not None for number in range(4)]
        assert begun == [True, True, False, False]
        assert await found.project_of("c3", *ENDS) == Project("/p")
        assert found.look("c3", *ENDS) is not None, "known already"
        clock.advance(1.0)
        assert found.look("c4", *ENDS) is not None
        assert found.look("c5", *ENDS) is None

    asyncio.run(many())


def test_a_system_that_tells_nothing_is_complained_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = Workspace(tmp_path)

    def find(*_: object) -> Caller:
        raise PermissionError

    monkeypatch.setattr(found, "find", find)

    async def several() -> None:
        for number in range(3):
            await found.project_of(f"c{number}", *ENDS)

    with caplog.at_level("DEBUG", "korproxy.workspace"):
        asyncio.run(several())
    assert [it.levelname for it in caplog.records] == ["WARNING", "DEBUG", "DEBUG"]
