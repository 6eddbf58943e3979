"""
A pytest plugin: what was skipped is said loudly, and is a failure where nothing may be skipped.

With KORPROXY_NO_SKIPS=1 (CI sets it) a test that lacks a part of the system fails. Elsewhere the run ends with a
list of what is lacking and how many tests wait for it.
"""

import os
from collections import Counter
from collections.abc import Generator

import pytest

NO_SKIPS = "KORPROXY_NO_SKIPS"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one where nothing may be skipped."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get(NO_SKIPS) == "1":
        report.outcome = "failed"
        report.longrepr = f"{NO_SKIPS}=1, but this was skipped: {_reason(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a file that skips itself while it is collected into an error, likewise."""
    report = yield
    if report.skipped and os.environ.get(NO_SKIPS) == "1":
        report.outcome = "failed"
        report.longrepr = f"{NO_SKIPS}=1, but this file was skipped: {_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was lacking, once each."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if reasons:
        terminalreporter.section("NOT TESTED HERE", yellow=True, bold=True)
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count} x {reason}", yellow=True)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why something was skipped, without the words that pytest puts before it."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
