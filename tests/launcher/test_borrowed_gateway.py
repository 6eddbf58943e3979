"""The gateway of a folder: the one that runs, else one for the occasion."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import URLError

import psutil
import pytest

from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.borrowed_gateway import borrowed_gateway
from launcher.supervisor.port_holder import Run, save_run
from support.gateway import GatewayProcess, free_port
from support.kept import gone
from support.waiting import until


def folder(home: Path, port: int) -> Path:
    home.mkdir(mode=0o700)
    (home / "config.yaml").write_text(json.dumps({"version": 1, "listen": {"port": port}}))
    (home / "config.yaml").chmod(0o600)
    return home


def health(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_korproxy/health") as reply:
        return int(reply.status)


def test_where_none_runs_one_is_started_and_ended(tmp_path: Path) -> None:
    home = folder(tmp_path / "home", free_port())
    with borrowed_gateway(home, ConfigStore(home).load()) as gateway:
        assert gateway.started
        assert health(gateway.port) == 200
    with pytest.raises(URLError):
        health(gateway.port)


def test_the_one_that_runs_is_used_and_goes_on(tmp_path: Path) -> None:
    home = folder(tmp_path / "home", 0)
    with GatewayProcess(home) as running:
        other = folder(tmp_path / "other", running.port)
        (home / "config.yaml").write_text(
            json.dumps({"version": 1, "listen": {"port": running.port}})
        )
        with borrowed_gateway(home, ConfigStore(home).load()) as gateway:
            assert (gateway.port, gateway.started) == (running.port, False)
        assert health(running.port) == 200
        # A gateway of another folder listens there: its accounts are not ours.
        with borrowed_gateway(other, ConfigStore(other).load()) as gateway:
            assert gateway.started
            assert gateway.port != running.port


def test_one_at_a_port_that_no_settings_name_is_found(tmp_path: Path) -> None:
    """Its launcher took a free one, or was told another, and wrote down which."""
    home = folder(tmp_path / "home", 0)
    with GatewayProcess(home) as running:
        save_run(home, Run(running.process.pid, running.port, "its name"))
        for port in (0, free_port()):
            (home / "config.yaml").write_text(json.dumps({"version": 1, "listen": {"port": port}}))
            with borrowed_gateway(home, ConfigStore(home).load()) as gateway:
                assert (gateway.port, gateway.started) == (running.port, False)
        # What was written down of another folder's is not believed.
        other = folder(tmp_path / "other", 0)
        save_run(other, Run(running.process.pid, running.port, "its name"))
        with borrowed_gateway(other, ConfigStore(other).load()) as gateway:
            assert gateway.started


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells of a parent's end")
def test_one_that_was_started_ends_with_who_started_it_however_that_ends(tmp_path: Path) -> None:
    home = folder(tmp_path / "home", 0)
    with subprocess.Popen(
        [sys.executable, "-c", BORROWS, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as borrower:
        assert borrower.stdout is not None
        assert borrower.stdout.readline() == "there\n"
        (gateway,) = psutil.Process(borrower.pid).children()
        borrower.kill()
    until(lambda: gone(gateway.pid))


BORROWS = """
import sys
from pathlib import Path
from korproxy_addons.config.store import ConfigStore
from launcher.borrowed_gateway import borrowed_gateway
home = Path(sys.argv[1])
with borrowed_gateway(home, ConfigStore(home).load()):
    print("there", flush=True)
    sys.stdin.read()
"""


def test_a_stranger_on_the_port_is_not_asked(tmp_path: Path) -> None:
    from support.listener import Listener

    with Listener() as stranger:
        home = folder(tmp_path / "home", stranger.port)
        with borrowed_gateway(home, ConfigStore(home).load()) as gateway:
            assert gateway.started


def test_one_that_does_not_start_says_why(tmp_path: Path) -> None:
    home = folder(tmp_path / "home", 0)
    config = ConfigStore(home).load()
    (home / "config.yaml").write_text("version: 99\n")
    with pytest.raises(KorProxyError) as failed, borrowed_gateway(home, config):
        raise AssertionError("it cannot have started")
    assert failed.value.spec is catalogue.GATEWAY_NOT_READY
    assert "version" in failed.value.detail
