import io
import json
import logging
import re
import stat
import subprocess
import sys
import time
import timeit
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from korproxy_addons.config.logs import Logging
from korproxy_addons.io import logs
from korproxy_addons.io.log_file import LogFile
from korproxy_addons.io.logs import FILE_NAME, LAUNCHER_FILE_NAME, LIBRARIES, ROOT, Logs
from korproxy_addons.recording.redact import MASK, Redactor
from support.needs import ROOT as REPOSITORY

CANARY = "canary-7f3a-secret"
log = logging.getLogger("korproxy.upstream")
posix = pytest.mark.skipif(sys.platform == "win32", reason="files have no mode bits on Windows")


@pytest.fixture
def redactor() -> Redactor:
    it = Redactor()
    it.learn([SecretStr(CANARY)])
    return it


class Running:
    """Logs under a folder, started; `lines` ends them."""

    def __init__(self, home: Path, redactor: Redactor, **named: Any) -> None:
        of_logs = {it: named.pop(it) for it in ("file_name", "crashed") if it in named}
        self.file = home / "logs" / of_logs.get("file_name", FILE_NAME)
        self.logs = Logs(home, redactor, terminal=named.pop("terminal", False), **of_logs)
        adopt = named.pop("adopt", False)
        self.logs.start(Logging(**named), adopt=adopt)

    def lines(self) -> list[dict[str, Any]]:
        self.logs.stop()
        text = self.file.read_text("utf-8") if self.file.exists() else ""
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def running(tmp_path: Path, redactor: Redactor) -> Iterator[Running]:
    it = Running(tmp_path, redactor)
    yield it
    it.logs.stop()


def test_a_line_is_an_object_with_a_constant_event_and_named_fields(running: Running) -> None:
    fields = {
        "request_id": "kp1",
        "attempts": 2,
        "why": ["pinned"],
        "ms": 1.5,
        "ok": True,
        "usage": None,
    }
    log.warning("attempt failed", extra={"fields": fields})
    (line,) = running.lines()
    assert isinstance(line.pop("ts"), float)
    assert line == {
        "level": "warning",
        "component": "upstream",
        "event": "attempt failed",
        **fields,
    }


def test_a_field_cannot_pass_for_what_every_line_has(running: Running) -> None:
    log.info("real", extra={"fields": {"event": "forged", "level": "error", "ts": 0}})
    (line,) = running.lines()
    assert (line["event"], line["level"]) == ("real", "info")
    assert line["ts"] > 0


def test_whatever_a_field_holds_the_line_is_json(running: Running) -> None:
    strange = {
        "secret": SecretStr(CANARY),
        "nan": float("nan"),
        "infinite": float("-inf"),
        "lines": 'a\nb"c\\',
        "nested": {"a": ({1}, frozenset(), {2: b"x"})},
        "path": Path("x"),
    }
    log.info("strange", extra={"fields": strange})
    log.info("strange", extra={"fields": "no mapping at all"})
    first, second = running.lines()
    assert first["secret"] == "**********"
    assert first["nan"] == "nan"
    assert first["lines"] == 'a\nb"c\\'
    assert first["nested"] == {"a": [[1], [], {"2": "b'x'"}]}
    assert second["event"] == "strange"


def test_no_secret_is_written_wherever_it_stands(running: Running) -> None:
    log.info(
        "event with %s",
        CANARY,
        extra={
            "fields": {
                "plain": CANARY,
                "inside": f"x{CANARY}y",
                "deep": [{"a": (CANARY,)}],
                CANARY: "as a name",
                "looks": "sk-ant-abcdefgh12345678",
                "json": json.dumps({"key": f'"{CANARY}"'}),
                "pem": "-----BEGIN PRIVATE KEY-----\nMIIE",
            }
        },
    )
    (line,) = running.lines()
    written = running.file.read_text("utf-8")
    assert CANARY not in written
    assert "abcdefgh12345678" not in written
    assert "MIIE" not in written
    assert line["plain"] == MASK
    assert line["inside"] == f"x{MASK}y"


def test_an_exception_shows_where_it_happened_and_not_what_it_says(running: Running) -> None:
    """Its text may quote a body."""
    try:
        raise ValueError("text-of-the-exception")
    except ValueError:
        log.exception("internal error", extra={"fields": {"request_id": "kp1"}})
    (line,) = running.lines()
    assert line["exception"] == "ValueError"
    assert line["request_id"] == "kp1"
    (frame,) = line["trace"]
    assert frame.startswith("test_logs.py:")
    assert frame.endswith(" test_an_exception_shows_where_it_happened_and_not_what_it_says")
    assert "text-of-the-exception" not in running.file.read_text("utf-8")


