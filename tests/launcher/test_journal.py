import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.io.crash_reports import CrashReports
from korproxy_addons.io.logs import LAUNCHER_FILE_NAME
from launcher.journal import Journal
from launcher.supervisor.states import Phase, Reason, State, Status

log = logging.getLogger("korproxy.launcher")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    it = Journal(tmp_path)
    it.begin()
    yield it
    it.close()


def lines(home: Path) -> list[dict[str, Any]]:
    text = (home / "logs" / LAUNCHER_FILE_NAME).read_text()
    return [json.loads(it) for it in text.splitlines()]


def write(home: Path, text: str) -> None:
    (home / "config.yaml").write_text(f"version: 1\n{text}")
    (home / "config.yaml").chmod(0o600)


def test_each_new_state_is_a_line_and_a_number_is_none(tmp_path: Path, journal: Journal) -> None:
    journal.changed(Status(state=State.STARTING))
    journal.changed(Status(state=State.HEALTHY, pid=7, port=1337, latency_ms=1.0))
    journal.changed(Status(state=State.HEALTHY, pid=7, port=1337, latency_ms=2.0))
    failed = Status(
        state=State.FAILED, phase=Phase.SETTLED, reason=Reason.CRASH_LOOP, detail="it ended"
    )
    journal.changed(failed)
    journal.close()
    found = lines(tmp_path)
    assert [(it["level"], it["state"]) for it in found] == [
        ("info", "starting"),
        ("info", "healthy"),
        ("warning", "failed"),
    ]
    assert {it["event"] for it in found} == {"gateway state"}
    assert (found[1]["pid"], found[1]["port"]) == (7, 1337)
    assert (found[2]["reason"], found[2]["detail"]) == ("crash-loop", "it ended")


def test_a_file_that_is_gone_for_a_moment_is_not_written_anew(
    tmp_path: Path, journal: Journal
) -> None:
    write(tmp_path, "")
    journal.reload()
    (tmp_path / "config.yaml").unlink()
    journal.reload()
    assert not (tmp_path / "config.yaml").exists()


def test_levels_are_those_of_the_settings_and_follow_them(tmp_path: Path, journal: Journal) -> None:
    log.debug("1")
    write(tmp_path, "logging: {components: {launcher: debug}}\n")
    journal.reload()
    journal.reload()
    log.debug("2")
    write(tmp_path, "logging: nonsense\n")
    journal.reload()
    log.debug("3")
    journal.close()
    found = lines(tmp_path)
    assert [it["event"] for it in found] == ["log settings read", "2", "3"]
    assert found[0]["components"] == {"launcher": "debug"}


def test_it_logs_where_the_settings_cannot_be_used(tmp_path: Path) -> None:
    write(tmp_path, "logging: nonsense\n")
    journal = Journal(tmp_path)
    journal.begin()
    log.info("here")
    journal.close()
    assert [it["event"] for it in lines(tmp_path)] == ["here"]


def test_what_fails_in_the_launcher_is_a_crash_of_the_launcher(
    tmp_path: Path, journal: Journal
) -> None:
    try:
        json.loads("{")
    except ValueError as error:
        log.error("launcher task failed", exc_info=error)  # noqa: TRY400 - as a task's end is logged
    journal.close()
    (report,) = CrashReports(tmp_path).all()
    assert (report.process, report.links[-1].type) == ("launcher", "JSONDecodeError")
