import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korproxy_addons.io.log_file import PIECES, TIDY_S, LogFile, older_files
from support.clock import FakeClock

HOUR = 3600.0
KEEP_S = 24 * HOUR
posix = pytest.mark.skipif(sys.platform == "win32", reason="files have no mode bits on Windows")


def line(at: float, text: str = "x") -> bytes:
    return b'{"ts": %d.5, "event": "%b"}\n' % (int(at), text.encode())


WRITTEN: list[LogFile] = []


@pytest.fixture(autouse=True)
def closed_at_the_end() -> Iterator[None]:
    """A descriptor is no object that the collector would close."""
    yield
    while WRITTEN:
        WRITTEN.pop().close()


class Written:
    """A log in a folder, written at the times of a clock; a file is as old as its last write by that clock."""

    def __init__(self, folder: Path, keep_bytes: int = 100_000, keep_s: float = KEEP_S) -> None:
        self.clock = FakeClock(1_800_000_000.0)
        self.path = folder / "gateway.jsonl"
        self.file = LogFile(self.path, self.clock, keep_s=keep_s, keep_bytes=keep_bytes)
        WRITTEN.append(self.file)

    def log(self, text: str = "x") -> None:
        self.file.write(line(self.clock(), text))
        os.utime(self.path, (self.clock(), self.clock()))

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def texts(self) -> list[str]:
        """What is kept, oldest first."""
        files = [*reversed(older_files(self.path)), self.path]
        whole = "".join(it.read_text() for it in files if it.exists())
        return re.findall(r'"event": "(.*?)"', whole)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


def test_lines_are_kept_for_a_day_and_a_quarter_at_most(written: Written) -> None:
    for hour in range(100):
        written.log(str(hour))
        written.later(HOUR)
    kept = [int(it) for it in written.texts()]
    assert kept == list(range(kept[0], 100))
    assert 24 <= 100 - kept[0] <= 24 * (1 + 1 / (PIECES - 1)) + 1


def test_what_is_old_goes_also_while_nothing_is_logged(written: Written) -> None:
    written.log("old")
    for _ in range(40):
        written.later(HOUR)
        written.file.tidy()
    assert written.texts() == []


def test_a_busy_log_is_tidied_too(written: Written) -> None:
    old = written.path.with_name("gateway.jsonl.7")
    old.write_bytes(line(1))
    os.utime(old, (1, 1))
    written.log()
    assert not old.exists()
    old.write_bytes(line(1))
    os.utime(old, (1, 1))
    written.log()
    assert old.exists()
    written.later(TIDY_S)
    written.log()
    assert not old.exists()


def test_all_files_together_stay_below_their_bound(tmp_path: Path) -> None:
    written = Written(tmp_path, keep_bytes=10_000)
    for number in range(1000):
        written.log(f"{number}{'.' * 80}")
        assert sum(it.stat().st_size for it in tmp_path.iterdir()) <= 10_000
    last = [int(it.rstrip(".")) for it in written.texts()]
    assert last == list(range(last[0], 1000))
    assert len(last) > 60


def test_few_lines_in_many_files_are_no_reason_to_drop_them(tmp_path: Path) -> None:
    """Quiet hours, then a burst: files that are old but small are kept as long as there is room."""
    written = Written(tmp_path, keep_bytes=10_000)
    for hour in range(20):
        written.log(f"quiet{hour}")
        written.later(HOUR)
    for number in range(45):
        written.log(f"busy{number}{'.' * 80}")
    texts = written.texts()
    assert "quiet0" in texts
    assert len(older_files(written.path)) > PIECES - 1


@posix
def test_every_file_is_the_users_own(tmp_path: Path) -> None:
    written = Written(tmp_path, keep_bytes=2000)
    written.path.touch(mode=0o644)
    for _ in range(100):
        written.log("x" * 80)
    modes = {stat.S_IMODE(it.stat().st_mode) for it in tmp_path.iterdir()}
    assert modes == {0o600}
    assert len(list(tmp_path.iterdir())) > 2


