"""`korproxy status|start|stop|restart|pause|resume|open`: steer the launcher of a folder from a terminal."""

import subprocess
import sys
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show
from launcher.cli.waiting import waiting

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.api_client import ApiClient

START_S = 45.0
STOP_S = 30.0
_LOOK_S = 0.1


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (status, start, stop, restart, pause, resume):
        app.command(command.__name__)(command)
    app.command("open")(open_page)


def status(home: Home = None, *, as_json: AsJson = False) -> None:
    """Say how the gateway is; exit code 1 unless it runs."""
    api = _launcher(folder_of(home))
    found = {"state": "stopped"} if api is None else api.get("status")
    if api is None:
        found |= _recording(folder_of(home))
    show(found, lambda console: _as_text(console, found), as_json=as_json)
    if found["state"] not in ("healthy", "degraded", "paused"):
        raise typer.Exit(1)


def start(home: Home = None, *, as_json: AsJson = False) -> None:
    """Start KorProxy in the background, and wait until it serves."""
    folder = folder_of(home)
    api = _launcher(folder)
    if api is None:
        _detach(folder)
    elif api.get("status")["state"] in ("stopped", "failed"):
        api.post("lifecycle", {"do": "start"})
    found = _wait_until_settled(folder, "Starting…", quiet=as_json)
    show(found, lambda console: _as_text(console, found), as_json=as_json)
    if found["state"] == "failed":
        raise KorProxyError(catalogue.START_FAILED, found["detail"])


def stop(home: Home = None, *, as_json: AsJson = False) -> None:
    """Finish what is in flight, then end KorProxy."""
    folder = folder_of(home)
    api = _launcher(folder)
    if api is not None:
        api.post("lifecycle", {"do": "quit"})
        most = f"Finishing what is in flight, at most {_drain_s(folder):g} s…"
        with waiting(most, quiet=as_json):
            _wait_until_gone(folder)
    found = {"state": "stopped"}
    show(found, lambda console: _as_text(console, found), as_json=as_json)


def restart(home: Home = None, *, as_json: AsJson = False) -> None:
    """Replace the gateway by a fresh one; no request is lost."""
    _order(home, "restart", as_json=as_json)


def pause(home: Home = None, *, as_json: AsJson = False) -> None:
    """Finish what is in flight; answer new requests with an error that says so."""
    _order(home, "pause", as_json=as_json)


def resume(home: Home = None, *, as_json: AsJson = False) -> None:
    """Serve again after a pause."""
    _order(home, "resume", as_json=as_json)


