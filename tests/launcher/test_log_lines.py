import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from launcher import log_lines as module
from launcher.log_lines import FILE, LogFilter, LogTail, last_lines

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
        (LogFilter(level="error", request_id="r1"), []),
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
    assert list(LogTail(tmp_path).read(ALL)) == []


def test_the_newest_come_last_and_older_files_fill_up(tmp_path: Path) -> None:
    write(tmp_path, [line(1), line(2)], Path(f"{FILE}.1"))
    write(tmp_path, [line(3), line(4)])
    assert [it["ts"] for it in last_lines(tmp_path, ALL, 3)] == [2, 3, 4]
    assert [it["ts"] for it in last_lines(tmp_path, ALL, 9)] == [1, 2, 3, 4]


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
    assert list(tail.read(ALL)) == []
    whole = json.dumps(line(2))
    with path.open("a") as file:
        file.write(whole[:9])
    assert list(tail.read(ALL)) == []
    with path.open("a") as file:
        file.write(whole[9:] + "\n" + json.dumps(line(3, level="debug")) + "\n")
    assert list(tail.read(LogFilter(level="info"))) == [line(2)]


def test_a_tail_follows_a_rotation(tmp_path: Path) -> None:
    path = write(tmp_path, [line(1)])
    tail = LogTail(tmp_path)
    path.rename(f"{path}.1")
    write(tmp_path, [line(2)])
    assert list(tail.read(ALL)) == [line(2)]
    path.write_text("")
    assert list(tail.read(ALL)) == []
    write(tmp_path, [line(3)])
    assert list(tail.read(ALL)) == [line(3)]
