"""`korproxy version`: what runs here."""

import platform
import sys
from importlib import metadata

import typer

from korproxy_addons import __version__
from launcher.cli.output import AsJson, show


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("version")(version)


def version(as_json: AsJson = False) -> None:
    """Print the versions of KorProxy and of what it runs on."""
    value = {
        "korproxy": __version__,
        "mitmproxy": metadata.version("mitmproxy"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "frozen": bool(getattr(sys, "frozen", False)),
    }
    line = "KorProxy {korproxy} (mitmproxy {mitmproxy}, Python {python}, {system})"
    show(
        value, lambda console: console.print(line.format(**value), soft_wrap=True), as_json=as_json
    )
