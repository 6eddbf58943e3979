"""The list of commands against the commands themselves."""

from launcher.cli.lazy import commands_of
from launcher.cli.table import COMMANDS

COLUMNS = 80
BESIDE_THE_LINE = 2 + 2
"""Two blanks before the name, two behind it."""


def test_every_command_of_a_file_has_its_line() -> None:
    """One that is registered but not in the table could not be called; one that is in it alone would fail."""
    modules = dict.fromkeys(row.module for row in COMMANDS)
    found = {module: list(commands_of(module)) for module in modules}
    told = {module: [it.name for it in COMMANDS if it.module == module] for module in modules}
    assert {module: sorted(names) for module, names in found.items()} == {
        module: sorted(names) for module, names in told.items()
    }


def test_what_is_hidden_has_no_line_and_nothing_else() -> None:
    for row in COMMANDS:
        assert commands_of(row.module)[row.name].hidden == (not row.line), row.name


def test_no_line_is_cut_off_or_wrapped() -> None:
    widest = max(len(row.name) for row in COMMANDS)
    for row in COMMANDS:
        assert widest + BESIDE_THE_LINE + len(row.line) < COLUMNS, row.name
        assert not row.line.endswith("."), row.name


def test_a_name_stands_for_one_command() -> None:
    assert len({row.name for row in COMMANDS}) == len(COMMANDS)
