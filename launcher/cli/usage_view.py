"""The usage report as text: sums, a sparkline for each course, tables, causes, plans, and three shares with their targets."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from launcher.cli.numbers import NOTHING, amount, percent, span, sparkline, usd, whole

if TYPE_CHECKING:
    from rich.console import Console

    from korproxy_addons.usage.plans import PlanList
    from korproxy_addons.usage.report import Line
    from korproxy_addons.usage.spread import Percentiles
    from launcher.actions.usage import Dependability, UsageReport

WIDE = 110
MOST_LINES = 12
# What the numbers beside a name take.
_CELLS, _WIDE_CELLS = 62, 92


def print_report(console: "Console", report: "UsageReport", by: Sequence[str]) -> None:
    """
    Print it.

    Args:
        console: Where.
        report: The report.
        by: Dimensions to show a table for.
    """
    _print_head(console, report)
    if not report.total.requests:
        console.print("Nothing was asked in this time.")
    else:
        _print_course(console, report)
        _print_totals(console, report.total)
        for dimension in by:
            _print_lines(console, report, dimension)
        _print_causes(console, report)
    _print_values(console, report)
    _print_dependability(console, report.dependability)


def print_plans(console: "Console", plans: "PlanList") -> None:
    """Print the plans whose price is known."""
    table = _table("plan", "name", "provider", "USD a month", "since", right=("USD a month",))
    for it in plans.plans:
        since = it.since.isoformat() if it.since else ""
        table.add_row(it.id, it.name, it.provider, f"{it.usd_per_month:.2f}", since)
    console.print(table)
    console.print(f"{plans.unit}.", style="dim", soft_wrap=True)
    source = f"Checked {plans.checked}, by {plans.taken_from}."
    console.print(source, style="dim", soft_wrap=True)
    console.print(
        "In config.yaml: `usage: {plans: {ACCOUNT: claude-max-5x}}`, or `{ACCOUNT: 17.5}` for a price of"
        " your own.",
        style="dim",
        soft_wrap=True,
    )


def _print_head(console: "Console", report: "UsageReport") -> None:
    word = "day" if report.days == 1 else "days"
    until = report.until[:16].replace("T", " ")
    only = "".join(f", {name} {value}" for name, value in report.only.items())
    console.print(
        Text.assemble((f"{report.days} {word}", "bold"), f" to {until}{only}", style="default")
    )
    if report.asked_days > report.kept_days:
        console.print(
            Text(
                f"Usage is kept for {report.kept_days} days: usage.keep_days, or less where KorProxy's plan"
                f" ({report.plan}) gives less.",
                "yellow",
            ),
            soft_wrap=True,
        )


def _print_course(console: "Console", report: "UsageReport") -> None:
    course = report.course
    # The newest that fit beside name and number.
    course = course[-max(1, console.width - 30) :]
    table = Table.grid(padding=(0, 2))
    rows = (
        ("requests", [it.requests for it in course], whole(report.total.requests), "cyan"),
        ("failures", [it.failed for it in course], whole(report.total.failed), "red"),
        ("tokens", [it.tokens for it in course], amount(report.total.total_tokens), "cyan"),
        ("worth", [it.cost_usd for it in course], f"{usd(report.total.cost_usd)} USD", "cyan"),
    )
    for name, values, total, colour in rows:
        table.add_row(f"  {name}", Text(sparkline(values), colour), total)
    table.add_row("", Text(f"{_moment(course[0].at)} to {_moment(course[-1].at)}", "dim"), "")
    console.print(table)


def _moment(at: str) -> str:
    """A day or an hour without its year."""
    return at[5:].replace("T", " ")


def _print_totals(console: "Console", total: "Line") -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    cached = f" ({amount(total.cached_tokens)} from caches)" if total.cached_tokens else ""
    thought = f" ({amount(total.reasoning_tokens)} thinking)" if total.reasoning_tokens else ""
    used = f"{amount(total.input_tokens)} in{cached}, {amount(total.output_tokens)} out{thought}"
    table.add_row("  used", used)
    ended = f"{whole(total.succeeded)} succeeded, {whole(total.failed)} failed"
    left = f", {whole(total.abandoned)} left by the client" if total.abandoned else ""
    table.add_row("  ended", f"{ended}{left}; {whole(total.attempts)} attempts")
    for name, spread, told in (
        ("  latency", total.latency_ms, span),
        ("  first byte", total.first_byte_ms, span),
        ("  tokens/s", total.tokens_per_s, lambda it: f"{it:.0f}"),
    ):
        if spread is not None:
            parts = (
                f"p50 {told(spread.p50)}",
                f"p90 {told(spread.p90)}",
                f"p99 {told(spread.p99)}",
            )
            table.add_row(name, "   ".join(parts))
    if total.unpriced:
        table.add_row(
            "  no price", f"for {whole(total.unpriced)} attempts; usage.prices can give one"
        )
    if total.incomplete:
        text = f"{whole(total.incomplete)} attempts may have used more than their provider told"
        table.add_row("  not told", text)
    console.print(table)


def _print_lines(console: "Console", report: "UsageReport", dimension: str) -> None:
    lines = report.by.get(dimension, ())
    if not lines or (len(lines) == 1 and not lines[0].name):
        return
    console.print()
    wide = console.width >= WIDE
    more = ("cached", "p90", "p99") if wide else ()
    names = (
        dimension,
        "requests",
        "ok",
        "in",
        "out",
        *more[:1],
        "USD",
        "p50",
        *more[1:],
        "first",
        "tok/s",
    )
    table = _table(*names, right=names[1:])
    for it in lines[:MOST_LINES]:
        name = report.labels.get(it.name, it.name) if dimension == "account" else it.name
        cached = (amount(it.cached_tokens),) if wide else ()
        slow = (_at(it.latency_ms, "p90"), _at(it.latency_ms, "p99")) if wide else ()
        table.add_row(
            _short(name or NOTHING, console.width - (_WIDE_CELLS if wide else _CELLS)),
            whole(it.requests),
            percent(it.success_percent),
            amount(it.input_tokens),
            amount(it.output_tokens),
            *cached,
            usd(it.cost_usd),
            _at(it.latency_ms, "p50"),
            *slow,
            _at(it.first_byte_ms, "p50"),
            NOTHING if it.tokens_per_s is None else f"{it.tokens_per_s.p50:.0f}",
        )
    console.print(table)
    if len(lines) > MOST_LINES:
        rest = f"  and {len(lines) - MOST_LINES} more; --json has all"
        console.print(rest, style="dim")


def _short(name: str, cells: int) -> str:
    """A name in so many cells; of a path the end tells more than the beginning."""
    if len(name) <= cells:
        return name
    is_path = "/" in name or "\\" in name
    return f"…{name[1 - cells :]}" if is_path else f"{name[: cells - 1]}…"


def _at(spread: "Percentiles | None", name: str) -> str:
    return span(None if spread is None else float(getattr(spread, name)))


def _print_causes(console: "Console", report: "UsageReport") -> None:
    if not report.causes:
        return
    console.print()
    table = _table(
        "failed by", "requests", "attempts", "what it is", right=("requests", "attempts")
    )
    for it in report.causes[:MOST_LINES]:
        table.add_row(
            Text(it.code, "red"),
            whole(it.requests),
            whole(it.attempts),
            it.title or "the provider's own word",
        )
    console.print(table)


def _print_values(console: "Console", report: "UsageReport") -> None:
    if not report.values:
        return
    console.print()
    table = _table("plan", "account", "worth", "costs", "times", right=("worth", "costs", "times"))
    for it in report.values:
        table.add_row(
            it.plan,
            report.labels.get(it.account, it.account),
            f"{usd(it.cost_usd)} USD",
            f"{usd(it.price_usd)} USD" if it.price_usd is not None else "price not known",
            f"{it.times:g}×" if it.times is not None else NOTHING,
        )
    console.print(table)
    console.print(
        "  worth: by the API's price list; costs: the plan's share of this time", style="dim"
    )


def _print_dependability(console: "Console", found: "Dependability") -> None:
    console.print()
    console.print("The last 7 days", style="bold")
    watched = f"of {span(found.watched_s * 1000)} that it was meant to serve"
    crashes = {0: "no crash", 1: "1 crash"}.get(found.crashes, f"{found.crashes} crashes")
    rows = (
        (
            "success",
            found.success_percent,
            "success_percent",
            f"of {whole(found.requests)} requests",
        ),
        ("uptime", found.uptime_percent, "uptime_percent", watched),
        ("crash-free", found.crash_free_percent, "crash_free_percent", f"of its hours; {crashes}"),
    )
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for name, share, target, of in rows:
        wanted = found.targets[target]
        if share is None:
            table.add_row(
                f"  {name}", NOTHING, Text(f"nothing seen yet; target {wanted:g} %", "dim")
            )
            continue
        reached = share >= wanted
        colour = "green" if reached else "red"
        mark = Text("reached" if reached else "not reached", colour)
        told = Text.assemble(f"{of}; target {wanted:g} %: ", mark)
        table.add_row(f"  {name}", Text(percent(share), colour), told)
    console.print(table)


def _table(*names: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(names):
        side = "right" if name in right else "left"
        table.add_column(
            name,
            justify=side,  # type: ignore[arg-type]
            no_wrap=number == 0 or name in right,
            overflow="ellipsis" if number == 0 else "fold",
        )
    return table
