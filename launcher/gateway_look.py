"""Who is at a port of this machine: KorProxy's gateway of a folder, another KorProxy, its page, a stranger, nobody."""

import http.client
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from korproxy_addons.config.admin import AdminSettings
from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.schema import Listen
from korproxy_addons.config.store import FILE_NAME, ConfigStore
from korproxy_addons.control.health import Health, folder_mark
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.api_client import launcher_of
from launcher.supervisor.port_holder import port_holder

LOOK_S = 2.0
_MOST_BYTES = 4 * 1024 * 1024


class Who(StrEnum):
    """Who answers."""

    OURS = "ours"
    OTHER_FOLDER = "another KorProxy"
    STRANGER = "somebody else"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Look:
    """
    What is at a port.

    Attributes:
        who: Who answers.
        health: What it says of itself, where it is a gateway of KorProxy's.
        name: The program, where it is a stranger and the system tells.
    """

    who: Who
    health: Health | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """
    Where tools reach KorProxy.

    Attributes:
        port, hosts: Of the gateway.
        admin_port: Of KorProxy's own page, 0 for one that is free.
    """

    port: int
    hosts: tuple[str, ...]
    admin_port: int

    @property
    def reached(self) -> str:
        """The address under which it is reached from this machine."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.hosts[0], self.hosts[0])  # noqa: S104 - looked up, not bound

    @property
    def root(self) -> str:
        """The URL that tools are told."""
        return f"http://localhost:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """
    How KorProxy stands for one folder.

    Attributes:
        address: Where it is, or would be.
        look: Who is there.
        launcher: What the launcher says of itself; None: none runs.
        problems: What is wrong with the configuration.
    """

    address: Address
    look: Look
    launcher: dict[str, Any] | None = None
    problems: tuple[str, ...] = ()

    @property
    def serves(self) -> bool:
        """Whether the gateway of this folder answers."""
        return self.look.who is Who.OURS


def stance_of(home: Path) -> Stance:
    """How KorProxy stands; asks its launcher and its gateway, starts nothing and writes nothing."""
    listen, admin = Listen(), AdminSettings()
    problems: tuple[str, ...] = ()
    if (home / FILE_NAME).exists():
        try:
            config = ConfigStore(home).load()
            listen, admin = config.listen, config.admin
        except ConfigProblems as error:
            problems = tuple(str(it) for it in error.problems)
    launcher = None
    api = launcher_of(home)
    if api is not None:
        try:
            launcher = api.get("status")
        except KorProxyError:
            launcher = {"state": "unreachable", "detail": "the launcher does not answer"}
    port = (launcher or {}).get("port") or listen.port
    address = Address(port=port, hosts=listen.hosts, admin_port=admin.port)
    look = look_at(port, home, address.reached)
    return Stance(address=address, look=look, launcher=launcher, problems=problems)


def look_at(port: int, home: Path, host: str = "127.0.0.1") -> Look:
    """
    Who is at a port.

    Args:
        port: TCP port; 0 is nobody's.
        home: The KorProxy folder whose gateway is ours.
        host: A loopback address.
    """
    if not port:
        return Look(Who.NOBODY)
    connection = http.client.HTTPConnection(host, port, timeout=LOOK_S)
    try:
        connection.request("GET", "/_korproxy/health")
        reply = connection.getresponse()
        content = reply.read(_MOST_BYTES)
        health = Health.model_validate(json.loads(content)) if reply.status == 200 else None
    except ConnectionRefusedError:
        return Look(Who.NOBODY)
    except (OSError, ValueError, ValidationError, http.client.HTTPException):
        health = None
    finally:
        connection.close()
    if health is None:
        return Look(Who.STRANGER, name=port_holder(port) or "")
    ours = health.folder == folder_mark(home.resolve())
    return Look(Who.OURS if ours else Who.OTHER_FOLDER, health)
