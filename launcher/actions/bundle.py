"""
The debug bundle: gathered, cleaned, shown to its owner, and written to a file of theirs. Nothing of it is ever sent anywhere.

    draft = draft_bundle(home)
    for part in draft.parts: ...          # what would go in, cleaned already
    write_bundle(draft, default_path(Path.cwd(), draft.at))
"""

import getpass
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import json

from korproxy_addons import __version__
from korproxy_addons.errors.catalogue import BUNDLE_NOT_WRITTEN
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.private_file import replace_private
from korproxy_addons.io.recordings import Recordings
from korproxy_addons.io.vault_keyring import OsKeyring
from korproxy_addons.io.vault_keys import Ask, SystemKeys, ask_nobody
from korproxy_addons.recording.bundle import SUMMARY, Part, json_part, sealed
from korproxy_addons.recording.har import har_of
from launcher.actions.bundle_cleaning import Cleaner, cleaner_of
from launcher.actions.bundle_facts import GATHERED, Facts, gather
from launcher.actions.bundle_findings import findings
from launcher.actions.bundle_parts import name_facts, parts_of
from launcher.actions.bundle_summary import summary_text
from launcher.actions.checks import Check
from launcher.actions.self_test import CHECKS, Looked, self_test
from launcher.actions.self_test_vault import PATIENCE_S, AskOnce
from launcher.actions.steps import OnStep, Step, part_of, tell_nobody

ALL = "all"
STEPS = CHECKS + GATHERED + 2
"""The self-test's, what is gathered, the recordings, the cleaning."""
_FLOW_WHY = "one recorded request, for mitmproxy; names in it are as they are"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleOptions:
    """
    What a bundle is made of.

    Attributes:
        offline: Ask nobody outside this machine.
        recordings: Recordings to add, by id or correlation id; `all`: every one there is. None by default: they hold what
            was said.
        environ: Environment variables; None: the process's own.
        ask: Asks a person for the vault's passphrase, where it has one.
    """

    offline: bool = False
    recordings: tuple[str, ...] = ()
    environ: Mapping[str, str] | None = None
    ask: Ask = ask_nobody


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A bundle that is not written yet.

    Attributes:
        at: Unix seconds of the moment that it describes; the same draft gives the same file.
        parts: Every part but summary and manifest, cleaned.
        findings: What looks wrong, with the owner's own names, for the owner's own terminal.
        names: Each pseudonym with what it stands for; not in the bundle.
        facts: What it was made of.
        cleaner: What cleaned it.
    """

    at: float
    parts: tuple[Part, ...]
    findings: tuple[Check, ...]
    names: tuple[tuple[str, str], ...]
    facts: Facts
    cleaner: Cleaner

    def kept(self, without: Iterable[str] = ()) -> tuple[Part, ...]:
        """The parts that go in, with the summary, which knows of no other."""
        left_out = set(without)
        parts = tuple(it for it in self.parts if it.name not in left_out)
        return (self.summary(parts), *parts)

    def summary(self, parts: Iterable[Part] | None = None) -> Part:
        """`SUMMARY.md`."""
        vault_open = self.facts.looked.vault.state != "failed"
        shown = self.parts if parts is None else parts
        text = self.cleaner.text(summary_text(self.facts, shown, vault_open=vault_open))
        content = self.cleaner.redactor.without_known(text.encode())
        return Part(SUMMARY, "what looks wrong, and what to do: read this first", content)

    def sealed(self, without: Iterable[str] = ()) -> bytes:
        """The whole file's bytes."""
        left_out = tuple(without)
        about = {
            "korproxy": __version__,
            "made_at": datetime.fromtimestamp(self.at, UTC).isoformat(timespec="seconds"),
            "vault": self.facts.looked.vault.state,
            "lacking": [self.cleaner.text(it) for it in self.facts.lacking],
        }
        return sealed(self.kept(left_out), self.at, about, left_out)


type Look = Callable[[], Looked]


