"""Prints the tables when the tests of this folder have run."""

import pytest

from matrix.table import ANSWERS, REQUESTS, estimate_lines


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Pytest calls this once, after all tests."""
    for table in (REQUESTS, ANSWERS):
        lines = table.lines()
        if lines:
            terminalreporter.section("pair × feature")
            for line in lines:
                terminalreporter.write_line(line)
    if found := estimate_lines():
        terminalreporter.section("estimates of prompts")
        for line in found:
            terminalreporter.write_line(line)
