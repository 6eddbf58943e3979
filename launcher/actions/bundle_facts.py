"""
Everything that a debug bundle tells, gathered from a folder in whatever state it is.

What cannot be had is noted and left out: a bundle is made where something is broken.
"""

import http.client
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from korproxy_addons import __version__
from korproxy_addons.config.store import FILE_NAME as CONFIG_NAME
from korproxy_addons.errors.catalogue import CATALOGUE, NOT_RUNNING
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io import past_exchanges
from korproxy_addons.io.database_file import FILE_NAME as DATABASE_NAME
from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.io.past_exchanges import Wanted
from korproxy_addons.io.tables import timeline
from korproxy_addons.usage.availability import Moment
from korproxy_addons.usage.record import ExchangeRecord
from launcher.actions.quota import AccountQuota, quotas
from launcher.actions.self_test import Looked, library_version
from launcher.actions.self_test_folder import FileMode, file_modes
from launcher.actions.steps import OnStep, Steps, tell_nobody
from launcher.log_lines import LogFilter, last_lines

DAY_S = 86_400.0
TIMELINE_S = 7 * DAY_S
MOST_EXCHANGES = 20_000
MOST_LINES = 20_000
MOST_TEXT_BYTES = 128 * 1024
MOST_CRASHES = 5
METRICS_S = 5.0
MOST_METRICS_BYTES = 4 * 1024 * 1024
GATHERED = 10
"""So many things are gathered, one step each."""
CRASHES = "crashes"
LIBRARIES = ("mitmproxy", "aiohttp", "pydantic", "msgspec", "starlette", "cryptography", "keyring")
TEXT_LOGS = ("launcher.log",)
"""Logs without a form. `launcher-errors.log`, of an earlier version, stays outside: it quoted what exceptions said."""


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What was gathered; nothing of it is cleaned yet.

    Attributes:
        at: Unix seconds of the moment that it describes.
        home: The KorProxy folder.
        looked: What the self-test found.
        moments: The gateway's life in the last seven days, as its launcher saw it.
        exchanges: The last day's requests, newest first.
        quota: What is left of the accounts.
        lines: The last day's log, oldest first.
        texts: The ends of other logs, by name.
        crashes: Crash reports, by name.
        metrics: The running gateway's page of metrics; "" if none runs.
        modes: The folder's files.
        config_text: The configuration's file; "" if there is none, or it cannot be read.
        system: Versions, the system, and names of environment variables that bear on KorProxy, without values.
        lacking: What could not be had, and why.
    """

    at: float
    home: Path
    looked: Looked
    moments: tuple[Moment, ...] = ()
    exchanges: tuple[ExchangeRecord, ...] = ()
    quota: tuple[AccountQuota, ...] = ()
    lines: tuple[dict[str, Any], ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    crashes: tuple[tuple[str, Any], ...] = ()
    metrics: str = ""
    modes: tuple[FileMode, ...] = ()
    config_text: str = ""
    system: Mapping[str, Any] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()


def gather(
    home: Path,
    looked: Looked,
    at: float,
    environ: Mapping[str, str],
    on_step: OnStep = tell_nobody,
) -> Facts:
    """
    Read everything there is.

    Args:
        home: The KorProxy folder; it need not be there.
        looked: What the self-test found.
        at: Unix seconds.
        environ: Environment variables.
        on_step: Is told of each thing.
    """
    lacking: list[str] = []
    steps = Steps(on_step, GATHERED)

    def had[T](what: str, get: Callable[[], T], otherwise: T) -> T:
        steps.at(what)
        try:
            return get()
        except KorProxyError as error:
            lacking.append(f"{what}: {error}")
        except Exception as error:  # noqa: BLE001 - whatever is broken, the rest is wanted all the more
            lacking.append(f"{what}: {type(error).__name__}")
        finally:
            steps.did()
        return otherwise

    day = at - DAY_S
    readable = looked.database_ok
    if not readable:
        lacking.append("requests and quota: the database cannot be read")
        steps.did(2)
    return Facts(
        at=at,
        home=home,
        looked=looked,
        moments=had("timeline", lambda: _moments(home, at - TIMELINE_S), ()),
        exchanges=had("requests", lambda: _exchanges(home, day), ()) if readable else (),
        quota=had("quota", lambda: _quota(home, looked, at), ()) if readable else (),
        lines=had("log", lambda: _lines(home, day), ()),
        texts=had("other logs", lambda: _texts(home), ()),
        crashes=had("crash reports", lambda: _crashes(home), ()),
        metrics=had("metrics", lambda: _metrics(looked), ""),
        modes=had("files", lambda: file_modes(home) if home.is_dir() else (), ()),
        config_text=had("configuration", lambda: _config_text(home), ""),
        system=had("system", lambda: _system(environ), {}),
        lacking=tuple(lacking),
    )


def _moments(home: Path, since: float) -> tuple[Moment, ...]:
    with LedgerFile(home / timeline.FILE_NAME) as file:
        return tuple(Moment(*row) for row in file.rows(timeline.MOMENTS, (since,)))


def _exchanges(home: Path, since: float) -> tuple[ExchangeRecord, ...]:
    with LedgerFile(home / DATABASE_NAME) as file:
        return past_exchanges.recent(file, Wanted(since_at=since), MOST_EXCHANGES)


def _quota(home: Path, looked: Looked, at: float) -> tuple[AccountQuota, ...]:
    """A configuration that cannot be used is told elsewhere."""
    if not looked.config.is_there or looked.config.spec is not None:
        return ()
    return quotas(home, None, lambda: at)


def _lines(home: Path, since: float) -> tuple[dict[str, Any], ...]:
    return tuple(last_lines(home, LogFilter(since=since), MOST_LINES))


def _texts(home: Path) -> tuple[tuple[str, str], ...]:
    found = []
    for name in TEXT_LOGS:
        path = home / "logs" / name
        if not path.is_file():
            continue
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - MOST_TEXT_BYTES))
            found.append((name, file.read(MOST_TEXT_BYTES).decode("utf-8", "replace")))
    return tuple(found)


def _crashes(home: Path) -> tuple[tuple[str, Any], ...]:
    paths = sorted((home / CRASHES).glob("*.json"))[-MOST_CRASHES:]
    return tuple((it.name, _json(it)) for it in paths)


def _json(path: Path) -> Any:
    with path.open("rb") as file:
        text = file.read(MOST_TEXT_BYTES).decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        return {"unreadable": text}


def _metrics(looked: Looked) -> str:
    """Of the gateway that answered; where it listens is known, whatever the configuration says by now."""
    if looked.running.health is None:
        return ""
    connection = http.client.HTTPConnection("127.0.0.1", looked.running.port, timeout=METRICS_S)
    try:
        connection.request("GET", "/metrics")
        reply = connection.getresponse()
        text = reply.read(MOST_METRICS_BYTES).decode("utf-8", "replace")
    finally:
        connection.close()
    if reply.status != 200:
        code = reply.getheader("x-korproxy-error", "")
        raise KorProxyError(CATALOGUE.get(code, NOT_RUNNING), f"HTTP {reply.status}")
    return text


def _config_text(home: Path) -> str:
    path = home / CONFIG_NAME
    return path.read_text("utf-8-sig", "replace") if path.exists() else ""


def _system(environ: Mapping[str, str]) -> dict[str, Any]:
    bearing = ("KORPROXY_", "SSL_CERT_", "PYTHON", "MITMPROXY_")
    names = (it for it in environ if it.startswith(bearing) or it.lower().endswith("_proxy"))
    return {
        "korproxy": __version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "frozen": bool(getattr(sys, "frozen", False)),
        "utc_offset_s": time.localtime().tm_gmtoff,
        "libraries": {it: library_version(it) for it in LIBRARIES},
        "variables_set": sorted(names),
    }
