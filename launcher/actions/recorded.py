"""What was recorded: the list, one exchange, out into a file, away; and whether the gateway does as the switch says."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec import json

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors.catalogue import RECORDING_UNKNOWN
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.recordings import Kept, Recordings
from korproxy_addons.recording.har import har_of
from korproxy_addons.recording.record import Brief, Recording
from launcher.actions.recording import RecordState
from launcher.actions.self_test_ports import find_running
from launcher.actions.steps import OnStep, Steps, tell_nobody

TAKEN_UP_S = 6.0
_LOOK_S = 0.1
_BINARY = getattr(os, "O_BINARY", 0)


def taken_up(home: Path, state: RecordState, patience_s: float = TAKEN_UP_S) -> bool | None:
    """
    Whether the folder's gateway does as the switch says; None: none runs.

    It looks at the switch itself, twice in a second; it is waited for so long.
    """
    try:
        config = ConfigStore(home).load()
    except ConfigProblems:
        config = Config()
    deadline = time.monotonic() + patience_s
    while True:
        health = find_running(home, config).health
        if health is None:
            return None
        said = health.recording
        if (None if said is None else said.until_at) == state.until_at:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_S)


def recorded(home: Path, most: int | None = None) -> list[Brief]:
    """What there is, newest first; the newest so many, or all."""
    return Recordings(home).all()[:most]


def recording_named(home: Path, name: str | None) -> Recording:
    """
    One recording.

    Args:
        home: The KorProxy folder.
        name: Its id, the last digits of it, or its request's correlation id; None: the newest.
    Raises:
        KorProxyError: RECORDING_UNKNOWN.
    """
    recordings = Recordings(home)
    if name is None:
        ids = recordings.ids()
        if not ids:
            raise KorProxyError(RECORDING_UNKNOWN, "nothing has been recorded")
        name = ids[0]
    return recordings.load(name)


def clear_recordings(home: Path) -> int:
    """Delete all that was recorded; how many exchanges that were."""
    return Recordings(home).clear()


def kept_recordings(home: Path) -> Kept:
    """How much there is."""
    return Recordings(home).kept()


@dataclass(frozen=True, slots=True)
class Exported:
    """
    What was written.

    Attributes:
        file: Where.
        kind: "flows" or "har".
        exchanges: How many are in it.
    """

    file: Path
    kind: str
    exchanges: int


def export_recordings(
    home: Path,
    names: Sequence[str],
    *,
    flows: Path | None = None,
    har: Path | None = None,
    on_step: OnStep = tell_nobody,
) -> tuple[Exported, ...]:
    """
    Write recordings for other programs, oldest first; none holds a secret.

    Args:
        home: The KorProxy folder.
        names: As for `recording_named`; none: all there is.
        flows: File for mitmproxy and mitmweb; None: none.
        har: HTTP archive, for a browser's developer tools; None: none.
        on_step: Is told of each recording that is read, once for each file.
    Raises:
        KorProxyError: RECORDING_UNKNOWN.
        OSError: A file cannot be written.
    """
    recordings = Recordings(home)
    ids = sorted({recordings.id_of(it) for it in names} if names else recordings.ids())
    if not ids:
        raise KorProxyError(RECORDING_UNKNOWN, "nothing has been recorded")
    steps = Steps(on_step, len(ids) * sum(it is not None for it in (flows, har)))
    written: list[Exported] = []
    if flows is not None:
        # One flow behind the other is what such a file is.
        steps.at("flows")
        parts = [part for part in steps.each(map(recordings.flow, ids)) if part]
        _write(flows, b"".join(parts))
        written.append(Exported(flows, "flows", len(parts)))
    if har is not None:
        steps.at("archive")
        load = map(recordings.load, ids) if names else recordings.load_all(ids)
        found = list(steps.each(load))
        _write(har, json.encode(har_of(found)))
        written.append(Exported(har, "har", len(found)))
    return tuple(written)


def _write(file: Path, data: bytes) -> None:
    """The user's alone: a conversation may be in it."""
    with os.fdopen(
        os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o600), "wb"
    ) as out:
        out.write(data)
