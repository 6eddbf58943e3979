"""`korproxy usage`: what was used and how it went, taken along as a file, or forgotten."""

import dataclasses
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show
from launcher.cli.waiting import progress

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

_BY = "provider, account, model, profile, project, tool, key, group, operation"
_WHAT = ("requests", "hours", "days")

Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help=f"Only these: {_BY}, as in --only tool=claude-code; * stands for anything.",
        metavar="WHAT=NAME",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the group of commands; without a further word it reports."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(usage)
    group.command("plans")(plans)
    group.command("export")(export)
    group.command("clear")(clear)
    app.add_typer(group, name="usage")


def usage(
    context: typer.Context,
    *,
    days: Annotated[
        int, typer.Option("--days", "-d", help="How many days, today included.", min=1, max=90)
    ] = 7,
    by: Annotated[
        list[str] | None,
        typer.Option(help=f"Told by: {_BY}; by default provider, model and tool.", metavar="WHAT"),
    ] = None,
    only: Only = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Report what was used, at what worth, how fast, and what failed; the gateway need not run."""
    if context.invoked_subcommand is not None:
        return
    from korproxy_addons.usage.report import DIMENSIONS
    from launcher.actions.usage import report
    from launcher.cli.usage_view import print_report

    for it in by or ():
        if it not in DIMENSIONS:
            raise typer.BadParameter(f"one of {', '.join(DIMENSIONS)}, not {it}", param_hint="--by")
    found = report(folder_of(home), days, narrowed(only))
    chosen = tuple(dict.fromkeys(by)) if by else ("provider", "model", "tool")
    show(
        dataclasses.asdict(found),
        lambda console: print_report(console, found, chosen),
        as_json=as_json,
    )


def plans(as_json: AsJson = False) -> None:
    """List the plans whose price is known."""
    from korproxy_addons.usage.plans import PLANS
    from launcher.cli.usage_view import print_plans

    rows: list[dict[str, Any]] = [
        {
            "id": it.id,
            "provider": it.provider,
            "name": it.name,
            "usd_per_month": it.usd_per_month,
            "since": it.since.isoformat() if it.since else None,
            "source": PLANS.sources.get(it.source, ""),
        }
        for it in PLANS.plans
    ]
    value = {
        "checked": PLANS.checked.isoformat(),
        "unit": PLANS.unit,
        "taken_from": PLANS.taken_from,
        "plans": rows,
    }
    show(value, lambda console: print_plans(console, PLANS), as_json=as_json)


def export(
    what: Annotated[
        str, typer.Argument(help=f"One of {', '.join(_WHAT)}.", metavar="WHAT")
    ] = "requests",
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV; this is the default.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    output: Annotated[
        str, typer.Option("--output", "-o", help="File to write; - is standard output.")
    ] = "-",
    days: Annotated[
        int | None,
        typer.Option("--days", "-d", help="So many days; by default all.", min=1, max=90),
    ] = None,
    only: Only = None,
    home: Home = None,
) -> None:
    """Write requests, or sums by hour or day, as CSV or JSON."""
    from launcher.actions.usage_data import export_to, rows_of

    if as_csv and as_json:
        raise typer.BadParameter("one of --csv and --json")
    if what not in _WHAT:
        raise typer.BadParameter(f"one of {', '.join(_WHAT)}, not {what}")
    wanted = narrowed(only)
    # The rows themselves are seen to move on a terminal.
    quiet = as_json or (output == "-" and sys.stdout.isatty())
    with progress("Exporting", quiet=quiet) as bar:
        rows = rows_of(folder_of(home), what, days, wanted, on_step=bar if bar.is_shown else None)
        count = export_to(output, what, rows, as_json=as_json)
    if output != "-":
        typer.echo(f"{count} {what} were written to {output}.", err=True)


def clear(
    older_than: Annotated[
        int | None,
        typer.Option("--older-than", help="Only what is older than so many days.", min=1),
    ] = None,
    yes: Yes = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Forget what was used: every request and all sums."""
    from launcher.actions.usage_data import clear_usage, usage_size

    folder = folder_of(home)
    there = usage_size(folder, older_than)
    if not yes and there.requests + there.sums:
        _confirm(folder, there.requests, older_than)
    gone = clear_usage(folder, older_than)
    line = f"{gone.requests} requests and {gone.sums} sums were forgotten."
    show(dataclasses.asdict(gone), lambda console: _say(console, line), as_json=as_json)


def narrowed(only: list[str] | None) -> dict[str, str]:
    """`--only` as dimension to pattern."""
    from korproxy_addons.usage.report import DIMENSIONS
    from launcher.cli.fields import pairs

    found = pairs("--only", only)
    for it in found:
        if it not in DIMENSIONS:
            raise typer.BadParameter(f"--only: one of {', '.join(DIMENSIONS)}, not {it}")
    return found


def _confirm(folder: "Path", requests: int, older_than: int | None) -> None:
    which = f" from before {older_than} days ago" if older_than else ""
    typer.echo(
        f"{requests} requests{which} and their sums in {folder} will be forgotten, for good."
        "\nYour own limits count by them: after its next start the gateway knows nothing of what was"
        " used.",
        err=True,
    )
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody can be asked here: say --yes")
    typer.confirm("Go on?", abort=True, err=True)


def _say(console: "Console", line: str) -> None:
    console.print(line, soft_wrap=True)
