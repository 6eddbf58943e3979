import os
import stat
from pathlib import Path

import pytest
from msgspec.structs import replace

from korproxy_addons.io.crash_reports import FOLDER, KEPT, CrashReports
from korproxy_addons.recording.crash import CrashReport, Frame, Link, Machine

MACHINE = Machine(release="1.2.3", python="3.13", system="Linux", system_version="6")


def report(number: int, at: float | None = None, line: int | None = None) -> CrashReport:
    at = 1_800_000_000.0 + number if at is None else at
    frame = Frame("korproxy_addons.x", "f", number if line is None else line)
    return CrashReport(
        id=f"{number:032x}",
        at=at,
        first_at=at,
        process="gateway",
        code="KP-SYS-501",
        machine=MACHINE,
        links=(Link("builtins", "ValueError", (frame,)),),
    )


def test_the_last_five_are_kept_newest_first(tmp_path: Path) -> None:
    reports = CrashReports(tmp_path)
    for number in range(8):
        assert reports.save(report(number)) == report(number)
    assert reports.all() == tuple(report(number) for number in (7, 6, 5, 4, 3))
    assert len(list((tmp_path / FOLDER).iterdir())) == KEPT
    assert reports.path_of(report(7)).exists()


def test_the_same_mistake_counts_up_and_pushes_no_other_out(tmp_path: Path) -> None:
    """As a gateway that crashes at each start."""
    reports = CrashReports(tmp_path)
    reports.save(report(1))
    for number in range(2, 20):
        kept = reports.save(report(number, line=99))
    assert (kept.times, kept.first_at, kept.at) == (18, report(2).at, report(19).at)
    assert reports.all() == (kept, report(1))


def test_when_one_was_sent_is_noted(tmp_path: Path) -> None:
    reports = CrashReports(tmp_path)
    reports.save(report(1))
    reports.save(report(2))
    reports.mark_sent(report(1).id, 5.0)
    reports.mark_sent("f" * 32, 6.0)
    assert reports.all() == (report(2), replace(report(1), sent_at=5.0))


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_they_are_the_users_own(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(mode=0o755)
    reports = CrashReports(tmp_path)
    reports.save(report(1))
    assert stat.S_IMODE((tmp_path / FOLDER).stat().st_mode) == 0o700
    assert stat.S_IMODE(reports.path_of(report(1)).stat().st_mode) == 0o600


def test_what_is_no_report_is_passed_over(tmp_path: Path) -> None:
    reports = CrashReports(tmp_path)
    assert reports.all() == ()
    reports.save(report(1))
    folder = tmp_path / FOLDER
    (folder / "a.json").write_text("{")
    (folder / "b.json").write_text("{}")
    (folder / "c.json").mkdir()
    (folder / "notes.txt").write_text("mine")
    assert reports.all() == (report(1),)
    assert reports.clear() == 1
    assert (folder / "notes.txt").exists()
    assert reports.all() == ()


def test_one_that_cannot_be_removed_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    reports = CrashReports(tmp_path)
    reports.save(report(1))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        assert reports.clear() == 1
    assert len(reports.all()) == 1
