"""
The gateway process: `python -m korproxy_addons`, which `korproxy engine` starts.

A mitmproxy `Master` of our own with only the addons a gateway needs: it starts faster than mitmdump, is smaller and
freezes well.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from mitmproxy import options
from mitmproxy.addons import core, errorcheck, proxyserver
from mitmproxy.master import Master

from korproxy_addons import __version__
from korproxy_addons.addons import build
from korproxy_addons.addons.control import Control
from korproxy_addons.addons.modes import gateway_modes, settled
from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.store import ConfigStore, default_home
from korproxy_addons.gateway.event_loop import new_event_loop, settle
from korproxy_addons.gateway.fastpath import FastPath
from korproxy_addons.gateway.front import listening_on

EXIT_CONFIG = 78  # EX_CONFIG: starting again would not help


class LayerChoice:
    """Stands in the place of mitmproxy's own addon of this name: the entrance chooses every layer here."""

    name = "nextlayer"


class Ready:
    """Says once that the gateway listens: a line for people, or one of JSON for a supervisor."""

    def __init__(self, store: ConfigStore, control: Control, *, as_json: bool) -> None:
        self._store = store
        self._control = control
        self._as_json = as_json

    def running(self) -> None:
        settle()
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


def make_master(home: Path, *, port: int | None, as_json: bool, quiet: bool) -> Master:
    """
    The master with its addons; must be called inside a running event loop.

    Args:
        home: The KorProxy folder.
        port: Listen there instead of where the config says; 0 takes a free one.
        as_json: Say in JSON when the gateway is ready.
        quiet: Log to the file only.
    Raises:
        ConfigProblems: the config cannot be used.
    """
    store = ConfigStore(home)
    listen = store.load().listen
    if port is not None:
        listen = listen.model_copy(update={"port": port})
    # Nothing is kept there yet: without mitmproxy's TLS addon no certificate authority is made that nobody needs.
    master = Master(options.Options(confdir=str(home / "certs")))
    ours = build(home, own_process=True, log_to_terminal=not quiet)
    control = next(addon for addon in ours if isinstance(addon, Control))
    master.addons.add(
        core.Core(),
        LayerChoice(),
        proxyserver.Proxyserver(),
        errorcheck.ErrorCheck(repeat_errors_on_stderr=True),
        FastPath(),
        *ours,
        Ready(store, control, as_json=as_json),
    )
    master.options.update(mode=gateway_modes(settled(listen)))
    return master


async def _run(master: Master) -> None:
    control = next(it for it in master.addons.chain if isinstance(it, Control))
    loop = asyncio.get_running_loop()
    draining: list[asyncio.Task[None]] = []

    def stop() -> None:
        if draining:
            master.shutdown()  # asked twice: at once
        else:
            draining.append(loop.create_task(control.drain()))

    on_signals(loop, stop)
    await master.run()


def on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Have `stop` run in the loop on Ctrl-C and SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))


def main(arguments: list[str] | None = None) -> int:
    """Run the gateway until it is told to stop; the process's exit code."""
    parser = argparse.ArgumentParser(
        prog="korproxy engine", description="Run the gateway in the foreground."
    )
    parser.add_argument("--home", type=Path, default=default_home(), help="the KorProxy folder")
    parser.add_argument(
        "--port", type=int, help="listen on this port instead of the configured one"
    )
    parser.add_argument("--ready-json", action="store_true", help="say in one JSON line when ready")
    parser.add_argument("--quiet", action="store_true", help="log to the file only")
    given = parser.parse_args(arguments)

    async def serve() -> None:
        await _run(
            make_master(given.home, port=given.port, as_json=given.ready_json, quiet=given.quiet)
        )

    try:
        asyncio.run(serve(), loop_factory=new_event_loop)
    except ConfigProblems as found:
        print(f"{found.spec.code} {found.spec.title}:", file=sys.stderr)
        for problem in found.problems:
            print(f"  {problem}", file=sys.stderr)
        return EXIT_CONFIG
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
