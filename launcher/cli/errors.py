"""`korproxy errors`: what a KP code means and what to do."""

import dataclasses
import difflib
from typing import TYPE_CHECKING, Annotated

import typer

from korproxy_addons.errors.catalogue import CATALOGUE
from korproxy_addons.errors.kinds import ErrorSpec
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("errors")(errors)


def errors(
    code: Annotated[
        str | None, typer.Argument(help="A code such as KP-AUTH-001, or its end: auth-001, 001.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the error codes, or explain one."""
    if code is None:
        rows = [dataclasses.asdict(spec) for spec in by_number()]
        show({"errors": rows}, _print_list, as_json=as_json)
        return
    spec = find(code)
    if spec is None:
        near = difflib.get_close_matches(_normal(code), CATALOGUE, n=3, cutoff=0.6)
        hint = f" Near: {', '.join(near)}." if near else ""
        raise typer.BadParameter(f"there is no error {code}.{hint} `korproxy errors` lists all.")
    show(dataclasses.asdict(spec), lambda console: _print_one(console, spec), as_json=as_json)


def find(code: str) -> ErrorSpec | None:
    """The row of a code, written in any case, with or without its beginning."""
    wanted = _normal(code)
    return CATALOGUE.get(wanted) or next(
        (spec for known, spec in CATALOGUE.items() if known.endswith(f"-{wanted}")), None
    )


def _normal(code: str) -> str:
    return code.strip().upper().replace("_", "-")


def by_number() -> list[ErrorSpec]:
    """All rows in the order of their numbers, which is that of their areas."""
    return sorted(CATALOGUE.values(), key=lambda spec: int(spec.code.rpartition("-")[2]))


def _print_list(console: "Console") -> None:
    from rich.table import Table

    table = Table("code", "HTTP", "what it says", box=None, pad_edge=False)
    for spec in by_number():
        table.add_row(spec.code, str(spec.status), spec.title)
    console.print(table)


def _print_one(console: "Console", spec: ErrorSpec) -> None:
    console.print(f"{spec.code}  {spec.title}", style="bold", soft_wrap=True)
    console.print(f"HTTP {spec.status}, {spec.kind}, {spec.severity}")
    console.print(f"\n{spec.cause}\n", soft_wrap=True)
    for number, step in enumerate(spec.remedy, start=1):
        console.print(f"{number}. {step}", soft_wrap=True)
