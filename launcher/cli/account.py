"""`korproxy account`: connect accounts, see how they stand, switch them off, take them away."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from launcher.cli import account_add, account_import, account_test
from launcher.cli.homes import Home, folder_of, vault_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.actions.accounts import AccountView

Id = Annotated[str, typer.Argument(metavar="ID", help="The account's id; `account list` has them.")]

_HELP = "Accounts: connect one, list them, switch them off and on, take them away."


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    group.command("add")(account_add.add)
    group.command("import")(account_import.import_)
    group.command("list")(list_)
    group.command("show")(show_)
    group.command("rename")(rename)
    group.command("disable")(disable)
    group.command("enable")(enable)
    group.command("reset")(reset)
    group.command("remove")(remove)
    group.command("test")(account_test.try_)
    app.add_typer(group, name="account")


def list_(home: Home = None, as_json: AsJson = False) -> None:
    """List the accounts and how each stands."""
    from launcher.actions.accounts import list_accounts

    folder = folder_of(home)
    views = list_accounts(folder, lambda: vault_of(folder))
    value = {"accounts": [as_object(it) for it in views]}
    show(value, lambda console: _print_list(console, views), as_json=as_json)


def show_(account_id: Id, home: Home = None, as_json: AsJson = False) -> None:
    """Show one account."""
    from launcher.actions.accounts import show_account

    folder = folder_of(home)
    view = show_account(folder, account_id, lambda: vault_of(folder))
    show({"account": as_object(view)}, lambda console: _print_one(console, view), as_json=as_json)


def rename(
    account_id: Id,
    label: Annotated[str, typer.Argument(help="The new name for people; the id stays.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Give an account another name for people."""
    from launcher.actions.accounts import rename_account

    rename_account(folder_of(home), account_id, label)
    _say(
        f"{account_id} is now called {label}.", {"id": account_id, "label": label}, as_json=as_json
    )


def disable(account_id: Id, home: Home = None, as_json: AsJson = False) -> None:
    """Keep an account without using it. A running gateway stops using it at once."""
    from launcher.actions.accounts import set_enabled

    set_enabled(folder_of(home), account_id, enabled=False)
    value = {"id": account_id, "disabled": True}
    _say(f"{account_id} is kept, but not used.", value, as_json=as_json)


def enable(account_id: Id, home: Home = None, as_json: AsJson = False) -> None:
    """Use an account again."""
    from launcher.actions.accounts import set_enabled

    set_enabled(folder_of(home), account_id, enabled=True)
    _say(f"{account_id} is used again.", {"id": account_id, "disabled": False}, as_json=as_json)


def reset(account_id: Id, home: Home = None, as_json: AsJson = False) -> None:
    """Forget what is held against an account. It is asked again at once; KorProxy must run."""
    from launcher.cli.lifecycle import running

    running(folder_of(home)).post("accounts/reset", {"account": account_id})
    line = f"{account_id} is asked again with the next request."
    _say(line, {"id": account_id, "reset": True}, as_json=as_json)


def remove(account_id: Id, home: Home = None, as_json: AsJson = False) -> None:
    """Take an account away, and its secret out of the vault."""
    from launcher.actions.accounts import remove_account

    folder = folder_of(home)
    deleted = remove_account(folder, account_id, lambda: vault_of(folder))
    what = "and its secret was deleted" if deleted else "no secret of it was in the vault"
    value = {"id": account_id, "removed": True, "secret_deleted": deleted}
    _say(f"{account_id} was removed; {what}.", value, as_json=as_json)


def as_object(view: "AccountView") -> dict[str, Any]:
    """An account as JSON has it."""
    import dataclasses

    return dataclasses.asdict(view)


def _say(line: str, value: dict[str, Any], *, as_json: bool) -> None:
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)


_COLOURS = {
    "ready": "green", "ends-soon": "yellow", "consent-needed": "yellow", "disabled": "dim",
}  # fmt: skip


def _print_list(console: "Console", views: "tuple[AccountView, ...]") -> None:
    from rich.table import Column, Table
    from rich.text import Text

    if not views:
        console.print("There is no account yet. Connect one: korproxy account add claude")
        return
    # Nothing is cut off: two accounts may differ in the end of an address alone.
    who_column = Column("who", overflow="fold")
    table = Table("account", "provider", "by", who_column, "state", box=None, pad_edge=False)
    for view in views:
        who = ", ".join(it for it in (view.email, view.plan) if it)
        state = Text(view.state, style=_COLOURS.get(view.state, "red"))
        name = view.id if view.label == view.id else f"{view.id} ({view.label})"
        table.add_row(name, view.provider_name, view.access_name, who, state)
    console.print(table)
    for view in views:
        if view.hint:
            console.print(f"\n{view.id}: {view.hint}", soft_wrap=True)


def _print_one(console: "Console", view: "AccountView") -> None:
    from rich.table import Table

    rows = {
        "name": view.label if view.label != view.id else "",
        "provider": f"{view.provider_name}, {view.access_name}",
        "who": ", ".join(it for it in (view.email, view.organization, view.plan) if it),
        "state": view.state,
        "secret": view.secret or "none is stored",
        "token until": f"{view.expires_at}, then renewed" if view.renews else view.expires_at,
        "login until": view.login_ends_at,
        "models": ", ".join(view.models) if view.models is not None else "",
        "registry": f"{view.route_state}, since {view.route_since}: {view.route_reason}"
        if view.route_state
        else "",
    }
    console.print(view.id, style="bold")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for name, value in rows.items():
        if value:
            table.add_row(f"  {name}", value)
    console.print(table)
    if view.hint:
        console.print(f"\n{view.hint}", soft_wrap=True)
