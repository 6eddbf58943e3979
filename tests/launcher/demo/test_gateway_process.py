import sys
from pathlib import Path

import pytest

from launcher.demo import gateway_process as module
from launcher.demo.gateway_process import DemoGateway, GatewayFailed

READY = 'print(\'{"event":"ready","port":4711}\', flush=True); '
STAYS = "import threading; threading.Event().wait(60)"


def running(monkeypatch: pytest.MonkeyPatch, home: Path, program: str) -> DemoGateway:
    """A demo gateway whose process runs a program of the test's own."""
    monkeypatch.setattr(
        module, "gateway_command", lambda **words: [sys.executable, "-c", program, str(words)]
    )
    return DemoGateway(home, 0)


def test_it_is_there_once_it_says_so_and_ends_with_the_demo(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with running(monkeypatch, tmp_path, READY + STAYS) as gateway:
        assert gateway.url == "http://localhost:4711"
        assert gateway._process.poll() is None
    assert gateway._process.poll() is not None


def test_a_gateway_that_ignores_the_request_to_end_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "STOP_S", 0.05)
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY + STAYS
    with running(monkeypatch, tmp_path, program) as gateway:
        pass
    assert gateway._process.poll() is not None


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit('no such port')", "no such port"),
        ("print('something else')", "something else"),
        ("", "without a word"),
    ],
)
def test_one_that_does_not_start_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, said: str
) -> None:
    gateway = running(monkeypatch, tmp_path, program)
    with pytest.raises(GatewayFailed, match=said):
        gateway.__enter__()
    assert gateway._process.poll() is not None


def test_one_that_says_nothing_for_too_long_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "START_S", 0.05)
    gateway = running(monkeypatch, tmp_path, STAYS)
    with pytest.raises(GatewayFailed):
        gateway.__enter__()
    assert gateway._process.poll() is not None


def test_it_knows_of_no_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:9")
    program = (
        "import os, sys; sys.exit(str(sorted(it for it in os.environ if 'proxy' in it.lower())))"
    )
    with pytest.raises(GatewayFailed) as failed:
        running(monkeypatch, tmp_path, program).__enter__()
    assert "HTTPS_PROXY" not in str(failed.value)
    assert "all_proxy" not in str(failed.value)
