"""
The gateway process: `python -m korproxy_addons`, which `korproxy engine` starts.

A mitmproxy `Master` of our own with only the addons a gateway needs: it starts faster than mitmdump, is smaller and
freezes well.
"""

if __name__ == "__main__":
    from korproxy_addons.gateway.quick_start import hurry

    hurry()

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mitmproxy import options
from mitmproxy.addons import core, errorcheck, proxyserver
from mitmproxy.master import Master

from korproxy_addons import __version__
from korproxy_addons.addons import build
from korproxy_addons.addons.answers import Answers
from korproxy_addons.addons.control import Control
from korproxy_addons.addons.dispatch import Dispatch
from korproxy_addons.addons.journal import Journal
from korproxy_addons.addons.modes import gateway_modes, settled
from korproxy_addons.addons.notices import Notices
from korproxy_addons.addons.state import State
from korproxy_addons.addons.steering import Question, Steering
from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.schema import Config, Listen
from korproxy_addons.config.store import ConfigStore, default_home
from korproxy_addons.errors.catalogue import INTERNAL
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.event_loop import new_event_loop, settle
from korproxy_addons.gateway.explain_program import main as explain
from korproxy_addons.gateway.fastpath import FastPath
from korproxy_addons.gateway.front import listening_on
from korproxy_addons.gateway.listening import adopt, opened
from korproxy_addons.io.control_pipe import ControlPipe, take_standard_streams
from korproxy_addons.io.parent import end_with_parent, is_orphan

EXIT_CONFIG = 78  # EX_CONFIG: starting again would not help
EXIT_PARENT_GONE = 79  # whom it was to serve is gone already
# Signals to end that come so close together are one.
ONE_WISH_S = 1.0


class LayerChoice:
    """Stands in the place of mitmproxy's own addon of this name: the entrance chooses every layer here."""

    name = "nextlayer"


class Settled:
    """All is loaded: from now on the collector of garbage is on, and leaves out what is there."""

    def running(self) -> None:
        settle()


class Ready:
    """Says once that the gateway listens: a line for people, or one of JSON for a supervisor."""

    def __init__(self, store: ConfigStore, control: Control, *, as_json: bool) -> None:
        self._store = store
        self._control = control
        self._as_json = as_json

    def running(self) -> None:
        addresses = listening_on()
        if self._as_json:
            line = {
                "event": "ready",
                "port": addresses[0][1],
                "hosts": [address[0] for address in addresses],
                "pid": os.getpid(),
                "version": __version__,
                "instance": self._control.instance,
            }
            print(json.dumps(line), flush=True)
            return
        url = f"http://localhost:{addresses[0][1]}"
        print(f"KorProxy {__version__} listens on {url}", flush=True)
        print(f"  OpenAI tools:              {url}/v1")
        print(f"  Anthropic, Gemini tools:   {url}")
        print(f"  settings:                  {self._store.path}")
        if not self._store.current.enabled_accounts():
            print(
                "  No account yet: add one under `accounts:` in the settings; it is picked up at once."
            )
        sys.stdout.flush()


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """
    How the gateway is started.

    Attributes:
        home: The KorProxy folder.
        port: Listen there instead of where the config says; 0 takes a free one.
        as_json: Say in JSON when the gateway is ready.
        quiet: Log to the file only.
        sockets: Listening sockets that were handed over; none: it opens its own.
        pipe: The launcher's hand; None where nobody steers.
        start: Which config is taken: the file's, the last good one, or none; `inspect`: the file's, and mitmweb shows
            what passes.
        parent: Process id of who started it, where it ends with that one.
    """

    home: Path
    port: int | None = None
    as_json: bool = False
    quiet: bool = False
    sockets: tuple[socket.socket, ...] = ()
    pipe: ControlPipe | None = None
    start: str = "config"
    parent: int | None = None


async def make_master(launch: Launch) -> Master:
    """
    The master with its addons.

    Raises:
        ConfigProblems: the config cannot be used.
    """
    home = launch.home
    store = ConfigStore(home)
    listen = _load(store, launch.start).listen
    if launch.port is not None:
        listen = listen.model_copy(update={"port": launch.port})
    # Nothing is kept there yet: without mitmproxy's TLS addon no certificate authority is made that nobody needs.
    settings = options.Options(confdir=str(home / "certs"))
    ours = build(home, own_process=True, log_to_terminal=not launch.quiet, store=store)
    control = next(addon for addon in ours if isinstance(addon, Control))
    master: Master
    if launch.start == "inspect":
        # mitmweb takes its time to load: only where it is asked for.
        from korproxy_addons.gateway.inspection import InspectMaster  # noqa: PLC0415

        journal = next(addon for addon in ours if isinstance(addon, Journal))
        shown = InspectMaster(settings, journal.redactor.text)
        herald = _herald(launch, store, control, ours, {"inspect": shown.where})
        shown.carry(LayerChoice(), *ours, Settled(), herald)
        master, servers = shown, shown.proxyserver
    else:
        master, servers = Master(settings), proxyserver.Proxyserver()
        master.addons.add(
            core.Core(),
            LayerChoice(),
            servers,
            errorcheck.ErrorCheck(repeat_errors_on_stderr=True),
            FastPath(),
            *ours,
            Settled(),
            _herald(launch, store, control, ours, {}),
        )
    if launch.sockets:
        modes = [_mode_of(it) for it in launch.sockets]
        await adopt(servers, modes, launch.sockets)
    else:
        modes = gateway_modes(settled(listen))
    master.options.update(mode=modes)
    return master


