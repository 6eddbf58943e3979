"""A list of things, one on each line however narrow the terminal is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod
    from rich.text import Text


def print_columns(
    console: "Console",
    heads: Sequence[str],
    rows: "Sequence[Sequence[str | Text]]",
    *,
    names: Sequence[str],
    numbers: Sequence[str],
) -> None:
    """
    Print rows below their heads.

    Args:
        console: Where.
        heads: Of the columns.
        rows: Their cells.
        names: Heads of the columns that are cut where there is no room for all.
        numbers: Heads of those that stand to the right.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = dict(zip(heads, zip(heads, *rows, strict=True), strict=True))
    wanted = {head: max(map(len, columns[head])) for head in heads}
    widths = fitted(wanted, names, console.width)
    for head in heads:
        justify: JustifyMethod = "right" if head in numbers else "left"
        table.add_column(
            head, no_wrap=True, overflow="ellipsis", width=widths[head], justify=justify
        )
    for row in rows:
        table.add_row(*row)
    console.print(table)


def fitted(widths: Mapping[str, int], names: Sequence[str], room: int) -> dict[str, int]:
    """
    Names give way, the longest first, until all fits: half a time, a number or a code tells nothing.

    Args:
        widths: Cells that each column would take, by its head.
        names: Heads of those that may be cut.
        room: Cells of a line; there are two between any two columns.
    """
    found = dict(widths)
    over = sum(found.values()) + 2 * (len(found) - 1) - room
    for _ in range(over):
        longest = max(names, key=found.__getitem__)
        found[longest] = max(1, found[longest] - 1)
    return found
