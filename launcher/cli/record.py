"""`korproxy record`: keep what passes, without secrets, to look at it, compare it or send it again."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.numbers import NOTHING
from launcher.cli.output import AsJson, show
from launcher.cli.waiting import progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from korproxy_addons.io.recordings import Kept
    from korproxy_addons.recording.record import Brief
    from launcher.actions.recorded import Exported
    from launcher.actions.recording import RecordState

_HELP = "Record what passes, secrets taken out. Off by default, and off again by itself."
_ID_DIGITS = 8
WIDE = 110
"""Cells of a terminal in which a list has room for everything."""

OneName = Annotated[
    str | None,
    typer.Argument(
        metavar="ID",
        help="Its id, the last digits of it, or the request's id; by default the newest.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    group.command("on")(on)
    group.command("off")(off)
    group.command("status")(status)
    group.command("list")(list_all)
    group.command("show")(show_one)
    group.command("export")(export)
    group.command("clear")(clear)
    app.add_typer(group, name="record")


def on(
    minutes: Annotated[
        float, typer.Option(min=0.1, max=1440, help="Off again after so many minutes.")
    ] = 30.0,
    tool: Annotated[
        str, typer.Option(help="This tool's requests alone, such as claude-code or codex.")
    ] = "",
    shapes: Annotated[
        bool, typer.Option("--shapes", help="Keep what bodies are like, not what they say.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Record: requests, what was sent on, both replies."""
    from launcher.actions.recorded import taken_up
    from launcher.actions.recording import start_recording, tool_meant

    folder = folder_of(home)
    meant, note = tool_meant(folder, tool)
    state = start_recording(folder, minutes=minutes, tool=meant, shapes=shapes)
    running = taken_up(folder, state)
    value = {"recording": asdict(state), "gateway": _NAMES[running], "note": note}

    def text(console: "Console") -> None:
        _say_on(console, state, running)
        if note:
            console.print(f"! {note}", style="yellow")

    show(value, text, as_json=as_json)


def off(home: Home = None, as_json: AsJson = False) -> None:
    """Record nothing any more; what there is stays."""
    from launcher.actions.recorded import kept_recordings, taken_up
    from launcher.actions.recording import stop_recording

    folder = folder_of(home)
    state = stop_recording(folder)
    running = taken_up(folder, state)
    kept = kept_recordings(folder)
    value = {"recording": asdict(state), "gateway": _NAMES[running], "kept": asdict(kept)}

    def text(console: "Console") -> None:
        console.print("Nothing is recorded any more.")
        if running is False:
            console.print("  ! The gateway has not taken that up yet: korproxy record status")
        _say_kept(console, kept)

    show(value, text, as_json=as_json)


def status(home: Home = None, as_json: AsJson = False) -> None:
    """Say whether and until when, and what there is."""
    from launcher.actions.recorded import kept_recordings, taken_up
    from launcher.actions.recording import recording_state

    folder = folder_of(home)
    state = recording_state(folder)
    running = taken_up(folder, state)
    kept = kept_recordings(folder)
    value = {"recording": asdict(state), "gateway": _NAMES[running], "kept": asdict(kept)}

    def text(console: "Console") -> None:
        if state.on:
            _say_on(console, state, running)
        else:
            console.print("Nothing is recorded. Begin with: korproxy record on")
        _say_kept(console, kept)

    show(value, text, as_json=as_json)


