"""What `--help` says of every command: nothing of it is cut off on a terminal of 80 columns."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from launcher.cli.lazy import commands_of
from launcher.cli.table import COMMANDS


def all_helps() -> Iterator[tuple[str, str]]:
    """Every command and subcommand that `--help` lists, with the text of its own."""
    for row in COMMANDS:
        if row.line:
            yield from _helps(commands_of(row.module)[row.name], row.name)


def _helps(command: Any, path: str, parent: Any = None) -> Iterator[tuple[str, str]]:
    with typer.Context(command, info_name=path.rpartition(" ")[2], parent=parent) as context:
        yield path, command.get_help(context)
        for name, below in getattr(command, "commands", {}).items():
            yield from _helps(below, f"{path} {name}", context)


def test_no_line_of_any_help_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    helps = dict(all_helps())
    assert {"config", "config path", "quota"} < set(helps)
    cut = [
        f"{path}: {line.strip()}"
        for path, text in helps.items()
        for line in text.partition("\n")[2].splitlines()
        if line.rstrip().endswith(("...", "…")) or len(line) > 80
    ]
    assert not cut, "the first sentence of a command's help is too long for the list of its group"


def test_every_command_of_a_group_has_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    bare = []
    for path, text in all_helps():
        _, _, below = text.partition("\nCommands:\n")
        bare += [f"{path} {line}" for line in below.splitlines() if len(line.split()) == 1]
    assert not bare


def test_what_may_be_left_out_stands_in_one_pair_of_brackets() -> None:
    doubled = [path for path, text in all_helps() if "[[" in text]
    assert not doubled, "a metavar is a bare word: brackets are put around it"
