"""The process as a whole is in tests/e2e; here is what it says and how it ends."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.addons.errorcheck import ErrorCheck
from mitmproxy.master import Master

from korproxy_addons import __main__ as program
from korproxy_addons import __version__
from korproxy_addons.__main__ import (
    EXIT_CONFIG,
    EXIT_PARENT_GONE,
    ONE_WISH_S,
    Launch,
    LayerChoice,
    Stop,
    main,
    make_master,
    on_signals,
)
from korproxy_addons.addons.control import Control
from korproxy_addons.addons.journal import JournalEnd
from korproxy_addons.addons.state import StateEnd
from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.errors.catalogue import DISK_FULL
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.crash_reports import CrashReports
from support.clock import FakeClock
from support.needs import ROOT

ACCOUNT = """
accounts:
- {id: work, provider: claude, secret: "env:NOT_READ_HERE"}
"""


def write(home: Path, text: str) -> None:
    (home / "config.yaml").write_text(f"version: 1\nlisten: {{hosts: [127.0.0.1]}}\n{text}")
    (home / "config.yaml").chmod(0o600)


def run(home: Path, *, port: int = 0, as_json: bool = False) -> None:
    """A gateway that is drained as soon as it is ready."""

    async def serve() -> None:
        master = await make_master(Launch(home=home, port=port, as_json=as_json, quiet=True))
        control = next(it for it in master.addons.chain if isinstance(it, Control))

        class Ends:
            def running(self) -> None:
                drains.append(asyncio.ensure_future(control.drain()))

        drains: list[asyncio.Future[None]] = []
        master.addons.add(Ends())
        proxyserver: Any = master.addons.get("proxyserver")
        try:
            async with asyncio.timeout(20):
                await master.run()
        finally:
            # What mitmproxy leaves to the end of the process: its sockets, and after a failed start the addons too.
            await proxyserver.servers.update([])
            let_go(master)

    asyncio.run(serve())


def let_go(master: Master) -> None:
    """Close log and database, which the end of the process closes where a gateway did not get to run."""
    for addon in master.addons.chain:
        if isinstance(addon, JournalEnd | StateEnd):
            addon.done()


def test_it_says_for_a_supervisor_where_it_listens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, ACCOUNT)
    run(tmp_path, as_json=True)
    ready = json.loads(capsys.readouterr().out)
    assert ready.pop("port") > 0
    assert ready.pop("instance")
    assert ready == {
        "event": "ready",
        "hosts": ["127.0.0.1"],
        "pid": os.getpid(),
        "version": __version__,
    }


def test_it_says_for_people_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, ACCOUNT)
    run(tmp_path)
    said = capsys.readouterr().out
    assert f"KorProxy {__version__} listens on http://localhost:" in said
    assert str(tmp_path / "config.yaml") in said
    assert "No account yet" not in said


def test_without_an_account_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "")
    run(tmp_path)
    assert "No account yet: add one under `accounts:`" in capsys.readouterr().out


def test_the_first_start_writes_its_settings(tmp_path: Path) -> None:
    run(tmp_path / "new")
    assert "# KorProxy's configuration." in (tmp_path / "new" / "config.yaml").read_text()


def test_a_bad_config_ends_it_with_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the exit code that tells a supervisor not to try again."""
    write(tmp_path, "acounts: []\nlimits: {body_bytes: many}\n")
    assert main(["--home", str(tmp_path)]) == EXIT_CONFIG == 78
    said = capsys.readouterr().err
    assert said.startswith("KP-CONF-")
    assert "acounts" in said
    assert "config.yaml:4:" in said
    with pytest.raises(ConfigProblems):
        asyncio.run(make_master(Launch(home=tmp_path, quiet=True)))


def test_it_does_not_start_for_somebody_who_is_gone(tmp_path: Path) -> None:
    """Its parent is not who asked for it: nobody would ever end it."""
    code = subprocess.run(
        [sys.executable, "-m", "korproxy_addons", "--home", str(tmp_path), "--parent", "1"],
        check=False,
        timeout=60,
    ).returncode
    assert code == EXIT_PARENT_GONE


def test_the_last_good_config_stands_in_for_a_broken_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, ACCOUNT)
    run(tmp_path)
    assert "No account yet" not in capsys.readouterr().out
    write(tmp_path, "accounts: nonsense\n")

    async def accounts(start: str) -> int:
        master = await make_master(Launch(home=tmp_path, port=0, quiet=True, start=start))
        control = next(it for it in master.addons.chain if isinstance(it, Control))
        master._legacy_log_events.uninstall()
        next(it for it in master.addons.chain if isinstance(it, ErrorCheck)).finish()
        let_go(master)
        return len(control._store.current.accounts)

    assert asyncio.run(accounts("last-good")) == 1
    assert asyncio.run(accounts("plain")) == 0


