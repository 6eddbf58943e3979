import json
from pathlib import Path

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher import updates
from launcher.cli import run
from launcher.updates import UpdateState, UpdateView


def test_what_was_found_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = UpdateView(UpdateState.AVAILABLE, "0.1.0", "2.0", "https://example.com/2")
    monkeypatch.setattr(updates, "check_for_updates", lambda _home: found)
    assert run(["update", "check"]) == 0
    shown = capsys.readouterr().out
    assert shown == "KorProxy 2.0 is out; this is 0.1.0. https://example.com/2\n"
    assert run(["update", "check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "state": "available", "installed": "0.1.0", "newest": "2.0", "page": "https://example.com/2",
    }  # fmt: skip


def test_a_copy_without_a_feed_says_so_and_is_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["update", "check", "--home", str(tmp_path)]) == 1
    assert "no release feed" in capsys.readouterr().out


def test_a_feed_that_cannot_say_is_an_error_with_its_steps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_home: Path) -> UpdateView:
        raise KorProxyError(catalogue.UPDATE_UNKNOWN, "feed.example answered with 500")

    monkeypatch.setattr(updates, "check_for_updates", fail)
    assert run(["update", "check"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("KP-SYS-520 ")
    assert "feed.example answered with 500" in said
