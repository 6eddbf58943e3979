"""What the launcher writes down, read back from its file."""

import asyncio
from pathlib import Path

import pytest

from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.io.tables.timeline import FILE_NAME, MOMENTS, SEEN_AT
from launcher import timeline as module
from launcher.supervisor.states import Phase, Reason, State, Status
from launcher.timeline import BEAT_S, Timeline
from support.clock import FakeClock


def kept(home: Path) -> list[tuple[float, str, str, str]]:
    with LedgerFile(home / FILE_NAME) as file:
        return [
            (at, state, reason, detail) for at, state, reason, detail in file.rows(MOMENTS, (-1.0,))
        ]


def begun(home: Path, clock: FakeClock) -> Timeline:
    found = Timeline(home, clock)
    found.begin()
    return found


def test_each_change_of_state_is_kept_once(tmp_path: Path) -> None:
    clock = FakeClock(1000.0)
    timeline = begun(tmp_path, clock)
    timeline.changed(Status(State.STARTING))
    clock.advance(2)
    timeline.changed(Status(State.HEALTHY))
    timeline.changed(Status(State.HEALTHY, in_flight=3))
    clock.advance(5)
    timeline.changed(Status(State.FAILED, reason=Reason.PORT_BUSY, detail="port 1337 is taken"))
    timeline.changed(Status(State.FAILED, reason=Reason.PORT_BUSY, detail="port 1337 is taken"))
    clock.advance(1)
    timeline.close()
    assert kept(tmp_path) == [
        (1000.0, "starting", "", ""),
        (1002.0, "healthy", "", ""),
        (1007.0, "failed", "port-busy", "port 1337 is taken"),
        (1008.0, "ended", "", ""),
    ]


def test_each_breakdown_is_kept_though_the_state_stays(tmp_path: Path) -> None:
    timeline = begun(tmp_path, FakeClock(5.0))
    timeline.changed(Status(State.HEALTHY))
    for number in (1, 2):
        broken = Status(State.STARTING, Phase.BACKING_OFF, detail=f"exit {number}", restarts=number)
        timeline.changed(broken)
        timeline.changed(broken)
        timeline.changed(Status(State.STARTING, restarts=number))
    timeline.close()
    assert [row[1:] for row in kept(tmp_path)] == [
        ("healthy", "", ""),
        ("starting", "restart", "exit 1"),
        ("starting", "restart", "exit 2"),
        ("ended", "", ""),
    ]


def test_a_launcher_that_was_killed_ended_when_it_was_last_seen(tmp_path: Path) -> None:
    clock = FakeClock(100.0)
    killed = begun(tmp_path, clock)
    killed.changed(Status(State.HEALTHY))
    clock.advance(BEAT_S)
    killed.beat_once()
    killed._database.close()  # without a word
    clock.advance(5000)
    begun(tmp_path, clock).close()
    rows = kept(tmp_path)
    assert [row[:3] for row in rows[:2]] == [
        (100.0, "healthy", ""),
        (100.0 + BEAT_S, "ended", "lost"),
    ]


def test_one_that_ended_well_is_not_missed(tmp_path: Path) -> None:
    first = begun(tmp_path, FakeClock(1.0))
    first.changed(Status(State.HEALTHY))
    first.close()
    begun(tmp_path, FakeClock(9.0)).close()
    assert "lost" not in {row[2] for row in kept(tmp_path)}


def test_sleep_is_told_from_serving(tmp_path: Path) -> None:
    clock = FakeClock(0.0)
    timeline = begun(tmp_path, clock)
    timeline.changed(Status(State.HEALTHY))
    timeline.beat_once()
    clock.advance(9000)
    timeline.beat_once()
    timeline.close()
    assert [row[:2] for row in kept(tmp_path)] == [
        (0.0, "healthy"),
        (0.0, "asleep"),
        (9000.0, "healthy"),
        (9000.0, "ended"),
    ]
    with LedgerFile(tmp_path / FILE_NAME) as file:
        assert file.rows(SEEN_AT) == [(9000.0,)]


def test_it_says_again_and_again_that_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT_S", 0.0)
    timeline = begun(tmp_path, FakeClock(0.0))
    beats: list[int] = []

    def beaten() -> None:
        beats.append(1)
        if len(beats) == 3:
            raise InterruptedError

    monkeypatch.setattr(timeline, "beat_once", beaten)
    with pytest.raises(InterruptedError):
        asyncio.run(timeline.beat())
    timeline.close()
    assert len(beats) == 3
