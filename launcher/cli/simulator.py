"""`korproxy simulator`: the simulated providers, in the foreground."""

import sys
from typing import Annotated

import typer

from launcher.cli.output import AsJson


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulator")(simulator)


def simulator(
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65_535)
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Run the simulated providers in the foreground until Ctrl-C; no request leaves this machine."""
    from launcher.simulator.__main__ import main

    # the simulator is a program of its own, which knows nothing of this one: it reads its own options
    sys.argv = ["korproxy simulator", "--port", str(port), *(["--ready-json"] if as_json else [])]
    main()
