"""What goes into a bundle, shown to its owner before it is written: each part can be read, and left out."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import typer

if TYPE_CHECKING:
    from launcher.actions.bundle import Draft

_HELP = "w write it · v NUMBER view · d NUMBER leave out, or take in again · q write nothing"


def contents(draft: "Draft", left_out: tuple[str, ...]) -> list[str]:
    """The parts as numbered lines: name, size, what for."""
    kept = {it.name: it for it in draft.kept(left_out)}
    rows = [kept["SUMMARY.md"], *draft.parts]
    width = max(len(it.name) for it in rows)
    lines = ["What goes in, without secrets and names:", ""]
    for number, part in enumerate(rows):
        mark = "-" if part.name in left_out else " "
        said = "; HOLDS WHAT WAS SAID" if part.private else ""
        lines.append(
            f" {mark}{number:>2}  {part.name:<{width}} {_size(len(part.content)):>9}  {part.why}{said}"
        )
    return [*lines, "    manifest.json lists them with their sums.", ""]


def who_is_who(draft: "Draft") -> list[str]:
    """Whom the names in the bundle stand for; said here only."""
    if not draft.names:
        return []
    rows = [f"    {pseudonym}: {name}" for pseudonym, name in draft.names]
    return ["", "  Names in it stand for (this list is not in it):", *rows]


def review(draft: "Draft", path: Path, left_out: tuple[str, ...]) -> tuple[str, ...] | None:
    """
    Have the owner look through it.

    Args:
        draft: The bundle.
        path: Where it would be written.
        left_out: Names of parts that do not go in.
    Returns:
        Names of parts to leave out; None: nothing is to be written.
    """
    out = list(left_out)
    typer.echo("\n".join(contents(draft, tuple(out))))
    typer.echo(f"It would be written to {path}. Nothing is sent.")
    while True:
        try:
            answer = typer.prompt(_HELP, default="", show_default=False, prompt_suffix="\n> ")
        except typer.Abort:
            return None
        word, _, number = answer.strip().lower().partition(" ")
        if word in ("w", "write", "y", "yes"):
            return tuple(out)
        if word in ("q", "quit", "n", "no"):
            return None
        part = _numbered(draft, number or word.lstrip("vd"), tuple(out))
        if part is None:
            typer.echo("A letter, and for v and d a number from the list.")
        elif word.startswith("v"):
            click.echo_via_pager(part[1])
        elif word.startswith("d") and part[0] == "SUMMARY.md":
            typer.echo("The summary stays: it has nothing that the other parts do not have.")
        elif word.startswith("d"):
            out = [it for it in out if it != part[0]] if part[0] in out else [*out, part[0]]
            typer.echo("\n".join(contents(draft, tuple(out))))


def _numbered(draft: "Draft", number: str, left_out: tuple[str, ...]) -> tuple[str, str] | None:
    """Name and text of the part with this number; what cannot be shown in a terminal is only named."""
    rows = [draft.summary(draft.kept(left_out)[1:]), *draft.parts]
    if not number.isdigit() or int(number) >= len(rows):
        return None
    part = rows[int(number)]
    try:
        text = part.content.decode()
    except UnicodeDecodeError:
        text = "Not a text: mitmproxy opens it.\n"
    # Nothing from outside shall steer the terminal.
    return part.name, "".join(it if it.isprintable() or it in "\n\t" else "?" for it in text)


def _size(count: int) -> str:
    return f"{count} B" if count < 1024 else f"{count / 1024:.1f} KiB"
