"""`korproxy requests`: what was asked lately, found again by whatever is known of it, and one request in full."""

import dataclasses
import re
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from korproxy_addons.usage.record import ExchangeRecord

ID_CELLS = 14
WIDE = 110
_OUTCOMES = ("ok", "error", "client_gone")


def register(app: typer.Typer) -> None:
    """Add the group of commands; without a further word it lists requests."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(requests)
    group.command("show")(show_)
    app.add_typer(group, name="requests")


def requests(  # noqa: PLR0913 - typer makes options of them
    context: typer.Context,
    *,
    count: Annotated[
        int, typer.Option("--count", "-n", help="How many of the newest.", min=1, max=10_000)
    ] = 20,
    failed: Annotated[bool, typer.Option("--failed", help="That did not end well.")] = False,
    retried: Annotated[bool, typer.Option("--retried", help="With more than one attempt.")] = False,
    search: Annotated[
        str | None, typer.Option(help="Stands anywhere in an id, a name, a reason or a code.")
    ] = None,
    tool: Annotated[str | None, typer.Option(help="Of this tool.")] = None,
    project: Annotated[str | None, typer.Option(help="Of this project's folder.")] = None,
    model: Annotated[str | None, typer.Option(help="Asked for or answered by it.")] = None,
    account: Annotated[str | None, typer.Option(help="Answered by this account.")] = None,
    provider: Annotated[str | None, typer.Option(help="Answered by this provider.")] = None,
    profile: Annotated[str | None, typer.Option(help="In this profile.")] = None,
    key: Annotated[str | None, typer.Option(help="With this local key.")] = None,
    code: Annotated[
        str | None, typer.Option(help="With this error, at its end or on the way.")
    ] = None,
    outcome: Annotated[str | None, typer.Option(help=f"One of {', '.join(_OUTCOMES)}.")] = None,
    status: Annotated[int | None, typer.Option(help="Answered with this HTTP status.")] = None,
    slower: Annotated[
        float | None, typer.Option(help="Took longer than so many seconds.", min=0)
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Not older than: 10m, 2h, 14:30, 2026-11-22.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Older than; written the same way.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """
    List what was asked lately, newest first; the gateway need not run.

    In a name, * stands for anything.
    """
    if context.invoked_subcommand is not None:
        return
    from korproxy_addons.io.past_exchanges import Wanted
    from launcher.actions.exchanges import recent

    if outcome is not None and outcome not in _OUTCOMES:
        raise typer.BadParameter(f"one of {', '.join(_OUTCOMES)}", param_hint="--outcome")
    wanted = Wanted(
        tool=tool, project=project, profile=profile, key=key, provider=provider, account=account,
        model=model, code=_code(code), outcome=outcome, failed=failed, retried=retried, status=status,
        since_at=_moment("--since", since), until_at=_moment("--until", until),
        slower_than_ms=None if slower is None else slower * 1000, text=search,
    )  # fmt: skip
    found = recent(folder_of(home), wanted, count)
    value = {"requests": [told(it) for it in found]}
    narrowed = wanted != Wanted()
    show(value, lambda console: _print(console, found, narrowed=narrowed), as_json=as_json)


def show_(
    request: Annotated[
        str | None,
        typer.Argument(help="Its correlation id, or the beginning of it; by default the newest."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show one request in full: way, reasons, attempts, times, use, error."""
    from launcher.actions.exchanges import one
    from launcher.cli.request_view import print_one

    found = one(folder_of(home), request)
    error = found.error
    value = {
        "request": told(found.record),
        "error": None if error is None else dataclasses.asdict(error),
        "accounts": found.labels,
        "others": list(found.others),
    }
    show(value, lambda console: print_one(console, found), as_json=as_json)


def told(record: "ExchangeRecord") -> dict[str, Any]:
    """A request as JSON has it: the ledger's own fields, with its time for people too."""
    import msgspec

    fields: dict[str, Any] = msgspec.to_builtins(record)
    return {"id": fields.pop("id"), "at": moment(record.started_at), **fields}


def moment(at: float) -> str:
    """A time in this machine's zone, as ISO 8601 has it."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).astimezone().isoformat(timespec="milliseconds")


def result(record: "ExchangeRecord") -> tuple[str, str]:
    """How a request ended, with its number of attempts if there were several, and the colour of that."""
    tries = f" ×{len(record.attempts)}" if len(record.attempts) > 1 else ""
    if record.outcome == "ok":
        return f"ok{tries}", "yellow" if tries else "green"
    if record.outcome == "client_gone":
        return f"client left{tries}", "yellow"
    code = record.code or f"status {record.status or '?'}"
    return f"{code}{tries}", "red"


def _code(text: str | None) -> str | None:
    """A code as `korproxy explain` takes it: in any case, with or without its beginning."""
    short = re.fullmatch(r"(?:([A-Za-z]{3,4})-)?([0-9]{3})", text or "")
    return f"KP-{short[1] or '*'}-{short[2]}" if short else text


def _moment(option: str, text: str | None) -> float | None:
    from launcher.since import since_at

    if text is None:
        return None
    try:
        return since_at(text, time.time())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _print(console: "Console", found: "tuple[ExchangeRecord, ...]", *, narrowed: bool) -> None:
    from launcher.cli.columns import print_columns

    if not found:
        text = "No request is like that." if narrowed else "Nothing was asked yet."
        console.print(text)
        return
    wide = console.width >= WIDE
    names = ("tool", "model", *(("account",) if wide else ()))
    numbers = ("took", *(("in", "out", "USD") if wide else ()))
    heads = ("when", "id", *names, *numbers, "result")
    rows = [_cells(it, wide=wide) for it in found]
    print_columns(console, heads, rows, names=names, numbers=numbers)
    console.print("`korproxy requests show ID` shows one in full.", style="dim")


def _cells(record: "ExchangeRecord", *, wide: bool) -> "list[str | Text]":
    from rich.text import Text

    from launcher.cli.numbers import amount, span, usd

    word, colour = result(record)
    account = (record.account or "–",) if wide else ()
    used = (amount(record.input_tokens), amount(record.output_tokens), usd(record.cost_usd))
    return [
        _when(record.started_at),
        record.request_id[:ID_CELLS],
        record.tool or "–",
        record.requested_model or f"({record.operation})",
        *account,
        span(record.total_ms),
        *(used if wide else ()),
        Text(word, colour),
    ]


def _when(at: float) -> str:
    """The time of day; the day too where it is not today's."""
    here, today = time.localtime(at), time.localtime()
    same_day = here[:3] == today[:3]
    return time.strftime("%H:%M:%S" if same_day else "%m-%d %H:%M", here)