def open_page(
    home: Home = None,
    *,
    print_only: Annotated[
        bool, typer.Option("--print", help="Print the address instead of opening it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Open KorProxy's page in the browser."""
    url = running(folder_of(home)).post("tickets", {})["url"]
    opened = not print_only and not as_json and webbrowser.open(url)
    text = "Opened in the browser." if opened else f"Open this once, within a minute:\n  {url}"
    show({"url": url}, lambda console: console.print(text), as_json=as_json)


def _order(home: Path | None, wish: str, *, as_json: bool) -> None:
    folder = folder_of(home)
    running(folder).post("lifecycle", {"do": wish})
    found = _wait_until_settled(folder, f"{wish.capitalize()}…", quiet=as_json)
    refused = found.get("refused", "") if wish == "restart" else ""
    failed = bool(refused) or found["state"] == "failed"
    if not (failed and as_json):  # a script is told one thing
        show(found, lambda console: _as_text(console, found), as_json=as_json)
    if failed:
        raise KorProxyError(catalogue.START_FAILED, refused or found["detail"])


def _launcher(home: Path) -> "ApiClient | None":
    """The running launcher; one that is only just starting is waited for."""
    from launcher.api_client import launcher_of
    from launcher.single_instance import runs

    api = launcher_of(home)
    deadline = time.monotonic() + START_S
    while api is None and runs(home) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
        api = launcher_of(home)
    return api


def _wait_until_gone(home: Path) -> None:
    """
    Only the lock tells: on its way out a launcher says first that it can no longer be reached.

    Raises:
        KorProxyError: it is still there when the longest drain is over.
    """
    from launcher.single_instance import running_launcher, runs

    deadline = time.monotonic() + STOP_S + _drain_s(home)
    while runs(home):
        if time.monotonic() > deadline:
            reach = running_launcher(home)
            raise KorProxyError(
                catalogue.LAUNCHER_UNREACHABLE, f"process {reach.pid} does not end" if reach else ""
            )
        time.sleep(_LOOK_S)


def _drain_s(home: Path) -> float:
    """How long what is in flight may take to finish."""
    from korproxy_addons.config.problems import ConfigProblems
    from korproxy_addons.config.schema import Limits
    from korproxy_addons.config.store import ConfigStore

    try:
        return ConfigStore(home).load().limits.drain_s
    except ConfigProblems:
        return Limits().drain_s


def running(home: Path) -> "ApiClient":
    """
    The running launcher of a folder.

    Raises:
        KorProxyError: none runs, or it does not answer.
    """
    api = _launcher(home)
    if api is None:
        raise KorProxyError(catalogue.NOT_RUNNING)
    return api


def _wait_until_settled(home: Path, text: str, *, quiet: bool) -> dict[str, Any]:
    """The status, once nothing is on its way any more; meanwhile a person sees `text`, and what is waited for."""
    deadline = time.monotonic() + START_S
    with waiting(text, quiet=quiet) as say:
        while True:
            api = _launcher(home)
            if api is None:
                raise KorProxyError(catalogue.START_FAILED)
            found: dict[str, Any] = api.get("status")
            under_way = found["state"] in ("starting", "unreachable")
            if (found["phase"] == "settled" and not under_way) or time.monotonic() > deadline:
                return found
            say(f"{text} {found['detail']}")
            time.sleep(_LOOK_S)


def _detach(home: Path) -> None:
    """Start a launcher that outlives this terminal; what it says goes to a log beside the gateway's."""
    log = home / "logs" / "launcher.log"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        log.parent.mkdir(mode=0o700, exist_ok=True)
        log.touch(mode=0o600)
    except OSError as error:
        raise KorProxyError(catalogue.START_FAILED, f"{log}: {error.strerror}") from error
    with log.open("ab") as file:
        process = subprocess.Popen(
            [*_program(), "run", "--home", str(home)],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    from launcher.single_instance import runs

    deadline = time.monotonic() + START_S
    while not runs(home) and time.monotonic() < deadline:
        if process.poll() is not None:
            raise KorProxyError(catalogue.START_FAILED, f"{log} has what it said")
        time.sleep(_LOOK_S)
    # It is on its own from here on: no warning at the end of this process that it still runs.
    process.returncode = 0


def _recording(home: Path) -> dict[str, Any]:
    """What the next gateway is going to record, where none runs."""
    from dataclasses import asdict

    from launcher.actions.recording import recording_state

    state = recording_state(home)
    return {"recording": asdict(state)} if state.on else {}


def _program() -> list[str]:
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "launcher"]


def _as_text(console: "Console", found: dict[str, Any]) -> None:
    line = found["state"]
    if found.get("detail"):
        line += f": {found['detail']}"
    console.print(line)
    if found.get("url") and found["state"] in ("healthy", "degraded", "paused"):
        console.print(f"  OpenAI tools:             {found['url']}/v1")
        console.print(f"  Anthropic, Gemini tools:  {found['url']}")
        served = f"{found['in_flight']} in flight"
        console.print(f"  process {found['pid']}, {served}, version {found['version']}")
    if found.get("offline"):
        console.print("  ! offline: no provider can be reached; KorProxy goes on by itself")
    recording = found.get("recording")
    if recording:
        until = time.strftime("%H:%M", time.localtime(recording["until_at"]))
        whose = recording["tool"] or "what passes"
        kind = " (without content)" if recording["shapes"] else ""
        console.print(f"  ● recording {whose}{kind} until {until}; end it: korproxy record off")
    for text in found.get("config_problems", ()):
        console.print(f"  ! {text}")
    for text in found.get("last_lines", ())[-8:] if found["state"] == "failed" else ():
        console.print(f"  | {text}")
