"""The gateway's and the launcher's ports: who listens there, and whether it is us."""

import errno
import http.client
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from korproxy_addons import __version__
from korproxy_addons.config.schema import Config
from korproxy_addons.control.health import Health, folder_mark
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions.checks import Check
from launcher.api_client import launcher_of
from launcher.single_instance import load_reach, runs
from launcher.supervisor.port_holder import load_run, port_holder

ASK_S = 2.0
_NEARBY = 30
_MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Running:
    """
    What runs for a folder.

    Attributes:
        launcher: A launcher keeps it.
        status: What that launcher says; None: none runs, or it does not answer.
        health: What the folder's gateway says; None: it does not answer.
        port: Where it was asked.
    """

    launcher: bool
    status: dict[str, Any] | None
    health: Health | None
    port: int


def find_running(home: Path, config: Config) -> Running:
    """What runs for a folder, as its launcher and its gateway say; neither need run."""
    launcher = runs(home)
    status: dict[str, Any] | None = None
    if launcher:
        try:
            api = launcher_of(home)
            status = None if api is None else api.get("status")
        except KorProxyError:
            status = None
    written = load_run(home)
    ports = [(status or {}).get("port"), config.listen.port, written and written.port]
    for port in dict.fromkeys(it for it in ports if it):
        health = asked_health("127.0.0.1", port)
        if health is not None and health.folder == folder_mark(home.resolve()):
            return Running(launcher, status, health, port)
    return Running(launcher, status, None, config.listen.port)


def asked_health(host: str, port: int) -> Health | None:
    """What the gateway at an address says; None if none answers there."""
    connection = http.client.HTTPConnection(host, port, timeout=ASK_S)
    try:
        connection.request("GET", "/_korproxy/health")
        reply = connection.getresponse()
        return Health.model_validate(json.loads(reply.read(_MOST_BYTES)))
    except (OSError, ValueError, ValidationError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def check_gateway(running: Running) -> Check:
    """Whether the gateway runs, and is the same version as this program."""
    name = "gateway"
    status, health = running.status or {}, running.health
    state = str(status.get("state", ""))
    if state == "failed":
        lines = tuple(str(it) for it in status.get("last_lines", ()))
        return Check(
            name=name,
            result="fail",
            detail=f"it failed ({status.get('reason')}): {status.get('detail')}",
            remedy=("Mend what it says, then: korproxy start", "What it said last: korproxy logs"),
            seen=lines,
        )
    if state == "paused":
        remedy = ("korproxy resume",)
        return Check(name=name, result="warn", detail="it is paused", remedy=remedy)
    if health is None and running.launcher:
        return Check(
            name=name,
            result="fail",
            detail=f"a launcher runs, and its gateway does not answer (state: {state or 'not told'})",
            remedy=("korproxy restart", "If it stays: korproxy logs --level warning"),
        )
    if health is None:
        detail = "it does not run"
        return Check(name=name, result="skip", detail=detail, remedy=("korproxy start",))
    if health.version != __version__:
        return Check(
            name=name,
            result="warn",
            detail=f"the one that runs is version {health.version}, this is {__version__}",
            remedy=("korproxy stop, then korproxy start",),
        )
    if state == "degraded":
        detail = f"it answers slowly: {status.get('detail') or 'more than half a second'}"
        remedy = ("Look for what else keeps this machine busy.",)
        return Check(name=name, result="warn", detail=detail, remedy=remedy)
    return Check(name=name, result="ok", detail=f"runs, port {running.port}")


def check_port(home: Path, config: Config, running: Running) -> Check:
    """Whether the gateway's port is ours or free."""
    name = "port"
    port = config.listen.port
    if port == 0:
        detail = "any free one is taken, as the configuration says"
        return Check(name=name, result="ok", detail=detail)
    if running.health is not None and running.port == port:
        return Check(name=name, result="ok", detail=f"{port}: this folder's gateway")
    seen: list[str] = []
    for host in config.listen.hosts:
        problem = _bind_problem(host, port)
        seen.append(f"{host}:{port} {problem or 'free'}")
        if problem is None:
            continue
        if problem == "taken":
            return _taken(home, host, config, running, tuple(seen))
        if problem == "not there":
            if ":" in host and len(config.listen.hosts) > 1:
                continue  # the gateway does without the IPv6 loopback, too
            return Check(
                name=name,
                result="fail",
                detail=f"this machine has no address {host}",
                remedy=("Set listen.hosts to addresses of this machine.",),
                seen=tuple(seen),
            )
        return Check(
            name=name,
            result="fail",
            detail=f"{host}:{port}: {problem}",
            remedy=("Take a port above 1023: listen.port.",),
            seen=tuple(seen),
        )
    return Check(name=name, result="ok", detail=f"{port} is free", seen=tuple(seen))


def check_admin_port(config: Config, running: Running) -> Check:
    """Whether the launcher's page has its port; another one is taken, and said, where it has not."""
    name = "port of the page"
    port = config.admin.port
    if port == 0:
        return Check(name=name, result="ok", detail="any free one, as the configuration says")
    if running.launcher:
        return Check(
            name=name, result="ok", detail="the launcher runs; korproxy open shows its page"
        )
    if _bind_problem("127.0.0.1", port) is None:
        return Check(name=name, result="ok", detail=f"{port} is free")
    holder = port_holder(port) or "another program"
    return Check(
        name=name,
        result="warn",
        detail=f"{port} is taken by {holder}; the page will be at another port",
        remedy=("korproxy open finds it; or set admin.port.",),
    )


def _taken(home: Path, host: str, config: Config, running: Running, seen: tuple[str, ...]) -> Check:
    port = config.listen.port
    other = asked_health(host, port)
    reach = load_reach(home) if running.launcher else None
    holder = port_holder(port)
    if other is not None:
        detail = f"{port} is taken by a KorProxy that serves another folder"
        if holder:
            detail += f": {holder}"
        remedy: tuple[str, ...] = (
            f"End that one, or set listen.port to another port{_such_as(config)}.",
        )
    elif reach is not None and holder is not None and f"(process {reach.pid})" in holder:
        # The launcher keeps the socket while its gateway is being replaced or rests.
        return Check(name="port", result="ok", detail=f"{port}: held by the launcher", seen=seen)
    else:
        detail = f"{port} is taken by {holder or 'a program that the system does not name'}"
        remedy = (
            "End that program, then: korproxy start",
            f"Or set listen.port to another port{_such_as(config)}, and point your tools there.",
        )
    return Check(name="port", result="fail", detail=detail, remedy=remedy, seen=seen)


def _such_as(config: Config) -> str:
    """A port nearby that is free."""
    port = config.listen.port
    for other in range(port + 1, min(port + _NEARBY, 65_536)):
        problems = {_bind_problem(host, other) for host in config.listen.hosts}
        if problems <= {None, "not there"} and other != config.admin.port:
            return f", such as {other}"
    return ""


def _bind_problem(host: str, port: int) -> str | None:
    """None: free; `taken`, `not there`; else why it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as it:
            if os.name == "posix":
                it.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                it.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            it.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return "taken"
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return "not there"
        return error.strerror or type(error).__name__
    return None
