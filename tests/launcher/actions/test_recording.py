from pathlib import Path

import pytest

from korproxy_addons.errors.catalogue import STATE_UNAVAILABLE
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.recording_state import FILE_NAME
from launcher.actions.recording import (
    RecordState,
    recording_state,
    start_recording,
    stop_recording,
    tool_meant,
)
from support.ledgers import ledger, record

NOW = 1_800_000_000.0


def test_it_is_off_until_it_is_turned_on(tmp_path: Path) -> None:
    home = tmp_path / "home"
    off = RecordState(on=False)
    assert recording_state(home) == off
    on = start_recording(home, minutes=5, tool="codex", shapes=True, now=NOW)
    assert on == RecordState(on=True, until_at=NOW + 300, tool="codex", shapes=True)
    assert recording_state(home, NOW + 299) == on
    assert recording_state(home, NOW + 300) == off
    assert stop_recording(home) == off
    assert recording_state(home, NOW + 1) == off


def test_by_default_it_lasts_half_an_hour_and_never_more_than_a_day(tmp_path: Path) -> None:
    assert start_recording(tmp_path, now=NOW).until_at == NOW + 1800
    assert start_recording(tmp_path, minutes=10**6, now=NOW).until_at == NOW + 86_400


def test_what_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.write_text("a file where a folder should be")
    with pytest.raises(KorProxyError) as caught:
        start_recording(home)
    assert caught.value.spec is STATE_UNAVAILABLE
    home.unlink()
    start_recording(home, now=NOW)

    def refuse(self: Path, *, missing_ok: bool = False) -> None:
        raise OSError(13, f"{self.name} {missing_ok}")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(KorProxyError) as caught:
        stop_recording(home)
    assert (caught.value.spec, caught.value.detail) == (STATE_UNAVAILABLE, f"{FILE_NAME} False")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("", ""), ("codex-cli", "codex-cli"), (" Codex ", "codex"), ("claude", "claude"), ("Claude Code", "claude-code"),
        ("kilo", "kilo"), ("cn", "continue"),
    ],
)  # fmt: skip
def test_a_tool_is_known_by_its_id_the_beginning_of_it_its_name_and_its_program(
    tmp_path: Path, word: str, meant: str
) -> None:
    assert tool_meant(tmp_path, word) == (meant, "")


def test_a_name_that_nobody_knows_is_said_unless_it_has_asked_before(tmp_path: Path) -> None:
    meant, note = tool_meant(tmp_path, "codx")
    assert meant == "codx"
    assert note.endswith("no program of that name has asked yet. Did you mean codex-cli?")
    assert "claude-code, " in tool_meant(tmp_path, "my-script")[1]
    ledger(tmp_path / "home", record(1, tool="my-script"))
    assert tool_meant(tmp_path / "home", "my-script") == ("my-script", "")
    assert tool_meant(tmp_path / "home", "my-other")[1]
