"""`korproxy route explain`: each rule's verdict, the account that would be asked, and why."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from launcher.cli.fields import listed, pairs
from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_HELP = "Routes: why a request goes where it goes."
_OUTCOMES = {
    "chosen": ("✓", "bold green"),
    "parameters": ("+", "cyan"),
    "no match": ("·", "dim"),
    "too late": ("·", "dim"),
    "disabled": ("○", "dim"),
    "not asked": ("·", "dim"),
}
_BY = {
    "header": "named by the header X-KorProxy-Profile",
    "path": "named by the path /p/…",
    "key": "of its local key",
    "folder": "of its project's folder",
    "project-file": "named by .korproxy in its project",
    "active": "in force",
    "record": "as it was then",
}


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    group.command("explain")(explain)
    # With one command only, typer would drop its name.
    group.callback()(_group)
    app.add_typer(group, name="route")


def _group() -> None:
    """Take the options of the group: there are none."""


def explain(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    what: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|FILE|ID",
            help="A model's name, a file with a saved request (its JSON body, or the whole HTTP request), or the"
            " X-KorProxy-Request-Id of a past exchange.",
        ),
    ],
    exchange: Annotated[
        bool,
        typer.Option(
            "--exchange", help="The word is a past exchange's id, one of the client's own too."
        ),
    ] = False,
    tool: Annotated[str, typer.Option(help="As if this tool asked, such as claude-code.")] = "",
    dialect: Annotated[str, typer.Option(help="As if it were asked in this API.")] = "",
    profile: Annotated[str, typer.Option(help="As if the request named this profile.")] = "",
    key: Annotated[str, typer.Option(help="As if it came with this local key, by id.")] = "",
    project: Annotated[
        Path | None, typer.Option(help="As if the tool ran in this folder.", file_okay=False)
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(help="As if it had this header.", metavar="NAME=VALUE")
    ] = None,
    kind: Annotated[str, typer.Option(help="As if it were of this kind, such as background.")] = "",
    input_tokens: Annotated[
        int | None, typer.Option("--input-tokens", help="As if its prompt were so long.", min=0)
    ] = None,
    at: Annotated[str, typer.Option(help="As if it came then: 2026-11-22T09:30.")] = "",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say where a request would go now and why. Nothing is sent anywhere."""
    from launcher.actions.routes import explain_route

    question = {
        **_what(what, is_id=exchange),
        "tool": tool,
        "dialect": dialect,
        "profile": profile,
        "key": key,
        "project": str(project.expanduser().resolve()) if project is not None else "",
        "headers": pairs("--header", header),
        "kind": kind,
        "input_tokens": input_tokens,
        "at": at,
    }
    found = explain_route(folder_of(home), question)
    show(found, lambda console: _print(console, found), as_json=as_json)


def _what(what: str, *, is_id: bool) -> dict[str, str]:
    """Whether a word is a file, the id of an exchange, or a model's name."""
    from launcher.actions.routes import looks_like_an_id, saved_request

    path = Path(what)
    if not is_id and path.is_file():
        return {"request": saved_request(path)}
    return {"exchange" if is_id or looks_like_an_id(what) else "model": what}


def _print(console: "Console", found: dict[str, Any]) -> None:
    request = found["request"]
    model = request["model"]
    if request["resolved_model"] != model:
        model = f"{model} → {request['resolved_model']}"
    facts = [request["tool"] or "unknown tool", request["dialect"], listed(request["kinds"])]
    facts += [f"about {request['input_tokens']} tokens"] if request["input_tokens"] else []
    facts += [request["project"]] if request["project"] else []
    console.print(model, style="bold", soft_wrap=True)
    console.print("  " + " · ".join(facts), style="dim", soft_wrap=True)
    console.print(f"\nProfile {found['profile']}, {_BY[found['profile_by']]}", soft_wrap=True)
    console.print(_rules(found))
    for name, value in found["parameters"].items():
        console.print(f"  sets {name} = {value}", style="cyan", soft_wrap=True)
    for group in found["groups"]:
        sticky = ", sticky" if group["sticky"] else ""
        title = f"Group {group['group']}" if group["group"] else "Pinned"
        console.print(f"\n{title} ({group['strategy']}{sticky})", soft_wrap=True)
        console.print(_accounts(group["accounts"], request["at"]))
    for account, reason in found["refused"].items():
        console.print(f"  ✗ {account}: {reason}", style="yellow", soft_wrap=True)
    _print_end(console, found)


def _print_end(console: "Console", found: dict[str, Any]) -> None:
    if found["chosen"]:
        why = f"  (X-KorProxy-Why: {', '.join(found['why'])})" if found["why"] else ""
        console.print(f"\n→ {found['chosen']}{why}", style="bold green", soft_wrap=True)
        _print_crossing(console, found.get("crossing"))
    else:
        console.print(f"\n✗ {found['error']}", style="bold red", soft_wrap=True)
    past = found["recorded"]
    if past:
        line = f"\nThen, {past['at']}: {past['account'] or 'no account'}, {past['outcome']}"
        line += f" {past['code']}" if past["code"] else ""
        console.print(f"{line}; {past['why'] or 'no reason noted'}", soft_wrap=True)
    for note in found["notes"]:
        console.print(note, style="dim", soft_wrap=True)


def _print_crossing(console: "Console", crossing: dict[str, Any] | None) -> None:
    """What would become of a saved request on its way there."""
    if crossing is None:
        return
    how = (
        f"as it is, in {crossing['dialect']}"
        if crossing["native"]
        else f"translated to {crossing['dialect']}"
    )
    console.print(f"  {how}", style="dim", soft_wrap=True)
    if crossing["error"]:
        console.print(f"  ✗ {crossing['error']}", style="bold red", soft_wrap=True)
    for loss in crossing["losses"]:
        detail = f": {loss['detail']}" if loss["detail"] else ""
        console.print(f"  left out: {loss['feature']}{detail}", style="yellow", soft_wrap=True)


def _rules(found: dict[str, Any]) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    if not found["rules"]:
        return Text("  no rules", style="dim")
    table = Table(box=None, pad_edge=True, show_header=False, padding=(0, 1))
    for number, rule in enumerate(found["rules"], start=1):
        sign, style = _OUTCOMES[rule["outcome"]]
        reason = rule["reason"] or rule["outcome"]
        table.add_row(
            Text(sign, style=style), str(number), Text(rule["rule"], style=style),
            Text(reason, style="" if rule["outcome"] in ("chosen", "parameters") else "dim"),
        )  # fmt: skip
    return table


def _accounts(accounts: list[dict[str, Any]], at: str) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=True, show_header=False, padding=(0, 1))
    for account in accounts:
        sign = Text("→", style="bold green") if account["chosen"] else Text("·", style="dim")
        used = account["used_percent"]
        state = account["state"].replace("_", " ")
        until = f" until {_clock(account['until'], at)}" if account["until"] else ""
        table.add_row(
            sign, account["account"], account["model"],
            Text(f"{state}{until}", style="green" if state == "available" else "yellow"),
            "" if used is None else f"{used:g} % used", Text(account["reason"], style="dim"),
        )  # fmt: skip
    return table


def _clock(until: str, at: str) -> str:
    """A time as a clock on this machine shows it, with its date where that is another than at the time of the question."""
    local, asked = (datetime.fromisoformat(it).astimezone() for it in (until, at))
    return local.strftime("%H:%M:%S" if local.date() == asked.date() else "%Y-%m-%d %H:%M")
