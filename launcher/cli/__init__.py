"""
The command line: one file per command, and its line in `table.py`.

A command is loaded when it is called, and loads what it works with when it runs: none costs anything of the others.
"""

import os
import sys

import typer

from korproxy_addons.errors.exceptions import KorProxyError
from launcher.cli.lazy import LazyGroup
from launcher.cli.output import print_failure

_HELP = """KorProxy: one local endpoint for all your AI accounts. Without a command it is `tray`.

Exit codes: 0 done, 1 failed (what and why is printed), 2 wrong call, 78 the configuration cannot be used (engine), 130 Ctrl-C.
Every command takes --json."""


def build_app() -> typer.Typer:
    """The application, with every command."""
    app = typer.Typer(
        cls=LazyGroup, add_completion=True, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    app.callback(invoke_without_command=True, help=_HELP)(_without_command)
    return app


def _without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        from launcher.cli import tray

        tray.tray()


def run(arguments: list[str]) -> int:
    """
    Run one command line.

    Returns:
        0 if all went well, 1 if not (what went wrong was printed), 2 for a wrong call, 130 after Ctrl-C.
    """
    try:
        build_app()(arguments, prog_name="korproxy")
    except KorProxyError as error:
        print_failure(error, as_json="--json" in arguments)
        return 1
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Who read this, as `head` does, has read enough; nothing more is to be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - nobody is shown a traceback
        from launcher.cli.unexpected import unexpected

        print_failure(unexpected(error, arguments), as_json="--json" in arguments)
        return 1
    return 0