def list_all(
    last: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 30,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List what was recorded, newest first."""
    from launcher.actions.recorded import recorded

    found = recorded(folder_of(home), last)
    value = {"recordings": [_row(it) for it in found]}
    show(value, lambda console: _print_list(console, found), as_json=as_json)


def show_one(
    recording: OneName = None,
    full: Annotated[bool, typer.Option("--full", help="Whole bodies.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show one exchange: requests and replies at both ends."""
    import msgspec

    from launcher.actions.recorded import recording_named
    from launcher.cli.recording_text import print_recording

    found = recording_named(folder_of(home), recording)
    value = {"recording": msgspec.to_builtins(found)}
    show(value, lambda console: print_recording(console, found, full=full), as_json=as_json)


def export(
    recordings: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="By default all there is.")
    ] = None,
    flows: Annotated[
        Path | None, typer.Option(help="File that mitmproxy and mitmweb open.", dir_okay=False)
    ] = None,
    har: Annotated[
        Path | None, typer.Option(help="HTTP archive, for a browser's tools.", dir_okay=False)
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write a file for mitmproxy, or an HTTP archive."""
    from launcher.actions.recorded import export_recordings

    if flows is None and har is None:
        raise typer.BadParameter("say what to write: --flows FILE, --har FILE or both")
    try:
        with progress("Exporting", quiet=as_json) as bar:
            written = export_recordings(
                folder_of(home), recordings or (), flows=flows, har=har, on_step=bar
            )
    except OSError as error:
        raise typer.BadParameter(f"{error.filename}: {error.strerror}") from None
    value = {"written": [{**asdict(it), "file": str(it.file)} for it in written]}
    show(value, lambda console: _say_written(console, written), as_json=as_json)


def clear(home: Home = None, as_json: AsJson = False) -> None:
    """Delete everything that was recorded."""
    from launcher.actions.recorded import clear_recordings

    gone = clear_recordings(folder_of(home))
    text = f"{_count(gone)} deleted." if gone else "There was nothing to delete."
    show({"deleted": gone}, lambda console: console.print(text), as_json=as_json)


_NAMES: dict[bool | None, str] = {None: "not running", True: "taken up", False: "not yet"}


def _say_on(console: "Console", state: "RecordState", running: bool | None) -> None:
    what = "what bodies are like" if state.shapes else "with content, secrets taken out"
    whose = f"of {state.tool}" if state.tool else "of every tool"
    console.print(f"● Recording until {_clock(state.until_at)}: {whose}, {what}.", style="bold red")
    match running:
        case True:
            console.print("The gateway that runs does so.")
        case False:
            console.print("! The gateway has not taken that up yet: korproxy record status")
        case None:
            console.print("No gateway runs for this folder; the next one records.")
    console.print("End it before that: korproxy record off")
    console.print("See what there is:  korproxy record list")


def _say_kept(console: "Console", kept: "Kept") -> None:
    if kept.exchanges:
        size = f"{kept.bytes / 1_000_000:.1f} MB"
        console.print(f"{_count(kept.exchanges)} kept, {size}. Delete: korproxy record clear")


def _print_list(console: "Console", found: "list[Brief]") -> None:
    if not found:
        console.print("Nothing has been recorded. Begin with: korproxy record on")
        return
    from launcher.cli.columns import print_columns

    wide = console.width >= WIDE
    heads = ("id", "time", "tool", "asked for", "answered by" if wide else "by", "status", "took")
    rows = [_cells(it, wide=wide) for it in found]
    print_columns(console, heads, rows, names=heads[2:5], numbers=heads[5:])
    console.print("`korproxy record show ID` shows one in full.", style="dim")


def _cells(brief: "Brief", *, wide: bool) -> "list[str | Text]":
    from rich.text import Text

    from launcher.cli.numbers import span
    from launcher.cli.recording_text import visible

    asked = brief.requested_model
    if brief.operation not in ("generate", "other") or not asked:
        asked = f"{brief.operation} {asked}".strip()
    # Both models side by side have no room where the terminal is narrow.
    by = brief.answered_by if wide else brief.answered_by.partition("/")[0]
    return [
        brief.id[-_ID_DIGITS:],
        _clock(brief.started_at),
        visible(brief.tool) or NOTHING,
        visible(asked),
        visible(by) if brief.attempts else Text("KorProxy", "dim"),
        _outcome(brief),
        span(brief.total_ms),
    ]


def _outcome(brief: "Brief") -> "Text":
    from rich.text import Text

    if brief.outcome == "client_gone":
        return Text("left", "yellow")
    return Text(str(brief.status or "-"), "red" if brief.outcome == "error" else "")


def _row(brief: "Brief") -> dict[str, Any]:
    return {
        "id": brief.id,
        "request_id": brief.request_id,
        "started_at": brief.started_at,
        "mode": brief.mode,
        "tool": brief.tool,
        "operation": brief.operation,
        "requested_model": brief.requested_model,
        "answered_by": brief.answered_by,
        "attempts": len(brief.attempts),
        "streamed": brief.streamed,
        "over_socket": brief.over_socket,
        "status": brief.status,
        "outcome": brief.outcome,
        "code": brief.code,
        "total_ms": brief.total_ms,
    }


def _say_written(console: "Console", written: "tuple[Exported, ...]") -> None:
    for it in written:
        console.print(f"{it.file}: {_count(it.exchanges)}", soft_wrap=True)
        if it.kind == "flows":
            console.print("  Open it with: mitmweb -n -r FILE, or mitmproxy -n -r FILE")
        console.print(
            "  Secrets are out; what was said is in it. Look before you give it away.", style="dim"
        )


def _count(number: int) -> str:
    return f"{number} exchange{'' if number == 1 else 's'}"


def _clock(at: float | None) -> str:
    if at is None:
        return ""
    local = datetime.fromtimestamp(at).astimezone()
    today = datetime.now().astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%m-%d %H:%M}"
