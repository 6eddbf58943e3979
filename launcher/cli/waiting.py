"""What a person at a terminal sees while something takes its time; scripts and files see nothing of it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def waiting(text: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """
    Show a moving sign with a text, on stderr, while the block runs; what it yields changes the text.

    Args:
        text: What is waited for.
        quiet: Show nothing.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _text: None
        return
    from rich.console import Console
    from rich.text import Text

    # Plain text: what a gateway says may hold a bracket.
    with Console(stderr=True).status(Text(text)) as status:
        yield lambda new: status.update(Text(new))
