"""The self-test as a whole."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from launcher.actions.checks import Check
from launcher.actions.self_test import CHECKS, check_versions, library_version, self_test
from launcher.actions.self_test_round import DIALECTS
from launcher.actions.steps import Step
from support.hosts import Host

AT = 1_800_000_000.0
NAMES = [
    "versions", "configuration", "file permissions", "disk", "database", "vault", "keyring", "secrets", "accounts", "gateway",
    "port", "port of the page", "proxies", "clock", "DNS", "providers' hosts", "TLS certificates",
]  # fmt: skip
WATCH = """
import json, os, sys
sys.modules["uvloop"] = None  # its sockets are made where Python does not see them


def note(event, given):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        told = given[1] if event in ("socket.connect", "socket.sendto") else given[0]
        with open(os.environ["KORPROXY_TEST_SEEN"], "a") as file:
            file.write(json.dumps([event, repr(told)]) + "\\n")


sys.addaudithook(note)
"""


def no_round() -> Iterator[Check]:
    return iter((Check(name="ask nobody", result="ok"),))


def test_everything_is_looked_at_and_nothing_is_changed(tmp_path: Path) -> None:
    home = tmp_path / "kp"
    found = self_test(home, offline=True, environ={}, rounds=no_round)
    assert [it.name for it in found.checks] == [*NAMES, "ask nobody"]
    # What this machine has at the usual ports, and how full its disk is, is no matter of this test.
    results = {it.name: it.result for it in found.checks}
    for name in ("versions", "configuration", "database", "vault", "secrets", "ask nobody"):
        assert results[name] == "ok", name
    assert not home.exists()


def test_each_check_is_a_step_and_what_is_waited_for_is_named(tmp_path: Path) -> None:
    def whole_round() -> Iterator[Check]:
        return (Check(name=it, result="ok") for it in ("gateway start", *DIALECTS))

    told: list[Step] = []
    found = self_test(tmp_path, offline=True, environ={}, rounds=whole_round, on_step=told.append)
    assert len(found.checks) == CHECKS
    assert (told[-1].done, {it.total for it in told}) == (CHECKS, {CHECKS})
    done = [it.done for it in told]
    assert done == sorted(done)
    assert list(dict.fromkeys(it.what for it in told if it.what)) == [
        "files",
        "vault and keyring",
        "gateway and ports",
        "database and accounts",
        "providers' hosts",
        "a full round through a gateway",
    ]


def test_one_failure_fails_the_whole(tmp_path: Path) -> None:
    def failing() -> Iterator[Check]:
        return iter((Check(name="ask", result="fail"),))

    assert not self_test(tmp_path, offline=True, environ={}, rounds=failing).ok


def test_hosts_of_the_users_own_accounts_are_asked(tmp_path: Path) -> None:
    with Host(date=AT) as host:
        home = folder(tmp_path, host.port)
        found = self_test(home, environ={}, clock=lambda: AT, rounds=no_round)
    checks = {it.name: it for it in found.checks}
    assert checks["providers' hosts"].detail == "1 host answers"
    assert checks["clock"].detail == "right"
    assert [line for line, _ in host.seen] == ["HEAD /"]


def folder(tmp_path: Path, port: int, *providers: str) -> Path:
    """A folder with an account at a host on this machine, and one at each of these providers."""
    home = tmp_path / "kp"
    home.mkdir(mode=0o700)
    (home / "secret").write_text("canary-key")
    (home / "secret").chmod(0o600)
    mine = {
        "dialect": "openai-chat",
        "base_url": f"http://127.0.0.1:{port}/v1",
        "local": True,
        "models": ["m"],
    }
    accounts: list[dict[str, Any]] = [{"id": "a", "provider": "mine", "secret": "file:secret"}]
    accounts += [
        {"id": it, "provider": it, "access": "api-key", "secret": "file:secret"} for it in providers
    ]
    config = {
        "version": 1,
        "listen": {"port": 0},
        "providers": {"mine": mine},
        "accounts": accounts,
    }
    (home / "config.yaml").write_text(json.dumps(config))
    (home / "config.yaml").chmod(0o600)
    return home


def connections(tmp_path: Path, home: Path, *options: str) -> tuple[list[str], dict[str, Any]]:
    """What the command and every process that it starts connect to and look up; and what it prints."""
    seen = tmp_path / "seen"
    seen.write_text("")
    watching = tmp_path / "watching"
    watching.mkdir()
    (watching / "sitecustomize.py").write_text(WATCH)
    root = Path(__file__).parents[3]
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(watching), str(root))),
        "KORPROXY_TEST_SEEN": str(seen),
        "KORPROXY_HOME": str(home),
    }
    command = [sys.executable, "-m", "launcher", "self-test", "--json", *options]
    # What the machine of this test is like may fail a check; the round may not.
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    told: dict[str, Any] = json.loads(done.stdout)
    asked = [it for it in told["checks"] if it["name"].startswith("ask ")]
    assert [it["result"] for it in asked] == ["ok"] * 4, done.stdout + done.stderr
    return [json.loads(it)[1] for it in seen.read_text().splitlines()], told


@pytest.mark.e2e
def test_offline_makes_no_connection_out_of_this_machine(tmp_path: Path) -> None:
    """Neither the command nor the gateway that it starts: they connect to loopback, and look up no name."""
    with Host(date=AT) as host:
        home = folder(tmp_path, host.port, "claude", "codex", "gemini")
        seen, told = connections(tmp_path, home, "--offline")
    loopback = ("('127.0.0.1',", "('::1',", "'127.0.0.1'", "'localhost'", "'::1'", "b'127.0.0.1'")
    assert [it for it in seen if not it.startswith(loopback)] == []
    assert len(seen) > 50, "the watch sees the questions of the full round"
    assert host.seen == [], "not even a provider of the user's on this machine"
    assert told["offline"] is True


@pytest.mark.e2e
def test_online_the_users_own_hosts_are_connected_to(tmp_path: Path) -> None:
    """The watch of the test above sees such connections."""
    with Host(date=None) as host:
        home = folder(tmp_path, host.port)
        seen, _ = connections(tmp_path, home)
    assert f"('127.0.0.1', {host.port})" in seen
    assert all(headers.get("authorization") is None for _, headers in host.seen)


def test_a_python_that_is_too_old() -> None:
    assert check_versions((3, 12)).result == "ok"
    found = check_versions((3, 11))
    assert found.result == "fail"
    assert "3.12" in found.remedy[0]


def test_a_package_whose_version_nobody_knows() -> None:
    assert library_version("mitmproxy")[0].isdigit()
    assert library_version("no-such-package-of-ours") == "of a version that is not told"
