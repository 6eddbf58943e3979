"""`korproxy safe-mode`: one switch that sends everything to one fallback."""

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from launcher.actions.safe_mode import SafeModeView

_HELP = "Safe mode: one switch that sends all requests to one fallback, whatever the rules say."


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    group.command("on")(on)
    group.command("off")(off)
    group.command("status")(status)
    app.add_typer(group, name="safe-mode")


def on(
    model: Annotated[
        str | None, typer.Option(help="Model to ask for, such as claude/claude-haiku-5.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="Group to send all to, by id or name.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Send everything to one fallback. Without options it is the one of last time."""
    from launcher.actions.safe_mode import turn_on

    _say(turn_on(folder_of(home), model=model, group=group), as_json=as_json)


def off(home: Home = None, as_json: AsJson = False) -> None:
    """Let the rules decide again; the fallback is remembered."""
    from launcher.actions.safe_mode import turn_off

    _say(turn_off(folder_of(home)), as_json=as_json)


def status(home: Home = None, as_json: AsJson = False) -> None:
    """Say how the switch stands."""
    from launcher.actions.safe_mode import safe_mode

    _say(safe_mode(folder_of(home)), as_json=as_json)


def _say(view: "SafeModeView", *, as_json: bool) -> None:
    goes = [f"model {view.model}"] if view.model else []
    goes += [f"group {view.group}"] if view.group else []
    where = ", ".join(goes)
    line = f"Safe mode is on: all requests go to {where}." if view.enabled else "Safe mode is off."
    value = {"safe_mode": dataclasses.asdict(view)}
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)
