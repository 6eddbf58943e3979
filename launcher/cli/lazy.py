"""A group of commands that loads a command only when it is called: the list of all costs nothing of any."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
import typer.main
from typer.core import TyperGroup

from launcher.cli.table import COMMANDS, Row


class Shelf(Mapping[str, Any]):
    """
    Commands by name, each made when it is first taken.

    Args:
        rows: What there is.
    """

    def __init__(self, rows: tuple[Row, ...]) -> None:
        self._modules = {row.name: row.module for row in rows}
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        module = self._modules[name]
        if name not in self._made:
            self._made |= commands_of(module)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


def commands_of(module: str) -> dict[str, Any]:
    """The commands that one file below launcher/cli registers, by name."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.callback()(lambda: None)  # without it, one command alone would be no group
    import_module(f"launcher.cli.{module}").register(app)
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return dict(group.commands)


class LazyGroup(TyperGroup):
    """`korproxy` itself."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = Shelf(COMMANDS)  # type: ignore[assignment] # nobody adds to it

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Every name."""
        del ctx
        return list(self.commands)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write the list from the table alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(row.name, row.line) for row in COMMANDS if row.line])
