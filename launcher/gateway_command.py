"""The command line of the gateway process, from source or frozen: nobody else knows it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

FROZEN_NAME = "korproxy-gateway"
CONTROL_PIPE = "--control-pipe"
PARENT = "--parent"


def gateway_command(
    *,
    home: Path | None = None,
    port: int | None = None,
    ready_json: bool = False,
    quiet: bool = False,
    parent: int | None = None,
) -> list[str]:
    """
    Argv that starts the gateway.

    Args:
        home: KorProxy's folder; by default KORPROXY_HOME, else `~/.korproxy`.
        port: Port to listen on, in place of the configuration's.
        ready_json: Say in one JSON line on stdout when it listens.
        quiet: Log to the file only.
        parent: Process id of who starts it: it ends with that one, where the system can tell it (Linux).
    """
    options: list[str] = []
    if home is not None:
        options += ["--home", str(home)]
    if port is not None:
        options += ["--port", str(port)]
    options += ["--ready-json"] if ready_json else []
    options += ["--quiet"] if quiet else []
    options += [PARENT, str(parent)] if parent is not None else []
    return [*_program(), *options]


@dataclass(frozen=True, slots=True)
class Kept:
    """
    What the command line of a gateway that a launcher keeps tells of it.

    Attributes:
        home: The KorProxy folder, as the launcher was given it.
        parent: Process id of that launcher.
    """

    home: str
    parent: int


def kept_by_launcher(argv: Sequence[str]) -> Kept | None:
    """What a process's command line tells of it; None: it is no gateway that a launcher keeps."""
    ours = list(argv[1:3]) == ["-m", "korproxy_addons"] or (
        bool(argv) and Path(argv[0]).stem == FROZEN_NAME
    )
    if not ours or CONTROL_PIPE not in argv:
        return None
    given = dict(pairwise(argv))
    home, parent = given.get("--home"), given.get(PARENT, "")
    return Kept(home, int(parent)) if home is not None and parent.isdigit() else None


def explain_command(home: Path) -> list[str]:
    """Argv of the program that answers one question about a route, given to it as JSON on stdin."""
    if getattr(sys, "frozen", False):
        return [*_program(), "explain", "--home", str(home)]
    return [sys.executable, "-m", "korproxy_addons.explain", "--home", str(home)]


def _program() -> list[str]:
    if getattr(sys, "frozen", False):
        # two programs lie in one folder, with the suffix of the system
        return [str(Path(sys.executable).with_stem(FROZEN_NAME))]
    return [sys.executable, "-m", "korproxy_addons"]
