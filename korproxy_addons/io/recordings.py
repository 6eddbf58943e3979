"""
The recorded exchanges of one folder: a bounded ring of files, each whole or not there, the user's alone.

An exchange is `<id>.json` (`recording/record.py`) with `<id>.flow` beside it, which mitmproxy opens. The document is written
last, so that what a crash left behind is never taken for a recording. Ids sort by time: the first name is the oldest.
"""

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from korproxy_addons.errors.catalogue import RECORDING_UNKNOWN
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.private_file import make_private_folder
from korproxy_addons.recording.record import (
    Brief,
    Recording,
    UnreadableRecordingError,
    decode_brief,
    decode_recording,
)

FOLDER_NAME = "recordings"
_DOCUMENT, _FLOW, _ASIDE = ".json", ".flow", ".new"
_ID = re.compile(r"kp[0-9a-f]{28}")
# So many of an id's last digits will do.
_SHORTEST_END = 4
# What another process may just be writing is left alone for so long.
_ABANDONED_S = 600.0
_BINARY = getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Room:
    """How much may be kept: exchanges, and bytes of them."""

    exchanges: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """How much is: exchanges, and bytes of them."""

    exchanges: int
    bytes: int


class Recordings:
    """
    What `korproxy record` has kept. Everything here waits for the disk: the gateway calls it from a thread.

    Args:
        home: The KorProxy folder.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home / FOLDER_NAME
        self._sizes: dict[str, int] | None = None
        self._bytes = 0

    def save(self, recording_id: str, document: bytes, flow: bytes, room: Room) -> None:
        """
        Keep one more; the oldest go, so that no more is kept than there is room for.

        Args:
            recording_id: As `Entrance` makes them.
            document: As `encode_recording` writes it.
            flow: The same for mitmproxy.
            room: For all.
        Raises:
            OSError: It cannot be written; then there is nothing of it.
        """
        if self._sizes is None:
            self._look_around()
        assert self._sizes is not None
        try:
            self._put(recording_id + _FLOW, flow)
            self._put(recording_id + _DOCUMENT, document)
        except OSError:
            self._remove(recording_id)
            raise
        self._sizes[recording_id] = len(document) + len(flow)
        self._bytes += len(document) + len(flow)
        if len(self._sizes) > room.exchanges or self._bytes > room.bytes:
            # A person may have cleared it meanwhile, or a gateway beside this one have written.
            self._look_around()
            self._make_room(room)

    def all(self) -> list[Brief]:
        """Every recording there is, newest first; files that are none are passed over."""
        found: list[Brief] = []
        for path in sorted(self._documents(), reverse=True):
            with contextlib.suppress(OSError, UnreadableRecordingError):
                found.append(decode_brief(path.read_bytes()))
        return found

    def load(self, name: str) -> Recording:
        """
        One recording.

        Args:
            name: Its id, the last digits of it (four at least), or its request's correlation id: then the newest with that.
        Raises:
            KorProxyError: RECORDING_UNKNOWN.
        """
        recording_id = self.id_of(name)
        try:
            return decode_recording((self.folder / f"{recording_id}{_DOCUMENT}").read_bytes())
        except UnreadableRecordingError as error:
            raise KorProxyError(
                RECORDING_UNKNOWN, f"{name}: its file cannot be read ({error})"
            ) from None
        except OSError as error:
            detail = f"{name}: {error.strerror or type(error).__name__}"
            raise KorProxyError(RECORDING_UNKNOWN, detail) from None

    def load_all(self, ids: Iterable[str]) -> Iterator[Recording]:
        """Of these ids the recordings that are there still: while a gateway records, the oldest go."""
        for recording_id in ids:
            with contextlib.suppress(KorProxyError):
                yield self.load(recording_id)

    def ids(self) -> list[str]:
        """Of all recordings there are, newest first."""
        return sorted((path.stem for path in self._documents()), reverse=True)

    def id_of(self, name: str) -> str:
        """
        The id of the recording that a person means.

        Raises:
            KorProxyError: RECORDING_UNKNOWN.
        """
        ids = self.ids()
        if name in ids:
            return name
        if len(name) >= _SHORTEST_END:
            ends = [it for it in ids if it.endswith(name)]
            if len(ends) == 1:
                return ends[0]
        for brief in self.all():
            if brief.request_id == name:
                return brief.id
        raise KorProxyError(RECORDING_UNKNOWN, name)

    def flow_path(self, recording_id: str) -> Path:
        """Where the same exchange lies for mitmproxy; it may be gone."""
        return self.folder / f"{recording_id}{_FLOW}"

    def flow(self, recording_id: str) -> bytes:
        """The same exchange for mitmproxy; empty if that is gone."""
        try:
            return self.flow_path(recording_id).read_bytes()
        except OSError:
            return b""

    def kept(self) -> Kept:
        """How much there is."""
        sizes = self._measured()
        return Kept(len(sizes), sum(sizes.values()))

    def clear(self) -> int:
        """Remove all of it; how many there were."""
        ids = {path.stem for path in self._documents()}
        for path in self._files():
            with contextlib.suppress(OSError):
                path.unlink()
        self._sizes = None
        return len(ids)

    def _put(self, name: str, data: bytes) -> None:
        aside = self.folder / f".{name}.{os.getpid()}{_ASIDE}"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | _BINARY
            with os.fdopen(os.open(aside, flags, 0o600), "wb") as file:
                file.write(data)
            aside.replace(self.folder / name)
        except BaseException:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise

    def _look_around(self) -> None:
        """Know again what there is; what a crash left is cleared away."""
        make_private_folder(self.folder)
        self._sizes = self._measured()
        self._bytes = sum(self._sizes.values())
        before = time.time() - _ABANDONED_S
        for path in self._files():
            is_whole = path.stem in self._sizes and path.suffix in (_DOCUMENT, _FLOW)
            with contextlib.suppress(OSError):
                if not is_whole and path.stat().st_mtime < before:
                    path.unlink()

    def _make_room(self, room: Room) -> None:
        assert self._sizes is not None
        for recording_id in sorted(self._sizes):
            if len(self._sizes) <= room.exchanges and self._bytes <= room.bytes:
                return
            self._bytes -= self._sizes.pop(recording_id)
            self._remove(recording_id)

    def _remove(self, recording_id: str) -> None:
        # The document first: what is left of half a removal is no recording.
        for suffix in (_DOCUMENT, _FLOW):
            with contextlib.suppress(OSError):
                (self.folder / f"{recording_id}{suffix}").unlink()

    def _measured(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for path in self._documents():
            size = 0
            for one in (path, path.with_suffix(_FLOW)):
                with contextlib.suppress(OSError):
                    size += one.stat().st_size
            sizes[path.stem] = size
        return sizes

    def _documents(self) -> Iterator[Path]:
        return (it for it in self._files() if it.suffix == _DOCUMENT and _ID.fullmatch(it.stem))

    def _files(self) -> list[Path]:
        try:
            return [it for it in self.folder.iterdir() if it.is_file()]
        except OSError:
            return []
