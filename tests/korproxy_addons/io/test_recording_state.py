import os
from pathlib import Path

import pytest

from korproxy_addons.io.recording_state import FILE_NAME, RecordingState, RecordingSwitch

ON = RecordingState(since=1000.0, until_at=2000.0, tool="codex", shapes=True)


def test_it_is_off_until_it_is_turned_on(tmp_path: Path) -> None:
    switch = RecordingSwitch(tmp_path / "home")
    assert switch.state(1500.0) is None
    assert switch.stamp() is None
    switch.turn_on(ON)
    assert switch.state(1500.0) == ON
    assert RecordingSwitch(tmp_path / "home").state(1500.0) == ON
    seen = switch.stamp()
    assert seen is not None
    switch.turn_off()
    assert switch.state(1500.0) is None
    assert switch.stamp() is None
    switch.turn_off()  # twice is nothing


def test_a_change_can_be_seen(tmp_path: Path) -> None:
    switch = RecordingSwitch(tmp_path)
    switch.turn_on(ON)
    seen = switch.stamp()
    assert switch.stamp() == seen
    switch.turn_on(RecordingState(since=1000.0, until_at=3000.0))
    assert switch.stamp() != seen
    assert switch.state(2500.0) is not None


@pytest.mark.parametrize(
    ("now", "on"), [(900.0, False), (950.0, True), (1999.9, True), (2000.0, False)]
)
def test_it_runs_out_by_itself(tmp_path: Path, now: float, on: bool) -> None:
    """And a clock that was set back by much does not bring it back."""
    switch = RecordingSwitch(tmp_path)
    switch.turn_on(ON)
    assert (switch.state(now) is not None) is on


@pytest.mark.parametrize(
    ("tool", "taken"),
    [("codex", True), ("codex-cli", True), ("codexer", False), ("", False), ("claude-code", False)],
)
def test_a_tool_may_be_named_in_short(tool: str, taken: bool) -> None:
    assert ON.takes(tool) is taken
    assert RecordingState(since=0, until_at=1).takes(tool)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"since": 1}', b'{"since": "a", "until_at": 2}', b"\xff"]
)
def test_a_file_that_cannot_be_read_records_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(data)
    assert RecordingSwitch(tmp_path).state(1.5) is None


@pytest.mark.skipif(os.name != "posix", reason="links and modes are POSIX's")
def test_it_is_the_user_s_alone(tmp_path: Path) -> None:
    switch = RecordingSwitch(tmp_path / "home")
    switch.turn_on(ON)
    path = tmp_path / "home" / FILE_NAME
    assert path.stat().st_mode & 0o077 == 0
    moved = path.rename(tmp_path / "elsewhere")
    path.symlink_to(moved)
    assert switch.state(1500.0) is None