def draft_bundle(
    home: Path,
    options: BundleOptions = BundleOptions(),
    *,
    clock: Callable[[], float] = time.time,
    look: Look | None = None,
    on_step: OnStep = tell_nobody,
) -> Draft:
    """
    Gather and clean everything; takes up to fifteen seconds, and gets through whatever state the folder is in.

    Args:
        home: The KorProxy folder.
        options: What it is made of.
        clock: Unix seconds; asked once.
        look: Runs the self-test.
        on_step: Is told of each check and each thing that is gathered.
    Raises:
        KorProxyError: RECORDING_UNKNOWN, for a recording that was named.
    """
    environ = os.environ if options.environ is None else options.environ
    at = clock()
    ask = AskOnce(options.ask)
    look = look or partial(
        self_test,
        home,
        offline=options.offline,
        environ=environ,
        clock=clock,
        ask=ask,
        on_step=part_of(on_step, 0, STEPS),
    )
    looked = look()
    facts = gather(home, looked, at, environ, part_of(on_step, CHECKS, STEPS))
    on_step(Step(STEPS - 2, STEPS, "recordings" if options.recordings else "secrets"))
    # One that did not open just now is not waited for again.
    opens = looked.vault.state != "failed"
    keys = SystemKeys(OsKeyring(patience_s=PATIENCE_S), environ, ask) if opens else None
    cleaner = cleaner_of(home, looked.config, keys, environ, _names())
    name_facts(facts, cleaner)
    recorded = tuple(_recorded(home, options.recordings, cleaner))
    if options.recordings and not recorded:
        facts = replace(facts, lacking=(*facts.lacking, "recordings: there is none"))
    on_step(Step(STEPS - 1, STEPS, "cleaning"))
    parts = (*parts_of(facts, cleaner), *recorded)
    return Draft(at, parts, findings(facts), cleaner.pseudonyms.table(), facts, cleaner)


def write_bundle(draft: Draft, path: Path, without: Iterable[str] = ()) -> Path:
    """
    Write it, whole or not at all, for its owner's eyes alone.

    Args:
        draft: What goes in.
        path: The file; one that is there is replaced.
        without: Names of parts to leave out.
    Returns:
        Where it lies.
    Raises:
        KorProxyError: BUNDLE_NOT_WRITTEN.
    """
    try:
        replace_private(path, draft.sealed(without), keeps_backup=False)
    except OSError as error:
        detail = f"{path}: {error.strerror or type(error).__name__}"
        raise KorProxyError(BUNDLE_NOT_WRITTEN, detail) from error
    return path


def default_path(folder: Path, at: float) -> Path:
    """A name that says when, in UTC."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%d-%H%M%S")
    return folder / f"korproxy-bundle-{stamp}.zip"


def _recorded(home: Path, wanted: tuple[str, ...], cleaner: Cleaner) -> Iterator[Part]:
    """What was recorded of the requests that the owner names: an archive for browsers, and mitmproxy's own files."""
    if not wanted:
        return
    kept = Recordings(home)
    if ALL in wanted:
        recordings = list(kept.load_all(it.id for it in kept.all()))
    else:
        recordings = [kept.load(it) for it in dict.fromkeys(map(kept.id_of, wanted))]
    if not recordings:
        return
    archive: Any = cleaner.pseudonyms.value(har_of(recordings, cleaner.redactor))
    part = json_part(
        "flows/recordings.har", f"{len(recordings)} recorded requests, for browsers", archive
    )
    yield replace(part, content=cleaner.redactor.without_known(part.content), private=True)
    for recording in recordings:
        yield from _flow(kept, recording.id, cleaner)


def _flow(kept: Recordings, recording_id: str, cleaner: Cleaner) -> Iterator[Part]:
    try:
        data = kept.flow_path(recording_id).read_bytes()
    except OSError:
        return
    if cleaner.redactor.without_known(data) != data:
        # Its lengths are counted: nothing can be taken out of it any more.
        note = json.encode("left out: it holds what has become a secret since it was recorded")
        yield Part(f"flows/{recording_id}.flow.txt", "why one recording is not here", note)
        return
    yield Part(f"flows/{recording_id}.flow", _FLOW_WHY, data, private=True)


def _names() -> dict[str, tuple[str, ...]]:
    """The user's name and the machine's."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # an id without a name, as in some containers
        user = ""
    node = platform.node()
    return {"person": (user,), "machine": (node, node.partition(".")[0])}
