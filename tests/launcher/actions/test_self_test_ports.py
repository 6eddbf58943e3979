"""Ports and who has them: real sockets, a real gateway."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from korproxy_addons import __version__
from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions import self_test_ports
from launcher.actions.self_test_ports import (
    Running,
    asked_health,
    check_admin_port,
    check_gateway,
    check_port,
    find_running,
)
from launcher.single_instance import Reach, SingleInstance
from support.bundled import health
from support.gateway import GatewayProcess, free_port

DOWN = Running(launcher=False, status=None, health=None, port=1337)
UP = Running(True, {"state": "healthy"}, health(version=__version__), 1337)


def config(port: int, *hosts: str, admin: int = 0) -> Config:
    listen: dict[str, object] = {"port": port, "hosts": hosts or ("127.0.0.1",)}
    return Config.model_validate({"listen": listen, "admin": {"port": admin}})


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which this test listens."""
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        it.listen()
        yield it.getsockname()[1]


def test_a_free_port(tmp_path: Path) -> None:
    port = free_port()
    found = check_port(tmp_path, config(port), DOWN)
    assert (found.result, found.detail) == ("ok", f"{port} is free")
    assert found.seen == (f"127.0.0.1:{port} free",)
    assert "any free one" in check_port(tmp_path, config(0), DOWN).detail


def test_a_port_that_is_taken_is_told_with_the_program_that_has_it(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_test_ports, "port_holder", lambda _: "nginx (process 7)")
    monkeypatch.setattr(self_test_ports, "asked_health", lambda *_: None)
    found = check_port(tmp_path, config(taken), DOWN)
    assert (found.result, found.detail) == ("fail", f"{taken} is taken by nginx (process 7)")
    assert any("listen.port to another port, such as " in step for step in found.remedy)
    monkeypatch.setattr(self_test_ports, "port_holder", lambda _: None)
    assert "does not name" in check_port(tmp_path, config(taken), DOWN).detail


def test_where_no_port_nearby_is_free_none_is_named(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_test_ports, "_bind_problem", lambda *_: "taken")
    monkeypatch.setattr(self_test_ports, "asked_health", lambda *_: health())
    found = check_port(tmp_path, config(taken), DOWN)
    assert found.remedy == ("End that one, or set listen.port to another port.",)


def test_one_that_the_launcher_holds_is_ours(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_test_ports, "asked_health", lambda *_: None)
    monkeypatch.setattr(self_test_ports, "port_holder", lambda _: "python (process 4711)")
    with SingleInstance(tmp_path) as instance:
        instance.say(Reach(4711))
        running = replace(DOWN, launcher=True)
        found = check_port(tmp_path, config(taken), running)
    assert (found.result, found.detail) == ("ok", f"{taken}: held by the launcher")


def test_the_port_of_the_folders_own_gateway_is_in_order(tmp_path: Path) -> None:
    assert check_port(tmp_path, config(1337), UP).detail == "1337: this folder's gateway"


def test_an_address_that_this_machine_does_not_have(tmp_path: Path) -> None:
    found = check_port(tmp_path, config(free_port(), "203.0.113.7"), DOWN)
    assert (found.result, found.detail) == ("fail", "this machine has no address 203.0.113.7")


def test_a_machine_without_ipv6_is_as_good(tmp_path: Path) -> None:
    """An address of the documentation's, which no machine has."""
    found = check_port(tmp_path, config(free_port(), "127.0.0.1", "2001:db8::7"), DOWN)
    assert found.result == "ok"
    assert found.seen[1].endswith("not there")


def test_a_port_that_the_system_keeps_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_host: str, _port: int) -> str:
        return "Permission denied"

    monkeypatch.setattr(self_test_ports, "_bind_problem", refused)
    found = check_port(tmp_path, config(80), DOWN)
    assert (found.result, found.detail) == ("fail", "127.0.0.1:80: Permission denied")
    assert "1023" in found.remedy[0]


def test_the_pages_port(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_admin_port(config(1, admin=0), DOWN).detail.startswith("any free one")
    assert check_admin_port(config(1, admin=taken), UP).result == "ok"
    assert check_admin_port(config(1, admin=free_port()), DOWN).result == "ok"
    monkeypatch.setattr(self_test_ports, "port_holder", lambda _: None)
    found = check_admin_port(config(1, admin=taken), DOWN)
    assert found.result == "warn"
    assert f"{taken} is taken by another program" in found.detail


@pytest.mark.parametrize(
    ("running", "result", "said"),
    [
        (UP, "ok", "runs, port 1337"),
        (DOWN, "skip", "it does not run"),
        (replace(UP, status={"state": "paused"}), "warn", "it is paused"),
        (replace(UP, status={"state": "degraded"}), "warn", "it answers slowly: more than half a second"),
        (replace(UP, health=health(version="0.0.1")), "warn", f"the one that runs is version 0.0.1, this is {__version__}"),
        (replace(DOWN, launcher=True), "fail", "a launcher runs, and its gateway does not answer (state: not told)"),
        (
            replace(DOWN, launcher=True, status={"state": "failed", "reason": "crash-loop", "detail": "x", "last_lines": ["y"]}),
            "fail", "it failed (crash-loop): x",
        ),
    ],
)  # fmt: skip
def test_the_gateway(running: Running, result: str, said: str) -> None:
    found = check_gateway(running)
    assert (found.result, found.detail) == (result, said)
    assert bool(found.remedy) == (result != "ok")


def test_a_gateway_is_found_where_its_folder_says_and_not_taken_for_anothers(
    tmp_path: Path,
) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    for folder in (home, other):
        folder.mkdir(mode=0o700)
        (folder / "config.yaml").write_text(json.dumps({"version": 1}))
        (folder / "config.yaml").chmod(0o600)
    with GatewayProcess(home) as gateway:
        here = config(gateway.port)
        found = find_running(home, here)
        assert (found.launcher, found.port) == (False, gateway.port)
        assert found.health is not None
        assert found.health.version == __version__
        assert check_port(home, here, found).result == "ok"
        stranger = find_running(other, here)
        assert stranger.health is None
        told = check_port(other, here, stranger)
        assert told.result == "fail"
        assert "a KorProxy that serves another folder" in told.detail
    assert ConfigStore(home).load().listen.port == 1337


def test_what_answers_otherwise_is_no_gateway(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test_ports, "ASK_S", 0.1)
    assert asked_health("127.0.0.1", taken) is None
    assert asked_health("127.0.0.1", free_port()) is None


def test_a_launcher_that_does_not_answer_is_still_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        def get(self, _path: str) -> None:
            raise KorProxyError(catalogue.LAUNCHER_UNREACHABLE)

    monkeypatch.setattr(self_test_ports, "launcher_of", lambda _: Silent())
    with SingleInstance(tmp_path):
        found = find_running(tmp_path, config(free_port()))
    assert (found.launcher, found.status, found.health) == (True, None, None)
