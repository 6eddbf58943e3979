"""`korproxy engine`: the gateway, in the foreground."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from launcher.gateway_command import gateway_command

_REPLACES = os.name == "posix"
"""Whether this system can put another program in a process's place."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("engine")(engine)


def engine(
    home: Annotated[
        Path | None,
        typer.Option(
            help="KorProxy's folder; else KORPROXY_HOME, else ~/.korproxy.", file_okay=False
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port to listen on; else the configuration's.", min=0, max=65_535),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Log to the file only.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Say in one JSON line when the gateway listens.")
    ] = False,
) -> None:
    """Run the gateway in the foreground until Ctrl-C."""
    become(gateway_command(home=home, port=port, ready_json=as_json, quiet=quiet))


def become(argv: list[str]) -> None:
    """
    Replace this process, so that signals and exit code are the program's own.

    Where a process cannot be replaced (Windows), wait for the program and exit as it did.
    """
    sys.stdout.flush()
    if _REPLACES:
        os.execv(argv[0], argv)
    with subprocess.Popen(argv) as child:
        while True:
            try:
                raise typer.Exit(child.wait())
            except KeyboardInterrupt:  # the child gets it too, and stops in its own time
                continue