def test_a_long_trace_is_cut_to_where_it_happened(running: Running) -> None:
    def dig(levels: int) -> None:
        if levels == 0:
            raise KeyError
        dig(levels - 1)

    try:
        dig(50)
    except KeyError:
        log.exception("deep")
    (line,) = running.lines()
    assert len(line["trace"]) == 8


def test_an_error_without_its_exception_has_no_trace(running: Running) -> None:
    log.error("odd", exc_info=True)  # noqa: LOG014 - there is none
    (line,) = running.lines()
    assert "trace" not in line


@posix
def test_only_the_user_can_read_the_log(tmp_path: Path, redactor: Redactor) -> None:
    """Also where folder and file were there before, open to all."""
    folder = tmp_path / "logs"
    folder.mkdir(mode=0o755)
    (folder / FILE_NAME).touch(mode=0o644)
    running = Running(tmp_path, redactor)
    log.info("x")
    running.lines()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(running.file.stat().st_mode) == 0o600


@posix
def test_old_files_are_private_too_and_few(tmp_path: Path, redactor: Redactor) -> None:
    running = Running(tmp_path, redactor, keep_bytes=1024 * 1024)
    for number in range(8000):
        log.info("x", extra={"fields": {"number": number, "filler": "y" * 100}})
    last = running.lines()[-1]
    assert last["number"] == 7999
    files = sorted((tmp_path / "logs").iterdir())
    assert len(files) > 2
    assert sum(file.stat().st_size for file in files) <= 1024 * 1024
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_what_is_kept_changes_with_the_configuration(tmp_path: Path, redactor: Redactor) -> None:
    running = Running(tmp_path, redactor)
    running.logs.configure(Logging(keep_bytes=1024 * 1024))
    for _ in range(8000):
        log.info("x", extra={"fields": {"filler": "y" * 100}})
    running.lines()
    assert sum(it.stat().st_size for it in (tmp_path / "logs").iterdir()) <= 1024 * 1024


def test_a_level_holds_for_all_but_the_components_it_names(
    tmp_path: Path, redactor: Redactor
) -> None:
    running = Running(tmp_path, redactor, level="warning", components={"upstream": "debug"})
    other = logging.getLogger("korproxy.leg")
    log.debug("seen")
    other.info("not seen")
    other.warning("seen too")
    assert [line["event"] for line in running.lines()] == ["seen", "seen too"]


def test_levels_change_with_the_configuration(tmp_path: Path, redactor: Redactor) -> None:
    """A component that is no longer named has no level of its own any more."""
    running = Running(tmp_path, redactor, level="error", components={"upstream": "debug"})
    log.debug("1")
    running.logs.configure(Logging(level="warning"))
    log.info("2")
    log.warning("3")
    running.logs.configure(Logging(components={"upstream": "error"}))
    log.warning("4")
    logging.getLogger("korproxy.leg").info("5")
    assert [line["event"] for line in running.lines()] == ["1", "3", "5"]


