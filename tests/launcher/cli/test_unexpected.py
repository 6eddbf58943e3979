from pathlib import Path

import pytest

from launcher.cli import run, version
from launcher.cli.unexpected import LOG_NAME, unexpected

SECRET = "sk-ant-canary-0123456789"


def failed() -> Exception:
    try:
        raise ValueError(f"planted {SECRET}")
    except ValueError as error:
        return error


def test_the_traceback_is_in_the_log_alone_and_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KORPROXY_HOME", str(tmp_path))
    found = unexpected(failed())
    log = tmp_path / "logs" / LOG_NAME
    assert found.spec.code == "KP-SYS-501"
    assert str(log) in found.detail
    assert "planted" not in found.detail
    written = log.read_text()
    assert "ValueError: planted" in written
    assert "Traceback" in written
    assert SECRET not in written
    assert log.stat().st_mode & 0o077 == 0


def test_a_log_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KORPROXY_HOME", str(tmp_path))
    log = tmp_path / "logs" / LOG_NAME
    log.parent.mkdir()
    log.write_text("x" * 300_000)
    unexpected(failed())
    assert log.stat().st_size < 10_000


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KORPROXY_HOME", str(tmp_path / "file"))
    assert "could not be written" in unexpected(failed()).detail


def test_a_person_sees_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KORPROXY_HOME", str(tmp_path))

    def fail(*_arguments: object, **_options: object) -> None:
        raise failed()

    monkeypatch.setattr(version, "show", fail)
    assert run(["version"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("KP-SYS-501")
    assert "Traceback" not in shown
    assert LOG_NAME in shown.replace("\n", "")
