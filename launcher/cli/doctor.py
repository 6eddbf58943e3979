"""`korproxy doctor`: what is wrong now; and whether one tool gets what it needs."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from launcher.actions.checks import Check, Result
    from launcher.actions.doctor import Examination, Overview, ToolReport
    from launcher.actions.tool_needs import Verdict

KEY_VARIABLE = "KORPROXY_KEY"
_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}
_KEEPING: "dict[str, tuple[Result, str]]" = {
    "lost": ("fail", "lost"),
    "degraded": ("warn", "degraded"),
    "kept": ("ok", "kept"),
}
_SIGNS = {
    "HERE": ("✓", "green"), "WRONG": ("✕", "bold red"), "ELSEWHERE": ("·", "dim"),
    "NOT_SET": ("·", "dim"), "CANNOT": ("–", "dim"),
}  # fmt: skip
_BY = {"declared": "", "probed": "tried", "seen": "seen"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    tool: Annotated[
        str | None,
        typer.Argument(
            help="A tool, such as claude-code or codex; without one: what is wrong now, and the tools here."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model to look at; by default the one that the tool asks for.")
    ] = "",
    no_send: Annotated[
        bool, typer.Option("--no-send", help="Send nothing: go by what is known of the route.")
    ] = False,
    long_context: Annotated[
        bool,
        typer.Option(
            "--long-context", help="Try a prompt of about 210 000 tokens as well; asks first."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the long prompt.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong now, or what one tool keeps and loses on its route; exit 1 if something fails."""
    from launcher.actions import doctor as action
    from launcher.tools.machine import Machine

    folder = folder_of(home)
    if tool is None:
        found = action.overview(folder, Machine())
        show(action.overview_json(found), lambda it: _print_overview(it, found), as_json=as_json)
        ok = found.ok
    else:
        try:
            preset = action.preset_named(tool)
        except ValueError as unknown:
            raise typer.BadParameter(str(unknown)) from unknown
        key = os.environ.get(KEY_VARIABLE, "")
        looked = action.Examination(folder, preset, Machine(), model=model, key=key)
        long_context = (
            long_context and not no_send and _may_be_long(looked, yes=yes, ask=not as_json)
        )
        if not as_json and not no_send:
            _say_plan(looked)
        report = looked.finished(send=not no_send, long_context=long_context)
        show(action.report_json(report), lambda it: _print_tool(it, report), as_json=as_json)
        ok = report.ok
    if not ok:
        raise typer.Exit(1)


def _may_be_long(looked: "Examination", *, yes: bool, ask: bool) -> bool:
    """Whether the long prompt may be sent: it costs what a long prompt costs, so a person says so."""
    from launcher.actions.tool_asking import pinned
    from launcher.actions.tool_probes import LONG_TOKENS

    if looked.refusal() or looked.route is None:
        return False
    if yes:
        return True
    if not ask or not sys.stdin.isatty():
        sys.stderr.write("The long prompt is not sent: nobody can be asked here; --yes sends it.\n")
        return False
    return typer.confirm(
        f"Send one prompt of about {LONG_TOKENS} tokens to {pinned(looked.route)}? It counts against that account.",
        err=True,
    )


def _say_plan(looked: "Examination") -> None:
    plan = looked.plan()
    if plan:
        sys.stderr.write("Sending, through the running gateway:\n")
        sys.stderr.writelines(f"  {it}\n" for it in plan)
        sys.stderr.write("\n")
        sys.stderr.flush()


# --- without a tool


def _print_overview(console: "Console", found: "Overview") -> None:
    wrong = [it for it in found.findings if it.result == "fail"]
    known = [it for it in found.findings if it.result != "fail"]
    if wrong:
        console.print("Wrong now", style="bold red")
        _print_checks(console, wrong)
    else:
        text = f"Nothing is wrong: KorProxy serves at {found.root}."
        console.print(text, style="bold green", soft_wrap=True)
    if known:
        console.print("\nTo know", style="bold")
        _print_checks(console, known)
    console.print("\nTools on this machine", style="bold")
    if not found.tools:
        console.print("  none that KorProxy knows")
    for row in found.tools:
        sign, style = _SIGNS[row.standing.name]
        asked = f", {row.requests} requests in 7 days" if row.requests else ""
        failed = f" ({row.failed} failed)" if row.failed else ""
        _line(console, sign, style, f"{row.name} {row.standing}{asked}{failed}")
    console.print(
        "\nkorproxy doctor TOOL looks at one in full, and says how it is set up.", style="dim"
    )


