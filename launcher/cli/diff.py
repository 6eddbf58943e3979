"""`korproxy diff`: what a client sent beside what was sent on, and the same of the replies."""

from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console

    from korproxy_addons.recording.bodies import BodyDifference
    from korproxy_addons.recording.differences import (
        AttemptDifference,
        ExchangeDifference,
        MessageDifference,
    )

RecordingName = Annotated[
    str | None,
    typer.Argument(
        metavar="ID",
        help="Of a recording: its id, the last digits of it, or the request's id; by default the newest.",
    ),
]

# Of one connection, never of what is said over it.
_TRANSPORT = frozenset(
    (
        "accept-encoding", "connection", "content-length", "date", "host", "keep-alive", "server",
        "transfer-encoding", "x-accel-buffering",
    )
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff")(diff)


def diff(
    recording: RecordingName = None,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="Every difference, whole values, and other dialects field by field."
        ),
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show what a client sent beside what was sent on, attempt by attempt, and the same of the replies."""
    import msgspec

    from launcher.actions.diff import difference

    found = difference(folder_of(home), recording)
    show(
        msgspec.to_builtins(found, str_keys=True),
        lambda console: _print(console, found, full=full),
        as_json=as_json,
    )


def _print(console: "Console", found: "ExchangeDifference", *, full: bool) -> None:
    from rich.text import Text

    who = found.tool or "a client"
    console.print(Text.assemble((found.id, "bold"), f"  {who} asked for {found.model or '–'}"))
    if found.mode == "shapes":
        text = "Shapes only: what was said is not recorded, so it cannot be compared."
        console.print(text, style="yellow", soft_wrap=True)
    if not found.attempts:
        console.print("Nothing was sent on: KorProxy answered by itself.", soft_wrap=True)
    seen: MessageDifference | None = None
    for attempt in found.attempts:
        _print_attempt(console, attempt, seen, found, full=full)
        seen = attempt.request
    if found.attempts and found.own_reply:
        console.print("\nThe client was answered by KorProxy, in its own words.", soft_wrap=True)


def _print_attempt(
    console: "Console",
    attempt: "AttemptDifference",
    seen: "MessageDifference | None",
    found: "ExchangeDifference",
    *,
    full: bool,
) -> None:
    from rich.text import Text

    status = "no reply" if attempt.status is None else str(attempt.status)
    head = Text.assemble(
        "\n", (f"Attempt {attempt.number}", "bold"), f"  {attempt.account}",
        (f"  {attempt.provider} {attempt.model}", "dim"), f"  {status}",
    )  # fmt: skip
    if attempt.code:
        head.append(f" {attempt.code}", style="red")
    console.print(head, soft_wrap=True)
    if attempt.error:
        console.print(f"  It said: {attempt.error}", soft_wrap=True)
    if attempt.request is None:
        console.print("  It was never sent.")
    elif attempt.request == seen:
        console.print("  Request: as in the attempt before.")
    else:
        console.print("  Request: what the client sent (-), what was sent on (+)")
        _print_message(console, attempt.request, full=full)
        if found.losses:
            console.print("    No words for it there: " + "; ".join(found.losses), soft_wrap=True)
    if attempt.reply is not None:
        console.print("  Reply: what came (-), what the client was given (+)")
        _print_message(console, attempt.reply, full=full)


def _print_message(console: "Console", message: "MessageDifference", *, full: bool) -> None:
    from launcher.cli.changes import print_changes

    print_changes(console, message.line, indent=4, full=full, plain=True)
    told = [it for it in message.headers if full or it.path not in _TRANSPORT]
    if told:
        console.print("    headers:")
        print_changes(console, tuple(told), indent=6, full=full, plain=True)
    others = [it.path for it in message.headers if it not in told]
    if others:
        text = f"      and of each connection's own: {', '.join(others)}"
        console.print(text, style="dim", soft_wrap=True)
    _print_body(console, message.body, full=full)


def _print_body(console: "Console", body: "BodyDifference", *, full: bool) -> None:
    from launcher.cli.changes import print_changes

    console.print(f"    body: {said_of(body)}", soft_wrap=True)
    if body.note:
        console.print(f"      {body.note}", style="yellow", soft_wrap=True)
    meant = body.meaning if body.dialects is not None or not body.changes else None
    if meant is None:
        print_changes(console, body.changes, indent=6, full=full)
        return
    print_changes(console, meant, indent=6, full=full)
    if not full:
        console.print("      field by field: --full", style="dim")
        return
    console.print("      field by field:")
    print_changes(console, body.changes, indent=8, full=full)


def said_of(body: "BodyDifference") -> str:
    """How two bodies stand to each other, in a few words."""
    before, after = (_bytes(it) for it in (body.before_bytes, body.after_bytes))
    if body.how == "same":
        return f"the same, byte for byte ({before})" if body.before_bytes else "none"
    sizes = f"{before} became {after}"
    if body.how == "same json":
        return f"the same values, written another way; {sizes}"
    if body.how == "unknown":
        told = "; what their shapes show:" if body.changes else ""
        return f"not the same as far as is known; {sizes}{told}"
    if body.dialects is None:
        return sizes
    there = f"{body.dialects[0]} became {body.dialects[1]}; {sizes}"
    if body.meaning is None:
        return there
    return f"{there}; in what they say" + (":" if body.meaning else ", the same")


def _bytes(number: int | None) -> str:
    if number is None:
        return "an unknown length"
    return f"{number:,} byte{'' if number == 1 else 's'}"
