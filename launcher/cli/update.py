"""`korproxy update`: whether there is a newer version."""

import dataclasses

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="Updates: whether there is a newer version. Nothing is downloaded by itself.",
        no_args_is_help=True,
    )
    group.command("check")(check)
    app.add_typer(group, name="update")


def check(home: Home = None, *, as_json: AsJson = False) -> None:
    """Ask the release feed (updates.feed). Exit code 1 if it cannot say, or there is none."""
    from launcher.updates import UpdateState, check_for_updates

    found = check_for_updates(folder_of(home))
    show(
        dataclasses.asdict(found),
        lambda console: console.print(found.words, soft_wrap=True),
        as_json=as_json,
    )
    if found.state is UpdateState.NO_FEED:
        raise typer.Exit(1)
