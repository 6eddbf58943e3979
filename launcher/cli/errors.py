"""`korproxy explain` and `korproxy errors`: what a KP code means, what to do, and what became of a request."""

import dataclasses
import difflib
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from korproxy_addons.errors.catalogue import CATALOGUE
from korproxy_addons.errors.kinds import ErrorSpec, Retry
from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

RETRIES = {
    Retry.NO: "KorProxy does not try again by itself.",
    Retry.SAME_ACCOUNT: "KorProxy tries the same account again by itself.",
    Retry.NEXT_ACCOUNT: "KorProxy tries the next account by itself.",
    Retry.REFRESH: "KorProxy renews the sign-in and tries again by itself.",
}
"""What KorProxy itself does, while nothing of a reply has reached the tool."""

_LIKE_A_CODE = re.compile(
    r"(?i)(kp[-_].*|[0-9]{1,3}|(auth|prov|conf|net|rate|sys|lic|req)[-_]?[0-9]*)\Z"
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("explain")(explain)
    app.command("errors")(errors)


def explain(
    what: Annotated[
        str,
        typer.Argument(
            help="A code such as KP-AUTH-001, or its end: auth-001, 001; or a request's correlation id."
        ),
    ],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Explain an error code, or what became of a request."""
    spec = find(what)
    if spec is None and not _LIKE_A_CODE.match(what.strip()):
        _explain_request(what.strip(), folder_of(home), as_json=as_json)
        return
    _explain_code(what, as_json=as_json)


def errors(
    code: Annotated[
        str | None, typer.Argument(help="A code such as KP-AUTH-001, or its end: auth-001, 001.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the error codes, or explain one."""
    if code is not None:
        _explain_code(code, as_json=as_json)
        return
    rows = [_as_json(spec) for spec in by_number()]
    show({"errors": rows}, _print_list, as_json=as_json)


def _explain_code(code: str, *, as_json: bool) -> None:
    spec = find(code)
    if spec is None:
        near = ", ".join(nearest(code))
        hint = f" Near: {near}." if near else ""
        raise typer.BadParameter(f"there is no error {code}.{hint} `korproxy errors` lists all.")
    show(_as_json(spec), lambda console: _print_one(console, spec), as_json=as_json)


def _explain_request(request_id: str, home: "Path", *, as_json: bool) -> None:
    """What the ledger says of a request; the error that it met as this page's own."""
    from launcher.actions.exchanges import one
    from launcher.cli.request_view import print_one
    from launcher.cli.requests import told

    found = one(home, request_id)
    value = {
        "request": told(found.record),
        "error": None if found.error is None else _as_json(found.error),
    }
    show(value, lambda console: print_one(console, found), as_json=as_json)


def find(code: str) -> ErrorSpec | None:
    """The row of a code, written in any case, with or without its beginning."""
    wanted = _normal(code)
    return CATALOGUE.get(wanted) or next(
        (spec for known, spec in CATALOGUE.items() if known.endswith(f"-{wanted}")), None
    )


def nearest(code: str) -> list[str]:
    """Codes that a wrong one may have meant: those of its area that are near its number, then those that look alike."""
    wanted = _normal(code)
    area, _, number = wanted.removeprefix("KP-").rpartition("-")
    same = [it for it in CATALOGUE if it.startswith(f"KP-{area}-")]
    if same and number.isascii() and number.isdigit():
        # The numbers of an area lie together: 999 is near none of them, but its area was meant.
        return sorted(same, key=lambda it: abs(int(it[-3:]) - int(number[:6])))[:3]
    return difflib.get_close_matches(wanted, CATALOGUE, n=3, cutoff=0.6)


def _normal(code: str) -> str:
    return code.strip().upper().replace("_", "-")


def _as_json(spec: ErrorSpec) -> dict[str, Any]:
    return dataclasses.asdict(spec) | {"docs": docs_place(spec)}


def docs_place(spec: ErrorSpec) -> str:
    """Where the reference has the code."""
    return f"launcher/docs/reference.md#{spec.code.lower()}"


def by_number() -> list[ErrorSpec]:
    """All rows in the order of their numbers, which is that of their areas."""
    return sorted(CATALOGUE.values(), key=lambda spec: int(spec.code.rpartition("-")[2]))


def _print_list(console: "Console") -> None:
    from rich.table import Table

    table = Table("code", "HTTP", "what it says", box=None, pad_edge=False)
    for spec in by_number():
        table.add_row(spec.code, str(spec.status), spec.title)
    console.print(table)
    console.print("\n`korproxy explain CODE` says why, and what to do.", soft_wrap=True)


def _print_one(console: "Console", spec: ErrorSpec) -> None:
    console.print(f"{spec.code}  {spec.title}", style="bold")
    console.print(f"HTTP {spec.status} ({spec.kind}), {spec.severity}. {RETRIES[spec.retry]}")
    console.print(f"\n{spec.cause}\n")
    for number, step in enumerate(spec.remedy, start=1):
        console.print(f"{number}. {step}")
    console.print(f"\n{docs_place(spec)}", style="dim", soft_wrap=True)
