"""The command; what it starts is in tests/e2e/supervision/test_inspect.py."""

import json
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from launcher.cli import lifecycle, run

URL = "http://127.0.0.1:9/?token=t"


class ToyApi:
    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def post(self, path: str, body: dict[str, Any]) -> Any:
        assert path == "inspect"
        self.asked.append(body)
        return {"url": URL if body["minutes"] else None}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> ToyApi:
    found = ToyApi()
    monkeypatch.setattr(lifecycle, "running", lambda _home: found)
    return found


def test_the_page_is_opened_and_its_address_not_printed(
    api: ToyApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []

    def open_it(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", open_it)
    assert run(["inspect"]) == 0
    assert opened == [URL]
    assert api.asked == [{"minutes": 30.0}]
    shown = capsys.readouterr()
    assert "token" not in shown.out + shown.err
    assert "30 minutes" in shown.out


def test_without_a_browser_the_address_is_printed(
    api: ToyApi, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["inspect", "--print", "--minutes", "5"]) == 0
    assert URL in capsys.readouterr().out
    assert run(["inspect", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"url": URL, "minutes": 30.0}
    assert api.asked[0] == {"minutes": 5.0}


def test_it_is_ended_by_hand(api: ToyApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", "--off"]) == 0
    assert api.asked == [{"minutes": 0}]
    assert URL not in capsys.readouterr().out


def test_without_korproxy_there_is_nothing_to_watch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["inspect", "--home", str(tmp_path)]) == 1
    assert "KP-SYS-509" in capsys.readouterr().err


def test_a_senseless_length_is_a_wrong_call() -> None:
    assert run(["inspect", "--minutes", "0"]) == 2
