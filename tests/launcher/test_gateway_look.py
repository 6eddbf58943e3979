"""Who is at KorProxy's port: itself, another KorProxy, a stranger, nobody."""

import os
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.errors.catalogue import LAUNCHER_UNREACHABLE
from korproxy_addons.errors.exceptions import KorProxyError
from launcher import gateway_look
from launcher.gateway_look import Address, Who, look_at, stance_of
from support.doctor_house import closed_port
from support.gateway import GatewayProcess
from support.listener import Answer, Listener


def folder(tmp_path: Path, text: str) -> Path:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "config.yaml").write_text(text)
    (home / "config.yaml").chmod(0o600)
    return home


def test_itself_and_another_folders(tmp_path: Path) -> None:
    home = folder(tmp_path, "version: 1\nlisten: {port: 0, hosts: [127.0.0.1]}\n")
    with GatewayProcess(home) as running:
        found = look_at(running.port, home)
        assert found.who is Who.OURS
        assert found.health is not None
        assert found.health.accounts_configured == 0
        assert look_at(running.port, tmp_path).who is Who.OTHER_FOLDER
        text = f"version: 1\nlisten: {{port: {running.port}, hosts: [127.0.0.1]}}\nadmin: {{port: 4000}}\n"
        (home / "config.yaml").write_text(text)
        stance = stance_of(home)
        assert stance.serves
        assert stance.launcher is None
        assert stance.address == Address(port=running.port, hosts=("127.0.0.1",), admin_port=4000)
        assert stance.address.root == f"http://localhost:{running.port}"


def test_a_stranger_is_named_and_nobody_is_nobody(tmp_path: Path) -> None:
    with Listener() as stranger:
        port = int(stranger.url.rpartition(":")[2])
        found = look_at(port, tmp_path)
        assert found.who is Who.STRANGER
        assert f"(process {os.getpid()})" in found.name
        stranger.answer = Answer(200, b'{"status": "something else"}')
        assert look_at(port, tmp_path).who is Who.STRANGER
        stranger.answer = Answer(404, b"no")
        assert look_at(port, tmp_path).who is Who.STRANGER
    assert look_at(closed_port(), tmp_path).who is Who.NOBODY
    assert look_at(0, tmp_path).who is Who.NOBODY


def test_settings_that_cannot_be_used_are_said_and_none_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_look, "look_at", lambda *_: gateway_look.Look(Who.NOBODY))
    home = folder(tmp_path, "version: 1\nacounts: []\n")
    stance = stance_of(home)
    assert not stance.serves
    assert any("acounts" in it for it in stance.problems)
    assert stance.address.port == 1337
    nowhere = tmp_path / "nowhere"
    assert stance_of(nowhere).problems == ()
    assert not nowhere.exists()


@pytest.mark.parametrize(
    ("host", "reached"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("0.0.0.0", "127.0.0.1"), ("::", "::1")],
)
def test_the_address_that_reaches_a_listener(host: str, reached: str) -> None:
    assert Address(port=1, hosts=(host,), admin_port=2).reached == reached


class Launcher:
    """Stands in for what speaks with one."""

    def __init__(self, says: dict[str, Any] | None) -> None:
        self._says = says

    def get(self, path: str) -> dict[str, Any]:
        assert path == "status"
        if self._says is None:
            raise KorProxyError(LAUNCHER_UNREACHABLE)
        return self._says


def test_the_launchers_word_on_the_port_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been started with another port than the settings name."""
    port = closed_port()
    says = {"state": "failed", "port": port, "detail": "x"}
    monkeypatch.setattr(gateway_look, "launcher_of", lambda _: Launcher(says))
    found = stance_of(tmp_path)
    assert (found.address.port, found.launcher, found.look.who) == (port, says, Who.NOBODY)
    monkeypatch.setattr(gateway_look, "launcher_of", lambda _: Launcher(None))
    monkeypatch.setattr(gateway_look, "look_at", lambda *_: gateway_look.Look(Who.NOBODY))
    silent = stance_of(tmp_path)
    assert silent.launcher is not None
    assert silent.launcher["state"] == "unreachable"