@posix
def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    written = Written(tmp_path)
    other = tmp_path / "other"
    other.touch()
    written.path.symlink_to(other)
    with pytest.raises(OSError, match=r".+"):
        written.log()
    assert other.read_bytes() == b""


def test_two_processes_write_one_log(tmp_path: Path) -> None:
    """A gateway and its successor: when one begins a new file, the other follows it."""
    first, second = Written(tmp_path, keep_bytes=3000), Written(tmp_path, keep_bytes=3000)
    for number in range(40):
        first.log(f"first{number}")
        second.log(f"second{number}")
    texts = first.texts()
    expected = [f"{who}{number}" for number in range(40) for who in ("first", "second")]
    assert texts == expected[-len(texts) :]
    assert len(texts) > 40


def test_an_older_file_that_is_held_costs_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where somebody reads it."""
    path = tmp_path / "x.jsonl"
    file = LogFile(path, lambda: 0.0, keep_s=3600, keep_bytes=50)
    file.write(b"first....\n")
    file.write(b"second...\n")
    move = Path.replace

    def held(source: Path, target: Path) -> Path:
        if source.name == "x.jsonl.1":
            raise PermissionError
        return move(source, target)

    monkeypatch.setattr(Path, "replace", held)
    file.write(b"third....\n")
    file.close()
    assert path.read_bytes() == b"second...\nthird....\n"
    assert (tmp_path / "x.jsonl.1").read_bytes() == b"first....\n"


def test_a_log_that_was_taken_away_is_begun_anew(written: Written) -> None:
    written.log("gone")
    written.path.unlink()
    written.log("here")
    assert written.texts() == ["here"]


def test_a_file_of_an_earlier_run_is_as_old_as_its_first_line(written: Written) -> None:
    """Restarts do not keep lines for ever."""
    written.log("first")
    for _ in range(7):
        written.later(HOUR)
        written.file.close()
        written.log("more")
    assert len(older_files(written.path)) == 1


def test_a_clock_that_was_set_back_makes_no_file_for_each_line(written: Written) -> None:
    written.log()
    written.clock.now -= 100 * HOUR
    for _ in range(10):
        written.log()
    assert len(older_files(written.path)) == 1


def test_a_full_disk_is_said_and_the_next_write_tries_again(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            written.log("lost")
    written.log("after")
    assert written.texts() == ["after"]


def test_other_files_of_the_folder_are_left_alone(written: Written) -> None:
    for name in ("gateway.jsonl.bak", "gateway.jsonl.", "gateway.jsonl.²", "launcher.jsonl.1"):
        path = written.path.with_name(name)
        path.touch()
        os.utime(path, (1, 1))
    written.log()
    written.file.tidy()
    assert len(list(written.path.parent.iterdir())) == 5


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    assert older_files(tmp_path / "gone" / "x") == []


@settings(deadline=None, max_examples=60)
@given(
    steps=st.lists(
        st.tuples(st.floats(0, 20 * HOUR), st.integers(1, 400), st.booleans()), max_size=60
    )
)
def test_whatever_happens_only_the_oldest_lines_are_missing(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[float, int, bool]]
) -> None:
    """And no line that is young enough, as long as there is room."""
    written = Written(tmp_path_factory.mktemp("log"), keep_bytes=5000)
    times: list[float] = []
    sizes: list[int] = []
    for number, (wait_s, length, restarts) in enumerate(steps):
        written.later(wait_s)
        if restarts:
            written.file.close()
        written.log(f"{number}{'.' * length}")
        times.append(written.clock())
        sizes.append(length + 40)
    kept = [int(it.rstrip(".")) for it in written.texts()]
    assert kept == list(range(len(steps) - len(kept), len(steps)))
    young = [it for it in range(len(steps)) if times[it] > written.clock() - KEEP_S]
    if sum(sizes[it] for it in young) < 2500:
        assert set(young) <= set(kept)
