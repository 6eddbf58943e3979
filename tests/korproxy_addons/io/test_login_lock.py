"""One renewal at a time across processes, and the note that outlives the one that dies."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from korproxy_addons.io.login_lock import FOLDER, POLL_S, LoginLock, LoginLockTimeoutError, Note

NOTE = Note(tokens="1.5/2.0", sent_at=2.5)


def test_only_one_holds_it(tmp_path: Path) -> None:
    held: list[str] = []

    async def hold(name: str, leave: asyncio.Event) -> None:
        async with LoginLock(tmp_path, "claude", lambda _: asyncio.sleep(0)).held():
            held.append(name)
            await leave.wait()
            held.remove(name)

    async def work() -> None:
        loop = asyncio.get_running_loop()
        leave = asyncio.Event()
        first = loop.create_task(hold("first", leave))
        await asyncio.sleep(0)
        second = loop.create_task(hold("second", leave))
        for _ in range(5):
            await asyncio.sleep(0)
        assert held == ["first"]
        leave.set()
        await asyncio.gather(first, second)

    asyncio.run(work())


def test_logins_do_not_wait_for_each_other(tmp_path: Path) -> None:
    async def work() -> None:
        async with LoginLock(tmp_path, "a").held(), LoginLock(tmp_path, "b").held(0.0):
            pass

    asyncio.run(work())


def test_waiting_has_an_end(tmp_path: Path) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def work() -> None:
        async with LoginLock(tmp_path, "claude").held():
            with pytest.raises(LoginLockTimeoutError):
                async with LoginLock(tmp_path, "claude", sleep).held(wait_s=3 * POLL_S):
                    raise AssertionError("held twice")

    asyncio.run(work())
    assert waits == [POLL_S] * 3


def test_one_who_stops_waiting_leaves_nothing_behind(tmp_path: Path) -> None:
    async def wait() -> None:
        async with LoginLock(tmp_path, "claude", lambda _: asyncio.sleep(0)).held():
            raise AssertionError("held twice")

    async def work() -> None:
        async with LoginLock(tmp_path, "claude").held():
            waiting = asyncio.get_running_loop().create_task(wait())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
        async with LoginLock(tmp_path, "claude").held(0.0):
            pass

    asyncio.run(work())


def test_a_process_that_is_killed_gives_it_back(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, sys, pathlib\n"
        "from korproxy_addons.io.login_lock import LoginLock\n"
        "async def main():\n"
        "    async with LoginLock(pathlib.Path(sys.argv[1]), 'claude').held():\n"
        "        os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    if sys.platform == "win32":  # pragma: no cover - there is no such signal
        pytest.skip("no SIGKILL on Windows")
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=60)
    assert killed.returncode == -9

    async def work() -> None:
        async with LoginLock(tmp_path, "claude").held(0.0):
            pass

    asyncio.run(work())


def test_a_note_is_kept_until_it_is_cleared(tmp_path: Path) -> None:
    lock = LoginLock(tmp_path, "claude")
    assert lock.note() is None
    (tmp_path / "locks").mkdir()
    lock.write(NOTE)
    lost = Note("1.5/2.0", 3.0, "it is over")
    lock.write(lost)
    assert LoginLock(tmp_path, "claude").note() == lost
    assert LoginLock(tmp_path, "other").note() is None
    lock.clear()
    lock.clear()
    assert lock.note() is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"tokens": "x"}', b"\xff"])
def test_a_note_that_cannot_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "claude.note").write_bytes(content)
    assert LoginLock(tmp_path, "claude").note() is None


def test_files_are_private_and_stay_in_their_folder(tmp_path: Path) -> None:
    lock = LoginLock(tmp_path, "../escape:me")

    async def work() -> None:
        async with lock.held():
            lock.write(NOTE)

    asyncio.run(work())
    assert sorted(it.name for it in tmp_path.iterdir()) == ["locks"]
    names = sorted(it.name for it in (tmp_path / "locks").iterdir())
    assert "..%2fescape%3ame.note" in names
    if os.name == "posix":
        note = tmp_path / "locks" / "..%2fescape%3ame.note"
        assert note.stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "locks").stat().st_mode & 0o777 == 0o700


def test_what_a_crash_left_of_a_note_is_in_nobody_s_way(tmp_path: Path) -> None:
    lock = LoginLock(tmp_path, "claude")
    asyncio.run(_noted(lock, Note("a", 1.0)))
    (note,) = (tmp_path / FOLDER).glob("*.note")
    note.with_suffix(".new").write_text("half")
    asyncio.run(_noted(lock, Note("b", 2.0)))
    assert lock.note() == Note("b", 2.0)


async def _noted(lock: LoginLock, note: Note) -> None:
    async with lock.held():
        lock.write(note)
