"""`korproxy logs`: the gateway's log, filtered, and followed."""

import json
import sys
import threading
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from launcher.cli.homes import Home, folder_of
from launcher.log_lines import LEVELS, LogFilter, LogTail, last_lines

LOOK_S = 0.25
_OWN = ("ts", "level", "component", "event")
_MARKS = {"debug": "·", "info": " ", "warning": "▲", "error": "✕", "critical": "✕"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("logs")(logs)


def logs(
    home: Home = None,
    *,
    count: Annotated[
        int, typer.Option("--lines", "-n", help="How many of the newest lines.", min=0)
    ] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones.")] = False,
    level: Annotated[str, typer.Option(help=f"This one and worse: {', '.join(LEVELS)}.")] = "info",
    component: Annotated[str, typer.Option(help="Beginning of a component's name.")] = "",
    request: Annotated[str, typer.Option(help="Of one request, by its id.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the lines as they are.")] = False,
) -> None:
    """Show what the gateway has logged; it need not run."""
    if level not in LEVELS:
        raise typer.BadParameter(f"one of {', '.join(LEVELS)}", param_hint="--level")
    folder = folder_of(home)
    wanted = LogFilter(level, component, request)
    tail = LogTail(folder)
    for line in last_lines(folder, wanted, count) if count else ():
        _print(line, as_json=as_json)
    pause = threading.Event()
    try:
        while follow:
            for line in tail.read(wanted):
                _print(line, as_json=as_json)
            pause.wait(LOOK_S)
    except KeyboardInterrupt:
        return


def _print(line: dict[str, Any], *, as_json: bool) -> None:
    text = json.dumps(line, ensure_ascii=False) if as_json else as_text(line)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def as_text(line: dict[str, Any]) -> str:
    """One line for people: when, how bad, who, what, and the fields that say something."""
    at = (
        datetime.fromtimestamp(float(line.get("ts", 0.0)), UTC)
        .astimezone()
        .strftime("%H:%M:%S.%f")[:-3]
    )
    mark = _MARKS.get(str(line.get("level")), " ")
    fields = " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in line.items()
        if name not in _OWN and value not in ("", [], None)
    )
    shown = f"{at} {mark} {line.get('component', ''):<10} {line.get('event', '')}"
    # What is logged may hold text from outside: nothing of it shall steer a terminal.
    return "".join(c if c.isprintable() else "?" for c in f"{shown}  {fields}".rstrip())
