"""What is printed on a console of a known width."""

import io
from collections.abc import Callable

from rich.console import Console


def printed_by(show: Callable[[Console], None], width: int = 80) -> str:
    """The text that `show` prints, without colours."""
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    show(console)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()