def _print_checks(console: "Console", checks: "Iterable[Check]") -> None:
    from launcher.actions.checks import MARKS

    for check in checks:
        code = getattr(check, "code", "")
        _line(
            console, MARKS[check.result], _STYLES[check.result],
            f"{check.name}{f' {code}' if code else ''}: {check.detail}",
        )  # fmt: skip
        _print_steps(console, check.remedy)


def _print_steps(console: "Console", steps: "Iterable[str]") -> None:
    # Not wrapped by us: a command in it must stay whole when it is copied.
    for step in steps:
        console.print(f"    > {step}", soft_wrap=True)


def _line(console: "Console", sign: str, style: str, text: str) -> None:
    """A sign and a text that is wrapped beside it."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    table.add_column(width=3, justify="right")
    table.add_column(overflow="fold")
    table.add_row(Text(sign, style=style), Text(text))
    console.print(table)


# --- one tool


def _print_tool(console: "Console", report: "ToolReport") -> None:
    settings = report.settings
    console.print(f"{settings.preset.name} {settings.standing}", style="bold", soft_wrap=True)
    if report.findings:
        fails = any(it.result == "fail" for it in report.findings)
        console.print(
            "\nWrong now" if fails else "\nTo know", style="bold red" if fails else "bold"
        )
        _print_checks(console, report.findings)
    console.print("\nIts settings on this machine", style="bold")
    _print_checks(console, settings.checks)
    for note in settings.preset.notes:
        _line(console, "i", "dim", note)
    if report.route is not None:
        _print_route(console, report)


def _print_route(console: "Console", report: "ToolReport") -> None:
    route = report.route
    assert route is not None
    console.print("\nIts route", style="bold")
    _line(
        console, "·", "dim", f"Model {route.model}, {route.model_by}" if route.model else "No model"
    )
    if route.way is not None:
        api = "in the tool's own API" if route.native else f"translated to {route.upstream_dialect}"
        served = f"{route.way.label} ({route.way.provider.name}, {route.way.access.name}), {api}"
        _line(console, "→", "bold green", served)
    if route.error:
        _line(console, "✕", "bold red", route.error)
    if route.seen.requests:
        seen = (
            f"{route.seen.requests} requests in the last 7 days, {route.seen.failed} of them failed"
        )
        _line(console, "·", "dim", seen)
    if report.verdicts:
        console.print("\nWhat it needs", style="bold")
        _print_verdicts(console, report.verdicts)
    if report.not_sent and report.verdicts:
        console.print(
            f"\nNothing was sent to the provider: {report.not_sent}.", style="dim", soft_wrap=True
        )


def _print_verdicts(console: "Console", verdicts: "tuple[Verdict, ...]") -> None:
    from rich.table import Table
    from rich.text import Text

    from launcher.actions.checks import MARKS

    said: set[str] = set()
    for keeping, (result, word) in _KEEPING.items():
        for it in verdicts:
            if it.keeping != keeping:
                continue
            table = Table.grid(padding=(0, 1))
            for width in (3, 8, 14):
                table.add_column(width=width)
            table.add_column(overflow="fold")
            how = f" ({_BY[it.by]})" if _BY[it.by] else ""
            style = _STYLES[result]
            table.add_row(
                Text(f"  {MARKS[result]}", style=style), Text(word, style=style),
                Text(it.need.value), Text(f"{it.detail}{how}"),
            )  # fmt: skip
            console.print(table)
            # One step often mends several: it is said once.
            _print_steps(console, [step for step in it.fix if step not in said])
            said |= set(it.fix)
