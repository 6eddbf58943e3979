import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from korproxy_addons.io.log_file import older_files
from launcher import log_lines as module
from launcher.log_lines import FILE, FILES, LogFilter, LogTail, last_lines

ALL = LogFilter()


def line(number: int, **fields: Any) -> dict[str, Any]:
    return {"ts": number, "level": "info", "component": "leg", "event": "x", **fields}


def write(home: Path, lines: list[dict[str, Any]], path: Path = FILE) -> Path:
    found = home / path
    found.parent.mkdir(exist_ok=True)
    with found.open("a") as file:
        file.writelines(json.dumps(it) + "\n" for it in lines)
    return found


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (LogFilter(), [1, 2, 3, 4]),
        (LogFilter(level="warning"), [3, 4]),
        (LogFilter(component="up"), [2]),
        (LogFilter(request_id="r1"), [4]),
        (LogFilter(request_id="r"), [4]),
        (LogFilter(request_id="1"), [4]),
        (LogFilter(request_id="r10"), []),
        (LogFilter(request_id="2"), []),
        (LogFilter(level="error", request_id="r1"), []),
        (LogFilter(since=3), [3, 4]),
    ],
)
def test_a_filter_lets_through_what_was_asked_for(wanted: LogFilter, expected: list[int]) -> None:
    lines = [
        line(1, level="debug"),
        line(2, component="upstream"),
        line(3, level="error"),
        line(4, level="warning", request_id="r1"),
    ]
    assert [it["ts"] for it in lines if wanted.passes(it)] == expected


def test_without_a_log_there_are_no_lines(tmp_path: Path) -> None:
    assert last_lines(tmp_path, ALL, 5) == []
    tail = LogTail(tmp_path)
    assert tail.read(ALL) == []
    write(tmp_path, [line(1)])
    assert tail.read(ALL) == [line(1)]


def test_the_newest_come_last_and_older_files_fill_up(tmp_path: Path) -> None:
    write(tmp_path, [line(1), line(2)], Path(f"{FILE}.1"))
    write(tmp_path, [line(3), line(4)])
    assert [it["ts"] for it in last_lines(tmp_path, ALL, 3)] == [2, 3, 4]
    assert [it["ts"] for it in last_lines(tmp_path, ALL, 9)] == [1, 2, 3, 4]
    assert [it["ts"] for it in last_lines(tmp_path, ALL)] == [1, 2, 3, 4]


def test_gateway_and_launcher_are_one_log(tmp_path: Path) -> None:
    write(tmp_path, [line(1), line(4)])
    tail = LogTail(tmp_path)
    write(tmp_path, [line(2), line(3)], FILES[1])
    assert [it["ts"] for it in last_lines(tmp_path, ALL)] == [1, 2, 3, 4]
    assert [it["ts"] for it in last_lines(tmp_path, ALL, 2)] == [3, 4]
    write(tmp_path, [line(6)])
    assert [it["ts"] for it in tail.read(ALL)] == [2, 3, 6]


def test_what_is_too_old_is_not_even_read(tmp_path: Path) -> None:
    write(tmp_path, [line(1000), line(2000)])
    path = tmp_path / f"{FILE}.1"
    write(tmp_path, [line(5000)], Path(f"{FILE}.1"))
    lines = module._newest_first(tmp_path / FILE, 1500.0)
    assert [it["ts"] for it in lines] == [2000]
    assert path.exists()


def test_a_file_that_gets_its_next_name_meanwhile_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path, [line(1), line(2)])
    lines = module._newest_first(path, 0.0)
    assert next(lines)["ts"] == 2
    path.rename(f"{path}.1")
    assert [it["ts"] for it in lines] == [1]


def test_what_is_no_line_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, [line(1)])
    with path.open("a") as file:
        file.write('not json\n[1]\n\n{"half": ')
    assert last_lines(tmp_path, ALL, 9) == [line(1)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    texts=st.lists(st.text(max_size=60), max_size=30),
    count=st.integers(1, 40),
    size=st.integers(1, 200),
)
def test_however_it_is_read_backwards_the_same_lines_come(
    tmp_path: Path, texts: list[str], count: int, size: int
) -> None:
    lines = [line(number, event=text) for number, text in enumerate(texts)]
    (tmp_path / FILE).unlink(missing_ok=True)
    write(tmp_path, lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "READ_BYTES", size)
        assert last_lines(tmp_path, ALL, count) == lines[-count:]


def test_a_tail_gives_what_comes_and_waits_for_the_other_half(tmp_path: Path) -> None:
    path = write(tmp_path, [line(1)])
    tail = LogTail(tmp_path)
    assert (tail.read(ALL)) == []
    whole = json.dumps(line(2))
    with path.open("a") as file:
        file.write(whole[:9])
    assert (tail.read(ALL)) == []
    with path.open("a") as file:
        file.write(whole[9:] + "\n" + json.dumps(line(3, level="debug")) + "\n")
    assert (tail.read(LogFilter(level="info"))) == [line(2)]


def rotate(home: Path) -> None:
    """As the writer does it, however many there are."""
    for older in reversed(older_files(home / FILE)):
        older.rename(older.with_suffix(f".{int(older.suffix[1:]) + 1}"))
    (home / FILE).rename(home / f"{FILE}.1")


def test_a_tail_follows_rotations_and_loses_nothing(tmp_path: Path) -> None:
    """Also what was written just before one, and where there were several since the last look."""
    write(tmp_path, [line(0)], Path(f"{FILE}.1"))
    write(tmp_path, [line(1)])
    tail = LogTail(tmp_path)
    write(tmp_path, [line(2)])
    rotate(tmp_path)
    write(tmp_path, [line(3)])
    rotate(tmp_path)
    write(tmp_path, [line(4)])
    assert [it["ts"] for it in tail.read(ALL)] == [2, 3, 4]
    write(tmp_path, [line(5)])
    assert [it["ts"] for it in tail.read(ALL)] == [5]


def test_a_log_that_is_emptied_or_taken_away_is_followed_from_its_begin(tmp_path: Path) -> None:
    write(tmp_path, [line(0)], Path(f"{FILE}.1"))
    path = write(tmp_path, [line(1)])
    tail = LogTail(tmp_path)
    path.write_text("")
    assert tail.read(ALL) == []
    write(tmp_path, [line(2)])
    assert tail.read(ALL) == [line(2)]
    aside = path.rename(tmp_path / "aside")
    assert tail.read(ALL) == []
    write(tmp_path, [line(3)])
    assert tail.read(ALL) == [line(3)]
    assert aside.exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(["write", "rotate", "read"]), max_size=40))
def test_however_it_is_written_rotated_and_read_each_line_comes_once(
    tmp_path: Path, steps: list[str]
) -> None:
    for path in (tmp_path / FILE, *older_files(tmp_path / FILE)):
        path.unlink(missing_ok=True)
    write(tmp_path, [line(0)])
    tail = LogTail(tmp_path)
    written, found = 0, []
    for step in [*steps, "read"]:
        match step:
            case "write":
                written += 1
                write(tmp_path, [line(written)])
            case "rotate":
                rotate(tmp_path)
                written += 1
                write(tmp_path, [line(written)])
            case "read":
                found += [it["ts"] for it in tail.read(ALL)]
    assert found == list(range(1, written + 1))
