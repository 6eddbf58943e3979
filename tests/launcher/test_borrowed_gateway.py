"""The gateway of a folder: the one that runs, else one for the occasion."""

import json
import urllib.request
from pathlib import Path
from urllib.error import URLError

import pytest

from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.borrowed_gateway import borrowed_gateway
from support.gateway import GatewayProcess, free_port


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
