"""What a person at a terminal sees while something takes its time; scripts and files see nothing of it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from launcher.actions.steps import Step

_BAR_COLUMNS = 24


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


class Bar:
    """
    A bar that grows with each step that it is told of.

    Args:
        shown: Draws it; None: nothing does.
        text: What is being done, as a whole.
    """

    def __init__(self, shown: "Progress | None", text: str) -> None:
        self._shown = shown
        # How many steps there are is known with the first; until then the bar only moves.
        self._task = None if shown is None else shown.add_task(text, total=None, what="", count="")

    @property
    def is_shown(self) -> bool:
        """Whether anybody sees it: what would be counted for it alone need not be."""
        return self._shown is not None

    def __call__(self, step: "Step") -> None:
        """Show how far it is."""
        if self._shown is not None and self._task is not None:
            self._shown.update(
                self._task,
                completed=step.done,
                total=step.total,
                what=step.what,
                count=f"{step.done}/{step.total}",
            )

    def aside[**P, R](self, ask: Callable[P, R]) -> Callable[P, R]:
        """The same question, asked where the bar was: it makes room and comes back."""

        def asked(*args: P.args, **kwargs: P.kwargs) -> R:
            if self._shown is None:
                return ask(*args, **kwargs)
            self._shown.stop()
            try:
                return ask(*args, **kwargs)
            finally:
                self._shown.start()

        return asked


@contextmanager
def progress(text: str, *, quiet: bool = False) -> Iterator[Bar]:
    """
    Show a bar on stderr while the block runs; what it yields is told of each step. It is gone at the end.

    Args:
        text: What is being done, as a whole.
        quiet: Show nothing.
    """
    if quiet or not sys.stderr.isatty():
        yield Bar(None, text)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    with Progress(
        # Plain text: an account's name may hold a bracket.
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(_BAR_COLUMNS),
        TextColumn("{task.fields[count]}", markup=False, table_column=Column(no_wrap=True)),
        TextColumn(
            "{task.fields[what]}",
            markup=False,
            table_column=Column(no_wrap=True, overflow="ellipsis"),
        ),
        console=Console(stderr=True),
        transient=True,
        # Results are written to stdout meanwhile, and must stay there.
        redirect_stdout=False,
        redirect_stderr=False,
    ) as shown:
        yield Bar(shown, text)
