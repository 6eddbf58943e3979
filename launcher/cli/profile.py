"""`korproxy profile`: sets of routing rules, and which one is in force."""

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.fields import Clear, given_fields, listed, one_or_more
from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.actions.profiles import ProfileView

Word = Annotated[
    str, typer.Argument(metavar="PROFILE", help="Id or name; `profile list` has them.")
]
Name = Annotated[str | None, typer.Option(help="Name for people.")]
Color = Annotated[str | None, typer.Option(help="Colour, as #RRGGBB.")]
Icon = Annotated[str | None, typer.Option(help="Icon.")]
Groups = Annotated[
    list[str] | None,
    typer.Option(
        "--group",
        help="Group for what no rule sends elsewhere; several: the next one when the first has nobody.",
    ),
]
Projects = Annotated[
    list[str] | None,
    typer.Option(
        "--project", help="Folder whose tools use this profile; may be given several times."
    ),
]

_HELP = "Profiles: sets of routing rules, one of them in force; a request may name another."
_CLEARABLE = ("name", "color", "icon", "group", "projects")


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    group.command("list")(list_)
    group.command("add")(add)
    group.command("edit")(edit)
    group.command("remove")(remove)
    group.command("use")(use)
    # The words of the earlier apps.
    group.command("create", hidden=True)(create)
    group.command("switch", hidden=True)(use)
    group.command("delete", hidden=True)(remove)
    app.add_typer(group, name="profile")


def list_(home: Home = None, as_json: AsJson = False) -> None:
    """List the profiles; the one in force is marked."""
    from launcher.actions.profiles import list_profiles

    views = list_profiles(folder_of(home))
    value = {"profiles": [dataclasses.asdict(it) for it in views]}
    show(value, lambda console: _print(console, views), as_json=as_json)


def add(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    profile_id: Annotated[str, typer.Argument(metavar="ID", help="Id: letters, digits, . _ -")],
    name: Name = None,
    color: Color = None,
    icon: Icon = None,
    group: Groups = None,
    project: Projects = None,
    use_it: Annotated[bool, typer.Option("--use", help="Put it in force at once.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Add a profile."""
    from launcher.actions.profiles import add_profile

    given = given_fields(
        None, _CLEARABLE,
        name=name, color=color, icon=icon, group=one_or_more(group), projects=project,
    )  # fmt: skip
    view = add_profile(folder_of(home), profile_id, given, use=use_it)
    _say("added", view, as_json=as_json)


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name for people.")],
    color: Color = None,
    copy_from: Annotated[
        str | None,
        typer.Option("--copy-from", help="Profile whose rules and settings it begins with."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Add a profile by its name alone; `profile add` can say more."""
    from launcher.actions.profiles import create_profile

    view = create_profile(folder_of(home), name, color=color, copy_from=copy_from)
    _say("added", view, as_json=as_json)


def edit(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    profile: Word,
    name: Name = None,
    color: Color = None,
    icon: Icon = None,
    group: Groups = None,
    project: Projects = None,
    clear: Clear = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Change a profile; its id stays."""
    from launcher.actions.profiles import edit_profile

    given = given_fields(
        clear, _CLEARABLE,
        name=name, color=color, icon=icon, group=one_or_more(group), projects=project,
    )  # fmt: skip
    _say("changed", edit_profile(folder_of(home), profile, given), as_json=as_json)


def remove(profile: Word, home: Home = None, as_json: AsJson = False) -> None:
    """Take a profile out, with its rules."""
    from launcher.actions.profiles import remove_profile

    removed = remove_profile(folder_of(home), profile)
    line = f"The profile {removed} was removed."
    value = {"id": removed, "removed": True}
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)


def use(profile: Word, home: Home = None, as_json: AsJson = False) -> None:
    """Put a profile in force. A running gateway takes it over within a second."""
    from launcher.actions.profiles import use_profile

    _say("in force", use_profile(folder_of(home), profile), as_json=as_json)


def _say(what: str, view: "ProfileView", *, as_json: bool) -> None:
    line = f"{view.name} ({view.id}): {what}."
    value = {"profile": dataclasses.asdict(view)}
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)


def _print(console: "Console", views: "tuple[ProfileView, ...]") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(
        "", "profile", "name", "groups", "rules", "projects", "keys", box=None, pad_edge=False
    )
    for view in views:
        mark = Text("●", style=view.color) if view.active else Text("○", style="dim")
        table.add_row(
            mark, view.id, view.name, listed(view.groups), str(len(view.rules)),
            listed(view.projects), listed(view.keys),
            style="bold" if view.active else "",
        )  # fmt: skip
    console.print(table)
