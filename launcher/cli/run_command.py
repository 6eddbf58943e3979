"""`korproxy run`: the gateway, kept alive, in the foreground."""

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError

if TYPE_CHECKING:
    from korproxy_addons.control.protocol import Notice
    from launcher.admin.server import Serving
    from launcher.supervisor.states import Status


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    home: Annotated[
        Path | None,
        typer.Option(
            help="KorProxy's folder; else KORPROXY_HOME, else ~/.korproxy.", file_okay=False
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port to listen on; else the configuration's.", min=0, max=65_535),
    ] = None,
    admin_port: Annotated[
        int | None,
        typer.Option(
            help="Port of the launcher's page; else the configuration's.", min=0, max=65_535
        ),
    ] = None,
    last_good: Annotated[
        bool,
        typer.Option("--last-good", help="Start with the last settings that worked."),
    ] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Start without any settings, until they change.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each change of state as one line of JSON.")
    ] = False,
) -> None:
    """
    Run the gateway and bring it back whenever it ends, until Ctrl-C.

    SIGHUP replaces it by a fresh one, without a request lost; the end of the terminal is KorProxy's.
    """
    from korproxy_addons.config.store import default_home
    from launcher.foreground import Launch, serve
    from launcher.single_instance import AlreadyRunningError
    from launcher.supervisor.signals import Wish

    folder = home or default_home()
    wish = Wish.START_LAST_GOOD if last_good else Wish.START_PLAIN if plain else Wish.START
    launch = Launch(
        home=folder,
        port=port,
        admin_port=admin_port,
        first=wish,
        on_status=json_line if as_json else TextLines(folder),
        on_notice=notice_line,
        on_line=error_line,
        on_admin=admin_line,
    )
    try:
        asyncio.run(serve(launch))
    except AlreadyRunningError as error:
        who = f" (process {error.reach.pid})" if error.reach else ""
        sys.stderr.write(f"KorProxy runs already for {folder}{who}.\n")
        raise typer.Exit(1) from None
    except OSError as error:
        raise KorProxyError(catalogue.START_FAILED, f"{folder}: {error.strerror}") from error


def _say(stream: TextIO, text: str) -> None:
    """
    Write a line, or several; what cannot be written is no reason to end.

    Who reads may be gone, and the terminal with it; the disk may be full where this goes to a file.
    """
    with contextlib.suppress(OSError):
        stream.write(text + "\n")
        stream.flush()


def error_line(line: str) -> None:
    """A line that a gateway wrote to stderr."""
    _say(sys.stderr, line)


def notice_line(notice: "Notice") -> None:
    """What the gateway wants a person to know."""
    title = f"{notice.title}: " if notice.title else ""
    code = f" ({notice.code})" if notice.code else ""
    _say(sys.stderr, f"note: {title}{notice.text}{code}")


def admin_line(serving: "Serving") -> None:
    """Where the page is; `korproxy open` opens it, as it wants to be opened by its owner."""
    moved = f" (port {serving.moved_from} is taken)" if serving.moved_from else ""
    _say(sys.stderr, f"page: {serving.url}{moved}, opened by `korproxy open`")


def json_line(status: "Status") -> None:
    """One status for scripts."""
    import msgspec

    _say(sys.stdout, msgspec.json.encode(status).decode())


class TextLines:
    """
    Each change of state for people, and where to point a tool once there is where.

    Args:
        home: The KorProxy folder.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._last = ""

    def __call__(self, status: "Status") -> None:
        line = f"{status.state}: {status.detail}" if status.detail else str(status.state)
        if line == self._last:
            return
        self._last = line
        lines = [line]
        if status.state == "healthy" and not status.detail:
            url = f"http://localhost:{status.port}"
            lines += [
                f"  OpenAI tools:             {url}/v1",
                f"  Anthropic, Gemini tools:  {url}",
                f"  settings:                 {self._home / 'config.yaml'}",
            ]
        if status.state == "failed":
            lines += [f"  | {text}" for text in status.last_lines[-8:]]
            lines += [f"  > {step}" for step in NEXT_STEPS[status.reason.value]]
        _say(sys.stdout, "\n".join(lines))


NEXT_STEPS = {
    "": (),
    "cannot-start": (
        "Where an address cannot be had, choose another in the settings (listen.hosts): KorProxy starts",
        "as soon as they are saved; else Ctrl-C, and start it again.",
    ),
    "crash-loop": (
        "Ctrl-C, then `korproxy run` starts it again;",
        "`korproxy run --plain` starts it without your settings, to see whether they are the cause.",
    ),
    "port-busy": (
        "Stop that program, or choose the free port in the settings (listen.port):",
        "KorProxy starts as soon as the settings are saved.",
    ),
    "config-error": (
        "Mend the settings as the lines above say: KorProxy starts as soon as they are saved;",
        "or Ctrl-C, and `korproxy run --last-good` takes the last ones that worked.",
    ),
}
"""What a person can do about each reason of a failure."""
