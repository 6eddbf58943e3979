"""`korproxy inspect`: what passes through the gateway, live, in mitmproxy's web page."""

import webbrowser
from typing import Annotated

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

MOST_MINUTES = 24 * 60


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("inspect")(inspect)


def inspect(
    home: Home = None,
    *,
    minutes: Annotated[
        float, typer.Option(help="It ends by itself after so long.", min=0.1, max=MOST_MINUTES)
    ] = 30.0,
    off: Annotated[bool, typer.Option("--off", help="End it now.")] = False,
    print_only: Annotated[
        bool, typer.Option("--print", help="Print the address instead of opening it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Watch requests and replies as they pass, in the browser; no request is lost on the way there and back.

    Credentials are masked. The page keeps the last 500 exchanges in memory, nothing on disk.
    """
    from launcher.cli.lifecycle import running

    api = running(folder_of(home))
    url = api.post("inspect", {"minutes": 0 if off else minutes})["url"]
    if off:
        show({"url": None}, lambda console: console.print("Nobody looks on."), as_json=as_json)
        return
    opened = not print_only and not as_json and webbrowser.open(url)
    text = f"Opened in the browser; it ends after {minutes:g} minutes, or with `korproxy inspect --off`."
    if not opened:
        text = f"Open this; whoever has it sees what passes, for {minutes:g} minutes:\n  {url}"
    show(
        {"url": url, "minutes": minutes},
        lambda console: console.print(text, soft_wrap=True),
        as_json=as_json,
    )
