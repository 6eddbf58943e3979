"""`korproxy group`: accounts that stand in for each other, and how the next one is picked."""

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from launcher.cli.fields import Clear, given_fields, listed, numbers
from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.actions.groups import GroupView

Word = Annotated[str, typer.Argument(metavar="GROUP", help="Id or name; `group list` has them.")]
Name = Annotated[str | None, typer.Option(help="Name for people.")]
Accounts = Annotated[
    list[str] | None,
    typer.Option(
        "--account",
        help="Account of the group, best first; may be given several times. By default all.",
    ),
]
Strategy = Annotated[
    str | None,
    typer.Option(
        help="fill-first, round-robin, least-used, priority, random, weighted or quota-aware."
    ),
]
Sticky = Annotated[
    bool | None,
    typer.Option(
        "--sticky/--no-sticky",
        help="Keep a conversation at its account, for the provider's prompt cache.",
    ),
]
Weights = Annotated[
    list[str] | None,
    typer.Option("--weight", help="Share of the requests, for weighted.", metavar="ACCOUNT=NUMBER"),
]
Reserves = Annotated[
    list[str] | None,
    typer.Option(
        "--reserve",
        help="Share of its quota (0 to 1) that is kept back while others can serve.",
        metavar="ACCOUNT=SHARE",
    ),
]

_HELP = "Groups: accounts that stand in for each other, and how the next one is picked."
_CLEARABLE = ("name", "accounts", "strategy", "weights", "reserves", "sticky")


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    group.command("list")(list_)
    group.command("add")(add)
    group.command("edit")(edit)
    group.command("remove")(remove)
    app.add_typer(group, name="group")


def list_(home: Home = None, as_json: AsJson = False) -> None:
    """List the groups and their accounts."""
    from launcher.actions.groups import list_groups

    views = list_groups(folder_of(home))
    value = {"groups": [dataclasses.asdict(it) for it in views]}
    show(value, lambda console: _print(console, views), as_json=as_json)


def add(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    group_id: Annotated[str, typer.Argument(metavar="ID", help="Id: letters, digits, . _ -")],
    name: Name = None,
    account: Accounts = None,
    strategy: Strategy = None,
    weight: Weights = None,
    reserve: Reserves = None,
    sticky: Sticky = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Add a group."""
    from launcher.actions.groups import add_group

    given = _given(None, name, account, strategy, weight, reserve, sticky)
    _say("added", add_group(folder_of(home), group_id, given), as_json=as_json)


def edit(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    group: Word,
    name: Name = None,
    account: Accounts = None,
    strategy: Strategy = None,
    weight: Weights = None,
    reserve: Reserves = None,
    sticky: Sticky = None,
    clear: Clear = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Change a group; its id stays."""
    from launcher.actions.groups import edit_group

    given = _given(clear, name, account, strategy, weight, reserve, sticky)
    _say("changed", edit_group(folder_of(home), group, given), as_json=as_json)


def remove(
    group: Word,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Take it out of profiles and rules too; rules that then say nothing go with it.",
        ),
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Take a group out; its accounts stay."""
    from launcher.actions.groups import remove_group

    users = remove_group(folder_of(home), group, force=force)
    line = f"The group {group} was removed" + (f", also from {', '.join(users)}." if users else ".")
    value = {"group": group, "removed": True, "was_used_by": list(users)}
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)


def _given(
    clear: list[str] | None,
    name: str | None,
    account: list[str] | None,
    strategy: str | None,
    weight: list[str] | None,
    reserve: list[str] | None,
    sticky: bool | None,
) -> dict[str, Any]:
    return given_fields(
        clear,
        _CLEARABLE,
        name=name,
        accounts=account,
        strategy=strategy,
        weights=numbers("--weight", weight) or None,
        reserves=numbers("--reserve", reserve) or None,
        sticky=sticky,
    )


def _say(what: str, view: "GroupView", *, as_json: bool) -> None:
    line = f"{view.name} ({view.id}): {what}; {view.strategy} among {_accounts(view)}."
    value = {"group": dataclasses.asdict(view)}
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)


def _accounts(view: "GroupView") -> str:
    return "all accounts" if view.all_accounts else listed(view.accounts)


def _print(console: "Console", views: "tuple[GroupView, ...]") -> None:
    from rich.table import Table

    table = Table(
        "group", "name", "strategy", "sticky", "accounts", "used by", box=None, pad_edge=False
    )
    for view in views:
        table.add_row(
            view.id, view.name, view.strategy, "yes" if view.sticky else "no", _accounts(view),
            listed(view.used_by),
        )  # fmt: skip
    console.print(table)
