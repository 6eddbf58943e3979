"""The last crash reports, in `crashes/` of the KorProxy folder: kept for the person, whether or not any is ever sent."""

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from korproxy_addons.io.private_file import make_private_folder, read_private, replace_private
from korproxy_addons.recording.crash import CrashReport

FOLDER = "crashes"
KEPT = 5
_SUFFIX = ".json"


class CrashReports:
    """
    The reports of a KorProxy folder.

    Args:
        home: The folder.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER

    def save(self, report: CrashReport) -> CrashReport:
        """
        Keep a report, and let the oldest of more than five go; one of the same mistake takes its predecessor's place.

        Returns:
            The report as it is kept, counted together with its predecessor.
        Raises:
            OSError: It cannot be kept.
        """
        make_private_folder(self._folder)
        kept = self._kept()
        for path, before in kept:
            if before.same == report.same:
                report = replace(
                    report, first_at=before.first_at, times=before.times + report.times
                )
                _remove(path)
        self._write(report)
        for path, _ in self._kept()[KEPT:]:
            _remove(path)
        return report

    def mark_sent(self, report_id: str, at: float) -> None:
        """
        Note when a report was sent.

        Raises:
            OSError: It cannot be noted.
        """
        for _, report in self._kept():
            if report.id == report_id:
                self._write(replace(report, sent_at=at))

    def all(self) -> tuple[CrashReport, ...]:
        """The reports, newest first; a file that is none is passed over."""
        return tuple(report for _, report in self._kept())

    def clear(self) -> int:
        """Remove all; how many there were."""
        kept = self._kept()
        for path, _ in kept:
            _remove(path)
        return len(kept)

    def path_of(self, report: CrashReport) -> Path:
        """Where a report lies."""
        at = datetime.fromtimestamp(report.at, UTC).strftime("%Y%m%dT%H%M%SZ")
        return self._folder / f"{at}-{report.id[:8]}{_SUFFIX}"

    def _write(self, report: CrashReport) -> None:
        text = msgspec.json.format(msgspec.json.encode(report), indent=2)
        replace_private(self.path_of(report), text + b"\n", keeps_backup=False)

    def _kept(self) -> list[tuple[Path, CrashReport]]:
        found = []
        with contextlib.suppress(OSError):
            names = [it for it in os.listdir(self._folder) if it.endswith(_SUFFIX)]  # noqa: PTH208 - names, by their end
            for name in names:
                report = _read(self._folder / name)
                if report is not None:
                    found.append((self._folder / name, report))
        return sorted(found, key=lambda it: it[1].at, reverse=True)


def _read(path: Path) -> CrashReport | None:
    try:
        found = read_private(path)
        return None if found is None else msgspec.json.decode(found[0], type=CrashReport)
    except (OSError, msgspec.DecodeError):
        return None


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
