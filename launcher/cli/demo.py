"""`korproxy demo`: the main job on simulated providers."""

from typing import Annotated

import typer

from launcher.cli.output import AsJson


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Ask, show the table, and end; exit code 1 on a failure.")
    ] = False,
    port: Annotated[
        int, typer.Option(help="Port of the gateway while it stays up.", min=0, max=65_535)
    ] = 1337,
    as_json: AsJson = False,
) -> None:
    """Start simulated providers and a gateway, ask in every dialect, then stay up to be tried."""
    from launcher.demo.run import run_demo

    raise typer.Exit(run_demo(once=once, as_json=as_json, port=port))
