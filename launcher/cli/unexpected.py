"""An error that nobody foresaw: people are told what and where to look, its report goes to a file."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from korproxy_addons.errors.catalogue import INTERNAL
from korproxy_addons.errors.exceptions import KorProxyError


def unexpected(error: Exception, arguments: Sequence[str]) -> KorProxyError:
    """
    What a person is told of `error`; where it happened stands in a crash report of the folder that the command works on.

    Args:
        error: Raised by a command, and caught by nobody.
        arguments: Its command line, without the program.
    """
    from korproxy_addons.config.store import default_home
    from korproxy_addons.io.crash_desk import report_and_wait
    from korproxy_addons.io.crash_reports import CrashReports

    home = _home_in(arguments) or default_home()
    report = report_and_wait(home, process_of(arguments), error)
    if report is None:
        return KorProxyError(INTERNAL, f"{type(error).__name__}; its report could not be written")
    return KorProxyError(INTERNAL, f"{report.title}; report: {CrashReports(home).path_of(report)}")


def _home_in(arguments: Sequence[str]) -> Path | None:
    """The folder that a command line names; of several the last, as the commands have it."""
    apart = [value for name, value in pairwise(arguments) if name == "--home"]
    joined = [it.removeprefix("--home=") for it in arguments if it.startswith("--home=")]
    return next((Path(it) for it in reversed((*apart, *joined))), None)


def process_of(arguments: Sequence[str]) -> str:
    """Which of our processes a command line is: the launcher itself, or a command."""
    words = [it for it in arguments if not it.startswith("-")]
    return "launcher" if words[:1] in ([], ["run"], ["tray"]) else "command"
