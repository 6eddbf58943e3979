"""`korproxy self-test`: whether this installation works, from its files to a full round; the internet is not needed."""

import dataclasses
import logging
import time
from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show
from launcher.cli.waiting import progress

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.actions.checks import Check

_STYLES = {"ok": "green", "warn": "yellow", "fail": "red", "skip": "dim"}
_WORDS = {"ok": "ok", "warn": "to know", "fail": "failed", "skip": "not looked at"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("self-test")(self_test)


def self_test(
    home: Home = None,
    *,
    offline: Annotated[
        bool, typer.Option("--offline", help="Make no connection out of this machine.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show each single thing that was looked at.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Check the installation: files, ports, vault, network, and a full round through simulated providers.

    Without --offline the hosts of your own providers are asked for their certificate and time; no key is sent. Exit 1 if
    anything failed.
    """
    from launcher.actions.checks import worst
    from launcher.actions.self_test import self_test as look
    from launcher.cli.passphrase import ask_passphrase

    folder = folder_of(home)
    keep_logs_away()
    began = time.monotonic()
    with progress("Checking", quiet=as_json) as bar:
        looked = look(folder, offline=offline, ask=bar.aside(ask_passphrase), on_step=bar)
    took_s = round(time.monotonic() - began, 1)
    value = {
        "ok": looked.ok,
        "result": worst(looked.checks),
        "offline": offline,
        "home": str(folder),
        "took_s": took_s,
        "checks": [dataclasses.asdict(it) for it in looked.checks],
    }

    def as_text(console: "Console") -> None:
        print_checks(console, looked.checks, verbose=verbose)
        console.print(f"\n{_sum(looked.checks)} {took_s:g} s, {folder}", soft_wrap=True)

    show(value, as_text, as_json=as_json)
    if not looked.ok:
        raise typer.Exit(1)


def keep_logs_away() -> None:
    """What the parts log on the way is told by the checks."""
    logging.getLogger("korproxy").addHandler(logging.NullHandler())


def print_checks(console: "Console", checks: "tuple[Check, ...]", *, verbose: bool = False) -> None:
    """
    One line for each check, and what to do below it.

    Args:
        console: Where.
        checks: In this order.
        verbose: Each single thing that was looked at, too.
    """
    from rich.padding import Padding
    from rich.text import Text

    from launcher.actions.checks import MARKS

    width = max((len(it.name) for it in checks), default=0)
    for check in checks:
        line = Text(f"{MARKS[check.result]} {check.name:<{width}}", style=_STYLES[check.result])
        detail = Text(check.detail, style="dim" if check.result == "skip" else "")
        _beside(console, line, detail, width + 4)
        lines = [f"> {it}" for it in check.remedy] if check.result != "ok" else []
        for text in lines:
            console.print(Padding(Text(text), (0, 0, 0, width + 4), expand=False))
        for text in check.seen if verbose else ():
            line = Text(text, style="dim")
            console.print(Padding(line, (0, 0, 0, width + 6), expand=False))


def _beside(console: "Console", left: object, right: object, width: int) -> None:
    from rich.table import Table

    grid = Table.grid(padding=0)
    grid.add_column(width=width, no_wrap=True)
    grid.add_column()
    grid.add_row(left, right)  # type: ignore[arg-type]
    console.print(grid)


def _sum(checks: "tuple[Check, ...]") -> str:
    counts = {word: sum(it.result == result for it in checks) for result, word in _WORDS.items()}
    told = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    return f"{told}."
