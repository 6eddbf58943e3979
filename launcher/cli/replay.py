"""`korproxy replay`: a recorded request once more, and how its answer compares."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.account_test import KEY_VARIABLE
from launcher.cli.diff import RecordingName
from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from launcher.actions.replay import ReplayPlan, ReplayResult, Side

# Differences that stand in the table, or in a line of their own.
_IN_TABLE = ("model", "usage", "finish", "error")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay)


def replay(
    recording: RecordingName = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="PROVIDER/MODEL", help="Ask this one instead; by default as the client asked."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Send it without asking.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """
    Send a recorded request again, through the gateway, and compare the two answers. It may cost money: it asks first.

    Exit code 1 if the request fails this time.
    """
    import msgspec

    from launcher.actions.replay import plan_replay, send_replay

    if against is not None and not all(against.partition("/")):
        raise typer.BadParameter(f"--against: PROVIDER/MODEL, not {against}")
    folder = folder_of(home)
    plan = plan_replay(folder, recording, against)
    if not (yes or _agreed(plan, as_json=as_json)):
        raise typer.Exit(1)
    result = send_replay(folder, plan, local_key=os.environ.get(KEY_VARIABLE))
    value = {**msgspec.to_builtins(result, str_keys=True), "ok": result.ok}
    show(value, lambda console: _print(console, result), as_json=as_json)
    if not result.ok:
        raise typer.Exit(1)


def _agreed(plan: "ReplayPlan", *, as_json: bool) -> bool:
    """Whether the person wants it sent, knowing what it may cost."""
    if as_json or not sys.stdin.isatty():
        raise typer.BadParameter("a replay may cost money: say --yes where nobody can be asked.")
    from rich.console import Console

    _print_notes(Console(highlight=False, markup=False), plan.replay.notes)
    return typer.confirm(question(plan))


def question(plan: "ReplayPlan") -> str:
    """What a person is asked."""
    cost = ""
    if plan.cost_usd is not None:
        cost = (
            f", about {plan.cost_usd:.4f} USD by the price list if the answer is as long as it was"
        )
    model = plan.replay.model or "whatever the route says"
    return f"Send about {plan.input_tokens:,} tokens to {model}{cost}?"


def _print(console: "Console", result: "ReplayResult") -> None:
    from launcher.cli.changes import print_changes

    _print_notes(console, result.notes)
    _print_table(console, result)
    for name, side in (("recorded", result.before), ("now", result.after)):
        if side.error:
            code = f"{side.code} " if side.code else ""
            console.print(f"{name}: {code}{side.error}", style="red")
    if not result.compared:
        console.print("What the recorded answer said was not kept, so it is not compared.")
        return
    told = tuple(it for it in result.differences if not it.path.startswith(_IN_TABLE))
    if told:
        console.print("In what they say, recorded (-) and now (+):")
        print_changes(console, told, indent=2)
    else:
        console.print("The two answers say the same.", style="green")


def _print_notes(console: "Console", notes: "Sequence[str]") -> None:
    """Each by itself, its further lines below its first word."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    for note in notes:
        grid.add_row("Note:", f"{note}.", style="dim")
    if notes:
        console.print(grid)


def _print_table(console: "Console", result: "ReplayResult") -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("", "recorded", "now"):
        table.add_column(name, header_style="bold", overflow="fold")
    for row in zip(*(_cells(it) for it in (result.before, result.after)), strict=True):
        (name, before), (_, after) = row
        if before != "–" or after != "–":
            table.add_row(name, before, after)
    console.print(table)


def _cells(side: "Side") -> list[tuple[str, str]]:
    """What a person compares at a glance."""
    answered = " ".join(filter(None, (side.provider, side.model)))
    calls = ", ".join(it.name for it in side.calls)
    return [
        ("status", "no answer" if side.status is None else f"{side.status} {side.code}".strip()),
        ("answered by", answered or "–"),
        ("account", side.account or "–"),
        ("ended", side.finish or "–"),
        ("text", f"{len(side.text):,} characters" if side.text else "–"),
        ("tool calls", calls or "–"),
        ("tokens in", _number(side.input_tokens)),
        ("tokens out", _number(side.output_tokens)),
        ("cost", "–" if side.cost_usd is None else f"{side.cost_usd:.4f} USD"),
        ("first byte", _ms(side.first_byte_ms)),
        ("in all", _ms(side.total_ms)),
        ("request id", side.request_id or "–"),
    ]


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} ms"
