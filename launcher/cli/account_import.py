"""`korproxy account import`: the logins that official tools have left on this machine."""

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.account_add import adopt
from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.actions.cli_logins import FoundLogin


def import_(
    tool: Annotated[
        str | None,
        typer.Argument(help="claude, codex, gemini, qwen or iflow; without one, all are listed."),
    ] = None,
    account_id: Annotated[
        str, typer.Option("--id", help="Id of the new account; by default one is made up.")
    ] = "",
    accept_terms: Annotated[
        bool, typer.Option("--accept-terms", help="The terms are read and agreed to; do not ask.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List the logins of official tools here, or use one. The tool keeps it."""
    from korproxy_addons.config.store import ConfigStore
    from launcher.actions.cli_logins import as_offered, found_logins
    from launcher.actions.connect import Wishes

    folder = folder_of(home)
    if tool is not None:
        wishes = Wishes(id=account_id, consent=accept_terms)
        adopt(folder, tool, wishes, as_json=as_json)
        return
    config = ConfigStore(folder).load()
    logins = tuple(as_offered(it, config, folder) for it in found_logins())
    value = {"logins": [dataclasses.asdict(it) for it in logins]}
    show(value, lambda console: _print(console, logins), as_json=as_json)


_COLOURS = {"ready": "green", "expired": "yellow", "retired": "red", "missing": "dim"}


def _print(console: "Console", logins: "tuple[FoundLogin, ...]") -> None:
    from rich.table import Column, Table
    from rich.text import Text

    where = Column("where", overflow="fold")
    table = Table("tool", "login", "whose", where, box=None, pad_edge=False)
    for login in logins:
        whose = ", ".join(it for it in (login.email, login.plan) if it)
        state = Text(login.state, style=_COLOURS[login.state])
        table.add_row(login.name, state, whose, login.place)
    console.print(table)
    for login in logins:
        if login.state in {"expired", "retired"}:
            console.print(f"\n{login.name}: {login.problem}", soft_wrap=True)
    usable = [it.tool for it in logins if it.state in {"ready", "expired"}]
    if usable:
        console.print(f"\nUse one: korproxy account import {usable[0]}", soft_wrap=True)
    else:
        console.print(
            "\nNone can be used. Sign in with KorProxy: korproxy account add", soft_wrap=True
        )