def test_a_port_that_is_taken_ends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It must not run on and listen nowhere, and must say which address it was."""
    write(tmp_path, "")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as found:
            run(tmp_path, port=port)
    assert found.value.code == 1
    assert str(port) in capsys.readouterr().err
    assert '"component": "mitmproxy.' in (tmp_path / "logs" / "gateway.jsonl").read_text()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("canary-in-the-end"), "KP-SYS-501 KorProxy failed inside: ValueError"),
        (PermissionError(13, "Permission denied", "canary-in-the-end"), ": Permission denied"),
    ],
)
def test_what_nobody_expected_ends_it_without_a_traceback(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    said: str,
) -> None:
    """The launcher shows its last lines; the rest is a crash report."""

    async def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(program, "_run", fail)
    assert main(["--home", str(tmp_path), "--quiet"]) == 1
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown
    assert "canary" not in shown
    (report,) = CrashReports(tmp_path).all()
    assert (report.process, report.links[-1].type) == ("gateway", type(error).__name__)
    assert "canary" not in CrashReports(tmp_path).path_of(report).read_text()


def test_an_error_of_ours_ends_it_with_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(_: object) -> None:
        raise KorProxyError(DISK_FULL, "korproxy.db")

    monkeypatch.setattr(program, "_run", fail)
    assert main(["--home", str(tmp_path), "--quiet"]) == 1
    assert capsys.readouterr().err == "KP-SYS-503 The disk is full: korproxy.db\n"
    assert CrashReports(tmp_path).all() == ()


def test_its_addons_are_few_and_in_order(tmp_path: Path) -> None:
    async def names() -> list[str]:
        write(tmp_path, "")
        master = await make_master(Launch(home=tmp_path, port=0, as_json=True, quiet=True))
        found = [type(it).__name__ for it in master.addons.chain]
        check = next(it for it in master.addons.chain if isinstance(it, ErrorCheck))
        check.finish()
        master._legacy_log_events.uninstall()
        let_go(master)
        return found

    found = asyncio.run(names())
    assert found[0] == "Core"
    assert found[-2:] == ["Settled", "Ready"], (
        "who settles does so wherever somebody says that it is ready"
    )
    assert LayerChoice.name == "nextlayer"
    assert len(found) < 25
    assert found.index("FastPath") < found.index("Journal")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals to send")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_handled_in_the_loop(number: signal.Signals) -> None:
    async def caught() -> None:
        stopped = asyncio.Event()
        on_signals(asyncio.get_running_loop(), stopped.set)
        os.kill(os.getpid(), number)
        async with asyncio.timeout(10):
            await stopped.wait()

    asyncio.run(caught())


def test_where_loops_take_no_signals_the_process_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows."""
    handlers: dict[int, Any] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)

    async def caught() -> None:
        loop = asyncio.get_running_loop()

        def refuse(*_: object) -> None:
            raise NotImplementedError

        monkeypatch.setattr(loop, "add_signal_handler", refuse)
        stopped = asyncio.Event()
        on_signals(loop, stopped.set)
        handlers[signal.SIGTERM](signal.SIGTERM, None)
        async with asyncio.timeout(10):
            await stopped.wait()

    asyncio.run(caught())
    assert set(handlers) == {signal.SIGINT, signal.SIGTERM}


def test_it_is_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "korproxy_addons", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--ready-json" in done.stdout


def test_it_answers_questions_about_routes_too(tmp_path: Path) -> None:
    """The frozen program is the only one that has the gateway's inside."""
    done = subprocess.run(
        [sys.executable, "-m", "korproxy_addons", "explain", "--home", str(tmp_path / "home")],
        cwd=ROOT,
        input='{"model": "m"}',
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["profile"] == "default"


def test_asked_twice_it_ends_at_once_but_one_death_is_one_wish() -> None:
    """The kernel tells of a killed launcher once for each of its threads."""
    clock, done = FakeClock(), list[str]()

    def note(what: str) -> object:
        done.append(what)
        return what

    stop = Stop(clock, lambda: note("drain"), lambda: done.append("end"))
    stop()
    stop()
    clock.advance(ONE_WISH_S / 2)
    stop()
    assert done == ["drain"]
    clock.advance(ONE_WISH_S)
    stop()
    assert done == ["drain", "end"]


def test_an_orphan_has_nobody_to_wish_twice() -> None:
    """A launcher's threads may take their time to die, and the kernel tells of each."""
    clock, ends, orphan = FakeClock(), list[str](), [True]
    stop = Stop(clock, lambda: "draining", lambda: ends.append("end"), lambda: orphan[0])
    stop()
    clock.advance(10 * ONE_WISH_S)
    stop()
    assert ends == []
    orphan[0] = False
    stop()
    assert ends == ["end"]