def _herald(
    launch: Launch,
    store: ConfigStore,
    control: Control,
    ours: tuple[object, ...],
    questions: Mapping[str, Question],
) -> Ready | Steering:
    """Who says that the gateway listens, and obeys where there is somebody to."""
    if launch.pipe is None:
        return Ready(store, control, as_json=launch.as_json)
    dispatch = next(addon for addon in ours if isinstance(addon, Dispatch))
    state = next(addon for addon in ours if isinstance(addon, State))
    asked = {**Answers(store, control, dispatch, state).questions(), **questions}
    notices = next(addon for addon in ours if isinstance(addon, Notices))
    return Steering(launch.pipe, control, asked, (dispatch.wake,), notices)


def _load(store: ConfigStore, start: str) -> Config:
    match start:
        case "plain":
            return store.load_plain()
        case "last-good":
            return store.load_last_good()
        case _:
            config = store.load()
            store.keep_last_good()
            return config


def _mode_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return gateway_modes(Listen(hosts=(host,), port=port))[0]


async def _run(launch: Launch) -> None:
    master = await make_master(launch)
    control = next(it for it in master.addons.chain if isinstance(it, Control))
    loop = asyncio.get_running_loop()
    stop = Stop(
        loop.time,
        lambda: loop.create_task(control.drain()),
        master.shutdown,
        lambda: launch.parent is not None and is_orphan(launch.parent),
    )
    on_signals(loop, stop)
    await master.run()


class Stop:
    """
    What a wish to end does: drain; asked twice, end at once.

    The kernel may tell of a launcher's death more than once, as its threads die one after the other (Linux sends the signal
    for each thread that a child is handed on to): that is one wish, however long they take. An orphan drains, and its drain
    has a limit; nobody is left to have a second wish.

    Args:
        clock: Seconds of a clock that only goes forward.
        drain: Begins to drain; what it returns is held on to.
        end: Ends at once.
        orphan: Whether the launcher is gone.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        drain: Callable[[], object],
        end: Callable[[], None],
        orphan: Callable[[], bool] = lambda: False,
    ) -> None:
        self._clock = clock
        self._drain = drain
        self._end = end
        self._orphan = orphan
        self._draining: object = None
        self._asked_at = 0.0

    def __call__(self) -> None:
        if self._draining is None:
            self._asked_at = self._clock()
            self._draining = self._drain()
        elif self._clock() - self._asked_at >= ONE_WISH_S and not self._orphan():
            self._end()


def on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Have `stop` run in the loop on Ctrl-C and SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="korproxy engine", description="Run the gateway in the foreground."
    )
    parser.add_argument("--home", type=Path, default=default_home(), help="the KorProxy folder")
    parser.add_argument(
        "--port", type=int, help="listen on this port instead of the configured one"
    )
    parser.add_argument("--ready-json", action="store_true", help="say in one JSON line when ready")
    parser.add_argument("--quiet", action="store_true", help="log to the file only")
    # The rest is between launcher and gateway.
    hidden = argparse.SUPPRESS
    parser.add_argument("--control-pipe", action="store_true", help=hidden)
    parser.add_argument("--listen-fd", type=int, action="append", default=[], help=hidden)
    parser.add_argument("--parent", type=int, help=hidden)
    parser.add_argument(
        "--start",
        choices=("config", "last-good", "plain", "inspect"),
        default="config",
        help=hidden,
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the gateway until it is told to stop; the process's exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["explain"]:
        # The frozen program answers questions about routes, too.
        return explain(words[1:])
    given = _parser().parse_args(words)
    if given.parent is not None and not end_with_parent(given.parent):
        return EXIT_PARENT_GONE
    launch = Launch(
        home=given.home,
        port=given.port,
        as_json=given.ready_json,
        quiet=given.quiet,
        sockets=tuple(opened(given.listen_fd)),
        pipe=ControlPipe(*take_standard_streams()) if given.control_pipe else None,
        start=given.start,
        parent=given.parent,
    )
    try:
        asyncio.run(_run(launch), loop_factory=new_event_loop)
    except ConfigProblems as found:
        print(f"{found.spec.code} {found.spec.title}:", file=sys.stderr)
        for problem in found.problems:
            print(f"  {problem}", file=sys.stderr)
        return EXIT_CONFIG
    except KeyboardInterrupt:
        return 130
    except KorProxyError as error:
        print(error, file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever it is, a traceback may quote anything
        print(_crashed(given.home, error), file=sys.stderr)
        return 1
    return 0


def _crashed(home: Path, error: Exception) -> str:
    """Keep the report of what ended the process; in a line, what and where it was."""
    from korproxy_addons.io.crash_desk import report_and_wait  # noqa: PLC0415 - in nobody's way before

    report = report_and_wait(home, "gateway", error)
    what = report.title if report is not None else type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        what += f": {error.strerror}"
    return f"{INTERNAL.code} {INTERNAL.title}: {what}"


if __name__ == "__main__":
    sys.exit(main())
