import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from launcher.tray.clipboard import copy


def test_the_first_program_there_is_gets_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Any, bytes]] = []

    def run(program: Any, *, input: bytes, **_: Any) -> None:  # noqa: A002 - named so
        seen.append((program, input))

    monkeypatch.setattr(subprocess, "run", run)
    there = {"wl-copy", "xclip"}
    assert copy("http://localhost:1337", lambda name: name if name in there else None)
    assert seen == [(("wl-copy",), b"http://localhost:1337")]


def test_one_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def run(program: Any, **_: Any) -> None:
        tried.append(program[0])
        if program[0] == "wl-copy":
            raise subprocess.CalledProcessError(1, program)

    monkeypatch.setattr(subprocess, "run", run)
    assert copy("x", lambda name: name)
    assert tried == ["pbcopy"]
    tried.clear()
    assert copy("x", lambda name: name if name in ("wl-copy", "xclip") else None)
    assert tried == ["wl-copy", "xclip"]


def test_without_any_it_says_so() -> None:
    assert not copy("x", lambda _name: None)


def test_gtk_holds_it_where_gtk_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []
    board = SimpleNamespace(set_text=lambda text, _length: kept.append(text), store=lambda: None)
    gtk = SimpleNamespace(Clipboard=SimpleNamespace(get=lambda _selection: board))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setitem(sys.modules, "gi.repository.Gtk", gtk)
    gdk = SimpleNamespace(SELECTION_CLIPBOARD=1)
    monkeypatch.setitem(sys.modules, "gi.repository.Gdk", gdk)
    assert copy("endpoint", lambda _name: None)
    assert kept == ["endpoint"]