def test_the_terminal_sees_the_same(
    tmp_path: Path, redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    running = Running(tmp_path, redactor, terminal=True)
    log.info("said", extra={"fields": {"key": CANARY}})
    lines = running.lines()
    assert [json.loads(line) for line in capsys.readouterr().err.splitlines()] == lines
    assert lines[0]["key"] == MASK


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_s_warnings_are_taken_over(name: str, tmp_path: Path, redactor: Redactor) -> None:
    running = Running(tmp_path, redactor, adopt=True)
    library = logging.getLogger(f"{name}.inside")
    library.info("chatter")
    library.warning("a warning with %s", CANARY)
    library.warning("x" * 5000)
    first, second = running.lines()
    assert first["component"] == f"{name}.inside"
    assert first["event"] == f"a warning with {MASK}"
    assert len(second["event"]) == logs.LONGEST_FOREIGN_TEXT


def test_what_a_library_says_of_an_exception_is_not_written(
    tmp_path: Path, redactor: Redactor
) -> None:
    """`Addon error: …` and `Task exception was never retrieved …` quote it."""
    running = Running(tmp_path, redactor, adopt=True)
    try:
        raise ValueError("text-of-the-exception")
    except ValueError as error:
        # As mitmproxy does it, in one text.
        logging.getLogger("mitmproxy.addonmanager").exception(f"Addon error: {error}")  # noqa: G004, TRY401
    (line,) = running.lines()
    assert line["event"] == "library error"
    assert line["exception"] == "ValueError"
    assert "text-of-the-exception" not in running.file.read_text("utf-8")


def test_a_library_s_errors_still_reach_who_ends_a_failed_start(
    tmp_path: Path, redactor: Redactor, caplog: pytest.LogCaptureFixture
) -> None:
    """mitmproxy's error check listens at the root: without it a gateway would run that listens nowhere."""
    running = Running(tmp_path, redactor, adopt=True)
    logging.getLogger("mitmproxy.proxy").error("cannot listen")
    running.lines()
    assert [record.getMessage() for record in caplog.records] == ["cannot listen"]


def test_our_own_lines_go_nowhere_else(
    tmp_path: Path, redactor: Redactor, caplog: pytest.LogCaptureFixture
) -> None:
    running = Running(tmp_path, redactor)
    log.error("ours")
    assert len(running.lines()) == 1
    assert caplog.records == []


def test_without_adoption_libraries_are_left_alone(tmp_path: Path, redactor: Redactor) -> None:
    running = Running(tmp_path, redactor)
    logging.getLogger("mitmproxy").warning("theirs")
    assert running.lines() == []


def test_after_the_end_all_is_as_before(tmp_path: Path, redactor: Redactor) -> None:
    names = (ROOT, "korproxy.upstream", *LIBRARIES)

    def state() -> list[object]:
        found = map(logging.getLogger, names)
        return [(it.level, it.propagate, list(it.handlers)) for it in found]

    before = state()
    running = Running(tmp_path, redactor, adopt=True, components={"upstream": "debug"})
    assert state() != before
    running.lines()
    assert state() == before
    running.logs.stop()


def test_what_is_waiting_when_the_process_ends_is_written(tmp_path: Path) -> None:
    program = f"""
import logging, pathlib
from korproxy_addons.config.logs import Logging
from korproxy_addons.io.logs import Logs
from korproxy_addons.recording.redact import Redactor
Logs(pathlib.Path({str(tmp_path)!r}), Redactor(), terminal=False).start(Logging(), adopt=False)
for number in range(100):
    logging.getLogger("korproxy.x").info("last words")
raise SystemExit(1)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=False)
    assert done.returncode == 1
    assert len((tmp_path / "logs" / FILE_NAME).read_text().splitlines()) == 100


def test_logs_that_never_began_can_be_ended(tmp_path: Path, redactor: Redactor) -> None:
    Logs(tmp_path, redactor, terminal=False).stop()


def test_a_full_disk_fills_no_terminal(
    running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LogFile, "write", full)
    log.error("lost", extra={"fields": {"key": CANARY}})
    running.lines()
    assert capsys.readouterr().err == ""


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_colour", "expected"), [("", True), ("1", False)])
def test_people_at_a_terminal_get_lines_to_read(
    tmp_path: Path,
    redactor: Redactor,
    monkeypatch: pytest.MonkeyPatch,
    no_colour: str,
    expected: bool,
) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", no_colour)
    running = Running(tmp_path, redactor, terminal=True)
    log.warning("said", extra={"fields": {"key": CANARY}})
    running.lines()
    shown = screen.getvalue()
    assert ("\x1b[" in shown) is expected
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert plain.endswith(f" ▲ upstream   said                    key={MASK}\n")


def test_a_value_that_cannot_be_written_costs_its_own_line_only(running: Running) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError(CANARY)

    log.info("broken", extra={"fields": {"value": Broken()}})
    log.info("sound")
    first, second = running.lines()
    assert (first["event"], first["exception"]) == ("line not written", "RuntimeError")
    assert second["event"] == "sound"


def test_the_launchers_log_is_a_file_of_its_own(tmp_path: Path, redactor: Redactor) -> None:
    running = Running(tmp_path, redactor, file_name=LAUNCHER_FILE_NAME)
    log.info("said")
    assert [it["event"] for it in running.lines()] == ["said"]
    assert [it.name for it in (tmp_path / "logs").iterdir()] == [LAUNCHER_FILE_NAME]


def test_exceptions_that_nobody_expected_are_told(tmp_path: Path, redactor: Redactor) -> None:
    told: list[logging.LogRecord] = []
    running = Running(tmp_path, redactor, crashed=told.append)
    try:
        raise ValueError("x")
    except ValueError:
        log.exception("internal error")
    log.error("no exception")
    assert len(running.lines()) == 2
    assert [it.getMessage() for it in told] == ["internal error"]
    assert running.logs.lost == 0


def test_logging_costs_who_logs_next_to_nothing(running: Running) -> None:
    """
    Far below the tenth of a millisecond that a request may cost more.

    By the clock of the thread itself: what else the machine does is none of its cost.
    """
    fields = {"request_id": "kp1", "attempts": 2, "why": ["pinned"], "ms": 1.5}
    best = min(
        timeit.repeat(
            lambda: log.info("exchange finished", extra={"fields": fields}),
            timer=time.thread_time,
            number=200,
            repeat=5,
        )
    )
    running.lines()
    assert best / 200 < 0.000_1
