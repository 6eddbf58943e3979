"""Everything is shown: every dialect to every way in, what came of it, and how to go on from there."""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

import psutil
import pytest
from rich.console import Console

from launcher.demo import run as module
from launcher.demo.clients import Answer
from launcher.demo.gateway_process import GatewayFailed
from launcher.demo.run import WIDE_CHARACTERS, Row, run_demo
from launcher.demo.settings import DemoAccount, demo_accounts
from launcher.simulator import Simulator
from support.asking import DIALECTS
from support.kept import gone
from support.waiting import until

GOOD = Row("gemini", "claude", "api-key", "m-1", "plain HTTP", 12.34, 56.78, 3, 4, True, "")
BAD = replace(GOOD, ok=False, first_byte_ms=None, total_ms=None, detail="HTTP 500: said so")
ACCOUNT = DemoAccount("claude-api-key", "claude", "api-key", "anthropic-messages", "m-1")


def console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=WIDE_CHARACTERS), out


def test_a_row_says_what_was_measured() -> None:
    assert module._cells(GOOD, named=True) == (
        "gemini",
        "claude · api-key",
        "m-1",
        "12.3",
        "56.8",
        "3/4",
        "[green]✓[/green]",
    )
    assert module._cells(BAD, named=False)[0] == ""
    assert module._cells(BAD, named=False)[3:] == ("", "", "", "[red]✗[/red]")


def test_the_table_names_each_dialect_once_and_says_what_failed() -> None:
    target, out = console()
    rows = [GOOD, GOOD, BAD]
    assert list(module._shown(target, iter(rows), as_json=False)) == rows
    shown = out.getvalue()
    assert shown.count("gemini") == 2, "once in the table, once with the failure"
    assert shown.count("✓") == 2
    assert "✗ gemini → claude · api-key: HTTP 500: said so" in shown
    assert max(map(len, shown.splitlines())) <= WIDE_CHARACTERS


def test_as_json_nothing_is_drawn() -> None:
    target, out = console()
    assert list(module._shown(target, iter([GOOD, BAD]), as_json=True)) == [GOOD, BAD]
    assert out.getvalue() == ""


def test_an_answer_becomes_a_row_with_the_account_it_was_pinned_to() -> None:
    asked: list[str] = []

    def ask(model: str) -> Answer:
        asked.append(model)
        answer = Answer("plain HTTP", "Hello", 3, 4)
        answer.saw_event()
        return answer.finish()

    row = module._ask("gemini", ask, ACCOUNT)
    assert asked == ["claude@claude-api-key/m-1"]
    assert (row.dialect, row.provider, row.access, row.model) == (
        "gemini",
        "claude",
        "api-key",
        "m-1",
    )
    assert (row.ok, row.via, row.input_tokens, row.output_tokens) == (True, "plain HTTP", 3, 4)
    assert row.first_byte_ms is not None
    assert row.total_ms is not None
    assert row.first_byte_ms <= row.total_ms


def test_an_answer_without_words_is_a_failure() -> None:
    row = module._ask("gemini", lambda _: Answer("plain HTTP").finish(), ACCOUNT)
    assert (row.ok, row.detail) == (False, "the answer was empty")


def test_whatever_a_client_raises_is_a_row_and_the_others_are_still_asked() -> None:
    def ask(_: str) -> Answer:
        raise ValueError("several\n lines " + "x" * 1000)

    row = module._ask("gemini", ask, ACCOUNT)
    assert not row.ok
    assert row.detail.startswith("several lines xxx")
    assert len(row.detail) == 300


def test_every_dialect_asks_every_account_that_serves_any_tool() -> None:
    accounts = [it for it in demo_accounts(Simulator().urls()) if it.serves_any_tool]
    assert set(module.DIALECTS) == set(DIALECTS)
    assert len(accounts) >= 12
    assert {it.dialect for it in accounts} == set(DIALECTS)


# --- start to end


class NoGateway:
    """A gateway whose process does not start."""

    def __init__(self, home: Path, port: int) -> None:
        self.url = ""

    def __enter__(self) -> Self:
        raise GatewayFailed("the port is taken")

    def __exit__(self, *_: object) -> None:
        """Never entered."""


