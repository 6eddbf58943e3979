"""
The variables of the earlier apps, and what they name here.

| variable | what it names |
| --- | --- |
| `KORPROXY_URL` | the running KorProxy that commands steer, by its gateway's or its page's address; else that of the folder |
| `KORPROXY_MANAGEMENT_KEY` | a key of one's own for the management API, beside the one of each run; commands show it, too |
| `KORPROXY_CLI` | the program that KorProxy calls where it calls itself: at login, as a service, from its tray |
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.single_instance import Reach, running_launcher

URL, KEY, CLI = "KORPROXY_URL", "KORPROXY_MANAGEMENT_KEY", "KORPROXY_CLI"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def management_key(environ: Mapping[str, str] = os.environ) -> str:
    """The person's own key for the management API; "" if there is none."""
    return environ.get(KEY, "").strip()


def own_program(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The words that start KorProxy, as a person named them; [] if nobody did."""
    words = environ.get(CLI, "")
    try:
        return shlex.split(words, posix=os.name != "nt")
    except ValueError:  # a quote that does not end: it is part of a name
        return words.split()


def named_launcher(home: Path, environ: Mapping[str, str] = os.environ) -> Reach | None:
    """
    The launcher that `KORPROXY_URL` names; None if it names none, or the one of this folder, whose key is known.

    Raises:
        KorProxyError: CONFIG_INVALID: it is no address of this machine.
    """
    url = environ.get(URL, "").strip()
    if not url:
        return None
    host, port = _address(url)
    own = running_launcher(home)
    if own is not None and own.url and port in (urlsplit(own.url).port, _gateway_port(home)):
        return None
    shown = f"[{host}]" if ":" in host else host
    return Reach(0, f"http://{shown}:{port}", management_key(environ))


def _gateway_port(home: Path) -> int | None:
    from launcher.supervisor.port_holder import load_run  # noqa: PLC0415 - for the few who set it

    run = load_run(home)
    return None if run is None else run.port


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        host, port, parts = "", 0, urlsplit("")
    if parts.scheme != "http" or host not in _LOOPBACK:
        raise KorProxyError(
            catalogue.CONFIG_INVALID, f"{URL} is no address such as http://localhost:1338"
        )
    return host, port
