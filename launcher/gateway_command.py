"""The command line of the gateway process, from source or frozen: nobody else knows it."""

import sys
from pathlib import Path

FROZEN_NAME = "korproxy-gateway"


def gateway_command(
    *,
    home: Path | None = None,
    port: int | None = None,
    ready_json: bool = False,
    quiet: bool = False,
) -> list[str]:
    """
    Argv that starts the gateway.

    Args:
        home: KorProxy's folder; by default KORPROXY_HOME, else `~/.korproxy`.
        port: Port to listen on, in place of the configuration's.
        ready_json: Say in one JSON line on stdout when it listens.
        quiet: Log to the file only.
    """
    options: list[str] = []
    if home is not None:
        options += ["--home", str(home)]
    if port is not None:
        options += ["--port", str(port)]
    options += ["--ready-json"] if ready_json else []
    options += ["--quiet"] if quiet else []
    return [*_program(), *options]


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
