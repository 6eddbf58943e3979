"""`korproxy providers`: the providers, the ways into each, and where each way stands."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.account_test import try_
from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from launcher.actions.providers import AccessView, ProviderList

_STATES = {
    "works": ("●", "green"),
    "paid-only": ("●", "cyan"),
    "at-risk": ("▲", "yellow"),
    "retired": ("✕", "red"),
}
_CREDENTIALS = {
    "login": "sign-in",
    "key": "API key",
    "tool": "the tool's own login",
    "none": "nothing",
}
_MARGIN = "      "

Sources = Annotated[bool, typer.Option("--sources", help="Show where each state was read.")]


def register(app: typer.Typer) -> None:
    """Add the command, and the words of the earlier apps."""
    app.command("providers")(providers)
    group = typer.Typer(help="As `providers` and `account test`.")
    group.command("list")(providers)
    group.command("test")(try_)
    app.add_typer(group, name="provider", hidden=True)


def providers(sources: Sources = False, home: Home = None, as_json: AsJson = False) -> None:
    """List the providers, the ways into each (the default one first), and where each way stands today."""
    from launcher.actions.providers import list_providers

    found = list_providers(folder_of(home))
    show(asdict(found), lambda console: _print(console, found, sources=sources), as_json=as_json)


def _print(console: "Console", found: "ProviderList", *, sources: bool) -> None:
    from rich.padding import Padding
    from rich.text import Text

    for provider in found.providers:
        console.print(Text.assemble((provider.name, "bold"), (f"  {provider.id}", "dim")))
        for access in provider.accesses:
            heading, dialects = _heading(access), Text(f"  {', '.join(access.dialects)}", "dim")
            if heading.cell_len + dialects.cell_len <= console.width:
                console.print(heading + dialects)
            else:
                console.print(heading, soft_wrap=True)
                console.print(Padding(dialects, (0, 0, 0, len(_MARGIN) - 2)))
            for text, style in _remarks(access, sources=sources):
                if "://" in text:  # an address must stay in one piece, to be clicked on
                    console.print(Text(_MARGIN + text, style), soft_wrap=True)
                else:
                    console.print(Padding(Text(text, style), (0, 0, 0, len(_MARGIN))))
        console.print()
    console.print(_legend())
    console.print(
        f"Checked on {found.checked}. Any other compatible endpoint is a few lines under `providers:`"
        " in config.yaml.",
        style="dim",
    )


def _heading(access: "AccessView") -> "Text":
    from rich.text import Text

    sign, style = _STATES.get(access.state or "", ("○", "default"))
    since = f" since {access.since}" if access.state in ("retired", "paid-only") else ""
    return Text.assemble(
        (f"  {sign} ", style),
        (f"{access.id:<14}", "bold" if access.state != "retired" else "dim"),
        (f"{(access.state or '') + since:<28}", style),
        (_CREDENTIALS[access.credential], ""),
    )


def _remarks(access: "AccessView", *, sources: bool) -> list[tuple[str, str]]:
    """What a person should know before connecting, and how it is printed."""
    remarks: list[tuple[str, str]] = []
    if access.reason and access.state != "works":
        remarks.append((access.reason, ""))
    elif access.reason and access.replacement:
        remarks.append((access.reason, "dim"))
    if access.sunset:
        remarks.append((f"Ends on {access.sunset}.", "yellow"))
    if access.replacement:
        provider, _, other = access.replacement.rpartition("/")
        of = f" of {provider}" if provider else ""
        remarks.append((f"Instead: access {other}{of}.", "green"))
    if access.only_for_tool and access.credential != "tool":
        remarks.append((f"Used for {access.only_for_tool} only, as its terms say.", "yellow"))
    if access.needs_consent and access.state != "retired":
        remarks.append(("Off until you consent; `korproxy account add` asks.", "dim"))
    if access.check_again:
        remarks.append(
            (f"Last checked on {access.checked}: check again: {access.source}", "yellow")
        )
    elif sources and access.source:
        remarks.append((f"Read on {access.checked}: {access.source}", "dim"))
    return remarks


def _legend() -> "Text":
    from rich.text import Text

    parts: list[tuple[str, str]] = []
    for state, (sign, style) in _STATES.items():
        parts += [(f"{sign} ", style), (f"{state}   ", "dim")]
    return Text.assemble(*parts)
