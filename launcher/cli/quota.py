"""`korproxy quota`: what is left of every account, as bars."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.numbers import usd
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from launcher.actions.quota import AccountQuota, WindowView

BAR_CELLS = 24
_FULL, _EMPTY = "█", "░"
_PARTS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")

OneAccount = Annotated[str | None, typer.Argument(help="Of this account alone; by default of all.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("quota")(quota)


def quota(account: OneAccount = None, home: Home = None, as_json: AsJson = False) -> None:
    """Show what is left of the accounts: each window's use, reset and pace, as providers told it last."""
    from launcher.actions.quota import quotas

    found = quotas(folder_of(home), account)
    value = {"accounts": [asdict(it) for it in found]}
    show(value, lambda console: _print(console, found), as_json=as_json)


def bar(share: float, cells: int = BAR_CELLS) -> str:
    """A bar of so many cells, filled to a share (0 to 1; more is full) with the eighths that a terminal can show."""
    eighths = round(min(max(share, 0.0), 1.0) * cells * 8)
    whole, part = divmod(eighths, 8)
    return (_FULL * whole + _PARTS[part]).ljust(cells, _EMPTY)


def wait(seconds: int) -> str:
    """A span for people: `3d 4h`, `2h 5m`, `12m`, `<1m`."""
    minutes, hours = seconds // 60 % 60, seconds // 3600 % 24
    days = seconds // 86_400
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m" if minutes else "<1m"


def colour(window: "WindowView") -> str:
    """Green, yellow or red: by what is left, and by whether it will last."""
    left = window.remaining_percent
    if left is None:
        return "default"
    if left <= 5:
        return "red"
    return "yellow" if left <= 20 or window.runs_out_at is not None else "green"


def _print(console: "Console", accounts: "tuple[AccountQuota, ...]") -> None:
    if not accounts:
        console.print("There is no account yet; `korproxy account add` makes one.")
        return
    for account in accounts:
        console.print(_heading(account))
        if account.windows:
            console.print(_table(account.windows))
        else:
            console.print(f"  {_nothing(account)}", style="dim")
        _print_overage(console, account)
        console.print()


def _heading(account: "AccountQuota") -> "RenderableType":
    from rich.text import Text

    return Text.assemble(
        (account.label, "bold"), (f"  {account.provider} · {account.access}", "dim")
    )


def _nothing(account: "AccountQuota") -> str:
    if account.tells:
        return "nothing was told yet; the account's next request shows it"
    return "this provider does not tell what is left; a limit shows here once it is met"


def _table(windows: "tuple[WindowView, ...]") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=10)
    for _ in range(4):
        table.add_column()
    for it in windows:
        name = it.name if it.models == "*" else f"{it.name} {it.models}"
        style = colour(it)
        drawn = (
            Text(bar((it.used_percent or 0.0) / 100), style) if it.used_percent is not None else ""
        )
        table.add_row(f"  {name}", drawn, _used(it), _reset(it), Text(_outlook(it), "dim"))
    return table


def _used(window: "WindowView") -> str:
    counted = ""
    if window.used is not None and window.limit is not None:
        counted = f" ({window.used:,.0f} of {window.limit:,.0f} {window.unit})".replace(" )", ")")
    elif window.limit is not None:
        return f"{window.limit:,.0f} {window.unit}"
    if window.used_percent is None:
        return counted.strip()
    return f"{window.used_percent:.0f} % used{counted}"


def _reset(window: "WindowView") -> str:
    return "" if window.reset_in_s is None else f"resets in {wait(window.reset_in_s)}"


def _outlook(window: "WindowView") -> str:
    if window.runs_out_at is not None:
        return f"pace {window.pace:g}×: runs out {window.runs_out_at[5:16].replace('T', ' ')} UTC"
    return "" if window.pace is None else f"pace {window.pace:g}×"


def _print_overage(console: "Console", account: "AccountQuota") -> None:
    overage = account.overage
    if overage.allowed:
        drawn = f"{usd(overage.drawn_usd)} of {usd(overage.cap_usd)} USD drawn this month"
        console.print(f"  beyond the plan: allowed, {drawn}", style="yellow")
    elif overage.requests:
        count = "1 request" if overage.requests == 1 else f"{overage.requests} requests"
        text = f"  beyond the plan: {usd(overage.drawn_usd)} USD by {count}, then stopped"
        console.print(text, style="yellow")
