"""`korproxy account test`: a real request by each account, through the gateway itself."""

import dataclasses
import os
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show
from launcher.cli.waiting import progress, waiting

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.actions.account_test import TestResult

KEY_VARIABLE = "KORPROXY_KEY"
"""Where the command finds a local key, if the gateway wants one; never on the command line."""


def try_(
    account_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="The account; `--all` tests every one.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Test all accounts in use.")] = False,
    model: Annotated[
        str | None, typer.Option(help="Model to ask; by default a cheap one of the provider.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Send a small request by an account; exit 1 if it fails. It may cost a few tokens."""
    from launcher.actions.account_test import send_test

    if (account_id is None) == (not every):
        raise typer.BadParameter("name one account, or say --all.")
    ask = partial(
        send_test,
        folder_of(home),
        account_id,
        model=model,
        local_key=os.environ.get(KEY_VARIABLE),
    )
    if every:
        with progress("Asking", quiet=as_json) as bar:
            results = ask(on_step=bar)
    else:
        with waiting("Asking, at most 30 s…", quiet=as_json):
            results = ask()
    value = {
        "ok": all(it.ok for it in results),
        "results": [{**dataclasses.asdict(it), "ok": it.ok} for it in results],
    }
    show(value, lambda console: _print(console, results), as_json=as_json)
    if not value["ok"]:
        raise typer.Exit(1)


def _print(console: "Console", results: "tuple[TestResult, ...]") -> None:
    from rich.text import Text

    if not results:
        console.print("No account is in use. Connect one: korproxy account add claude")
    marks = {"ok": ("✓", "green"), "failed": ("✕", "red"), "skipped": ("–", "yellow")}
    for result in results:
        mark, colour = marks[result.outcome]
        line = Text.assemble((mark, colour), " ", (result.id, "bold"))
        if result.model:
            line.append(f"  {result.model}")
        if result.first_byte_ms is not None:
            line.append(f"  first byte after {result.first_byte_ms:.0f} ms")
        console.print(line, soft_wrap=True)
        if result.cause:
            code = f"{result.code} " if result.code else ""
            console.print(f"  {code}{result.cause}", soft_wrap=True)
        for step in result.next_steps:
            console.print(f"  > {step}", soft_wrap=True)
