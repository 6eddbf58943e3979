"""An error that nobody foresaw: people are told what and where to look, its report goes to a file."""

import sys

from korproxy_addons.errors.catalogue import INTERNAL
from korproxy_addons.errors.exceptions import KorProxyError


def unexpected(error: Exception) -> KorProxyError:
    """
    What a person is told of `error`; where it happened stands in a crash report of the folder.

    Args:
        error: Raised by a command, and caught by nobody.
    """
    from korproxy_addons.config.store import default_home
    from korproxy_addons.io.crash_desk import report_and_wait
    from korproxy_addons.io.crash_reports import CrashReports

    home = default_home()
    report = report_and_wait(home, process_of(sys.argv[1:]), error)
    if report is None:
        return KorProxyError(INTERNAL, f"{type(error).__name__}; its report could not be written")
    return KorProxyError(INTERNAL, f"{report.title}; report: {CrashReports(home).path_of(report)}")


def process_of(arguments: list[str]) -> str:
    """Which of our processes a command line is: the launcher itself, or a command."""
    words = [it for it in arguments if not it.startswith("-")]
    return "launcher" if words[:1] in ([], ["run"], ["tray"]) else "command"
