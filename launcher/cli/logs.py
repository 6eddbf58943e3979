"""`korproxy logs`: the log of gateway and launcher, filtered, followed and taken along; and how much is logged."""

import dataclasses
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from launcher.actions.log_levels import ComponentLevel
    from launcher.log_lines import LogFilter

LOOK_S = 0.25
_LEVELS = ("debug", "info", "warning", "error", "critical")

Level = Annotated[str, typer.Option(help=f"This one and worse: {', '.join(_LEVELS)}.")]
Component = Annotated[str, typer.Option(help="Beginning of a component's name.")]
Request = Annotated[
    str, typer.Option(help="Of one request: its correlation id, or how that begins or ends.")
]
Since = Annotated[str, typer.Option(help="Not older than: 10m, 2h, 14:30, 2026-11-22T14:30.")]


def register(app: typer.Typer) -> None:
    """Add the group of commands; without a further word it shows the log."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(logs)
    group.command("level")(level)
    group.command("export")(export)
    app.add_typer(group, name="logs")


def logs(  # noqa: PLR0913 - typer makes options of them
    context: typer.Context,
    home: Home = None,
    *,
    count: Annotated[
        int, typer.Option("--lines", "-n", help="How many of the newest lines.", min=0)
    ] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones.")] = False,
    worst: Annotated[
        str, typer.Option("--level", help=f"This one and worse: {', '.join(_LEVELS)}.")
    ] = "info",
    component: Component = "",
    request: Request = "",
    since: Since = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the lines as they are.")] = False,
) -> None:
    """Show what gateway and launcher have logged; they need not run."""
    if context.invoked_subcommand is not None:
        return
    from launcher.log_lines import LogTail, last_lines

    folder = folder_of(home)
    wanted = _filter(worst, component, request, since)
    printed = _Printed(as_json=as_json)
    tail = LogTail(folder)
    # A moment is asked for to see all since then.
    found = last_lines(folder, wanted, None if since else count) if count else []
    printed.lines(found)
    if count and not found and not follow:
        # Beside what another program reads: an empty log is no line of it.
        sys.stderr.write("No line that is kept passes this filter.\n")
    pause = threading.Event()
    try:
        while follow:
            printed.lines(tail.read(wanted))
            pause.wait(LOOK_S)
    except KeyboardInterrupt:
        return


def level(
    component: Annotated[
        str | None, typer.Argument(help="Its name, or all; without one, all levels are shown.")
    ] = None,
    level: Annotated[
        str | None,
        typer.Argument(help="debug, info, warning, error; default: as everything else."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show how much is logged, or change it while KorProxy runs."""
    from launcher.actions.log_levels import levels, set_level, unknown

    folder = folder_of(home)
    rows = levels(folder)
    if component is not None:
        if component not in {it.component for it in rows}:
            raise typer.BadParameter(unknown(component, {it.component for it in rows}))
        if level is not None:
            try:
                rows = set_level(folder, component, level)
            except ValueError as error:
                raise typer.BadParameter(str(error)) from None
        rows = tuple(it for it in rows if it.component == component)
    value = {"levels": [dataclasses.asdict(it) for it in rows]}

    def as_text(console: "Console") -> None:
        _print_levels(console, rows)
        if level is not None:
            console.print("A running KorProxy takes it over within a second.")

    show(value, as_text, as_json=as_json)


def export(
    file: Annotated[Path, typer.Argument(help="Where to write it.", dir_okay=False)],
    home: Home = None,
    *,
    worst: Annotated[
        str, typer.Option("--level", help=f"This one and worse: {', '.join(_LEVELS)}.")
    ] = "debug",
    component: Component = "",
    request: Request = "",
    since: Since = "",
    as_json: AsJson = False,
) -> None:
    """Write the kept log into one file of JSON lines."""
    from launcher.log_lines import last_lines

    lines = last_lines(folder_of(home), _filter(worst, component, request, since))
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}", param_hint="FILE") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        written.writelines(f"{_json(line)}\n" for line in lines)
    value = {"file": str(file), "lines": len(lines)}
    show(value, lambda console: console.print(f"{len(lines)} lines in {file}"), as_json=as_json)


def _filter(worst: str, component: str, request: str, since: str) -> "LogFilter":
    from launcher.log_lines import LogFilter
    from launcher.since import since_at

    if worst not in _LEVELS:
        raise typer.BadParameter(f"one of {', '.join(_LEVELS)}", param_hint="--level")
    try:
        at = since_at(since, time.time()) if since else 0.0
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None
    return LogFilter(worst, component, request, at)


class _Printed:
    """Lines on stdout; for people with the day above where it is another one."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._day = time.strftime("%Y-%m-%d")

    def lines(self, lines: "Iterable[dict[str, Any]]") -> None:
        from korproxy_addons.io.log_text import as_text, local_time

        for line in lines:
            if self._as_json:
                sys.stdout.write(_json(line) + "\n")
                continue
            day = local_time(line).strftime("%Y-%m-%d")
            if day != self._day:
                self._day = day
                sys.stdout.write(f"-- {day}\n")
            sys.stdout.write(as_text(line, colour=self._colour) + "\n")
        sys.stdout.flush()


def _json(line: dict[str, Any]) -> str:
    # An escape in the log may stand for half a character, which no encoding has.
    return json.dumps(line, ensure_ascii=False).encode(errors="replace").decode()


def _print_levels(console: "Console", rows: "Sequence[ComponentLevel]") -> None:
    from rich.table import Table

    table = Table("component", "level", "what it logs", box=None, pad_edge=False)
    for row in rows:
        style = "bold" if row.own else "dim"
        table.add_row(row.component, row.level, row.about, style=style)
    console.print(table)
