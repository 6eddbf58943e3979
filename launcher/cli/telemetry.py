"""`korproxy telemetry`: crash reports, which stay here unless a person says otherwise, and what they hold."""

import dataclasses
import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.actions.telemetry import Outgoing, TelemetryView

_HELP = "Crash reports: kept on this machine; sent only if you turn that on."


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    group.command("status")(status)
    group.command("on")(on)
    group.command("off")(off)
    group.command("show")(show_outgoing)
    group.command("test")(send_one)
    group.command("clear")(clear)
    app.add_typer(group, name="telemetry")


def status(home: Home = None, as_json: AsJson = False) -> None:
    """Say whether crash reports are sent, and list the last five."""
    from launcher.actions.telemetry import telemetry

    _say(telemetry(folder_of(home)), as_json=as_json)


def on(
    dsn: Annotated[
        str | None,
        typer.Option(help="Where to: the DSN of a Sentry project, or of your own server."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Send crash reports from now on."""
    from launcher.actions.telemetry import turn_on

    _say(turn_on(folder_of(home), dsn), as_json=as_json)


def off(home: Home = None, as_json: AsJson = False) -> None:
    """Send nothing from now on."""
    from launcher.actions.telemetry import turn_off

    _say(turn_off(folder_of(home)), as_json=as_json)


def show_outgoing(home: Home = None, as_json: AsJson = False) -> None:
    """Print exactly what would be sent, whether or not it is."""
    from launcher.actions.telemetry import outgoing

    found = outgoing(folder_of(home))
    show(dataclasses.asdict(found), lambda console: _print_events(console, found), as_json=as_json)


def send_one(home: Home = None, as_json: AsJson = False) -> None:
    """Send a report of nothing, to see that it arrives."""
    from launcher.actions.telemetry import send_test

    found = send_test(folder_of(home))
    line = f"A test report has arrived at {found.host}."
    show(dataclasses.asdict(found), lambda console: console.print(line), as_json=as_json)


def clear(home: Home = None, as_json: AsJson = False) -> None:
    """Remove the crash reports that are kept here."""
    from launcher.actions.telemetry import clear as remove

    count = remove(folder_of(home))
    line = f"Removed: {count}."
    show({"removed": count}, lambda console: console.print(line), as_json=as_json)


def _say(view: "TelemetryView", *, as_json: bool) -> None:
    show(dataclasses.asdict(view), lambda console: _print_view(console, view), as_json=as_json)


def _print_view(console: "Console", view: "TelemetryView") -> None:
    from rich.table import Table

    if view.on:
        console.print(f"Crash reports are on: they are sent to {view.host}.", soft_wrap=True)
        console.print("`korproxy telemetry show` shows exactly what is sent.", soft_wrap=True)
    else:
        would = f" They would go to {view.host}." if view.host else ""
        console.print(f"Crash reports are off: nothing is sent.{would}", soft_wrap=True)
    if not view.kept:
        console.print("None is kept: nothing has crashed lately.")
        return
    console.print()
    table = Table("last", "times", "process", "what", "sent", box=None, pad_edge=False)
    for it in view.kept:
        at = time.strftime("%d %b %H:%M", time.localtime(it.at))
        table.add_row(at, str(it.times), it.process, it.title, "yes" if it.sent_at else "no")
    console.print(table)
    console.print(f"\nThey lie in {view.kept[0].file.rpartition('/')[0]}", soft_wrap=True)


def _print_events(console: "Console", found: "Outgoing") -> None:
    state = "is sent" if found.on else "would be sent, if you turned it on"
    what = "An example" if found.example else f"All that {state}, newest first"
    where = f"to {found.host}" if found.host else "no address is set"
    console.print(f"{what} ({where}):", soft_wrap=True)
    for event in found.events:
        console.print(json.dumps(event, indent=2), soft_wrap=True)
