"""`korproxy tray`: the launcher with its icon; without a tray it runs all the same."""

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.run_command import admin_line, error_line, json_line, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from launcher.foreground import Launch
    from launcher.supervisor.states import Status
    from launcher.tray.icon import PystrayIcon
    from launcher.tray.menu import Item


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tray")(tray)


def tray(
    home: Home = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each change of state as one line of JSON.")
    ] = False,
) -> None:
    """Run KorProxy with its icon in the tray; where there is none, in the foreground."""
    from launcher.foreground import Launch
    from launcher.single_instance import AlreadyRunningError, running_launcher
    from launcher.tray.icon import NoTrayError

    folder = folder_of(home)
    if running_launcher(folder) is not None:
        # A second launch shows the first.
        from launcher.cli.lifecycle import open_page

        open_page(folder, as_json=as_json)
        return
    show = json_line if as_json else _nothing
    launch = Launch(home=folder, on_status=show, on_line=error_line, on_admin=admin_line)
    try:
        _with_icon(launch, folder)
    except NoTrayError as error:
        sys.stderr.write(f"No tray here ({error}); KorProxy runs in the foreground.\n")
        run(folder, as_json=as_json)
    except AlreadyRunningError:
        sys.stderr.write(f"KorProxy runs already for {folder}.\n")
        raise typer.Exit(1) from None


def _nothing(_status: "Status") -> None:
    """The icon shows it."""


def _with_icon(launch: "Launch", folder: "Path") -> None:
    from launcher.tray.app import TrayApp
    from launcher.tray.bar import bar_of
    from launcher.tray.host import has_tray_host
    from launcher.tray.icon import NoTrayError, PystrayIcon

    if not has_tray_host():
        raise NoTrayError("nothing in this session would show an icon")

    def make(on_choice: "Callable[[Item], None]") -> "PystrayIcon":
        return PystrayIcon(on_choice, folder / "run" / "tray")

    TrayApp(launch, make, bar_of(folder), _in_background).run()


def _in_background(argv: list[str]) -> None:
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Somebody must take its exit code, or it stays in the system's table as long as the tray runs.
    threading.Thread(target=process.wait, daemon=True).start()