def test_a_gateway_that_does_not_start_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "DemoGateway", NoGateway)
    assert run_demo(once=True, as_json=False) == 1
    assert "the port is taken" in capsys.readouterr().out


def test_a_port_that_is_taken_is_told_with_its_holder_and_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "DemoGateway", NoGateway)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run_demo(once=False, as_json=False, port=port) == 1
    said = capsys.readouterr().out
    assert f"Port {port} is taken by " in said
    assert f"(process {os.getpid()}); --port 0 takes a free one." in said


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One dialect and two ways in, without SDKs: what all others do alike."""
    picked = {"claude-api-key", "sim-chat"}
    monkeypatch.setattr(
        module,
        "demo_accounts",
        lambda ways: tuple(it for it in demo_accounts(ways) if it.id in picked),
    )
    monkeypatch.setattr(module, "DIALECTS", ("openai-chat",))
    monkeypatch.setattr("launcher.demo.clients.find_spec", lambda _: None)


@pytest.mark.e2e
def test_the_whole_demo_as_json(small: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_demo(once=True, as_json=True) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["ok"]
    assert result["url"].startswith("http://localhost:")
    assert [(row["provider"], row["ok"]) for row in result["rows"]] == [
        ("claude", True),
        ("sim-chat", True),
    ]
    assert all(row["input_tokens"] and row["output_tokens"] for row in result["rows"])


@pytest.mark.e2e
def test_the_demo_stays_up_until_it_is_interrupted_and_says_how_to_use_it(
    small: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waits: list[bool] = []

    def interrupted_at_once() -> bool:
        waits.append(True)
        return True

    monkeypatch.setattr(module, "_wait_for_interrupt", interrupted_at_once)
    monkeypatch.setattr(module, "demo_accounts", demo_accounts)
    monkeypatch.setattr(module, "_ask_all", lambda *_: iter([BAD]))
    assert run_demo(once=False, as_json=False, port=0) == 1
    shown = capsys.readouterr().out
    assert waits == [True]
    assert "0 of 1 questions answered" in shown
    for words in (
        "ANTHROPIC_BASE_URL=http://localhost:",
        "GOOGLE_GEMINI_BASE_URL=http://localhost:",
        "model_providers.korproxy.base_url",
        "curl -N http://localhost:",
        "nothing leaves this machine",
    ):
        assert words in shown


# The whole demo but for its questions; it says where its folder is.
DEMO = """
import sys, tempfile
from launcher.demo import run
run.DIALECTS = ()
real = tempfile.TemporaryDirectory
class Shown(real):
    def __enter__(self):
        print("folder", super().__enter__(), flush=True)
        return self.name
tempfile.TemporaryDirectory = Shown
sys.exit(run.run_demo(once=False, as_json=False, port=0))
"""


class Running:
    """The demo in a process of its own, up and waiting to be interrupted."""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-c", DEMO], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        said = list(iter_until(self.process.stdout, "Ctrl-C ends the demo."))
        self.home = Path(next(it for it in said if it.startswith("folder ")).split()[1])
        (gateway,) = psutil.Process(self.process.pid).children()
        self.gateway = gateway.pid
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        if not gone(self.gateway):
            os.kill(self.gateway, signal.SIGKILL)


def iter_until(lines: Iterator[str], end: str) -> Iterator[str]:
    for line in lines:
        yield line.rstrip()
        if end in line:
            return
    raise AssertionError("it ended before")


@pytest.mark.e2e
@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_told_to_end_it_takes_everything_with_it(number: signal.Signals) -> None:
    with Running() as demo:
        demo.process.send_signal(number)
        assert demo.process.wait(60) == 0
        assert gone(demo.gateway)
        assert not demo.home.exists()


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_what_nohup_has_it_ignore_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with module._told_to_end_as_by_ctrl_c():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells of a parent's end")
def test_killed_it_leaves_no_gateway_at_the_port() -> None:
    with Running() as demo:
        demo.process.kill()
        demo.process.wait()
        until(lambda: gone(demo.gateway))
        shutil.rmtree(demo.home)
