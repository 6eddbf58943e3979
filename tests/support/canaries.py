"""Looking for texts that should be nowhere, in whatever spelling, in everything that was left behind."""

import base64
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote


def spellings(text: str) -> frozenset[bytes]:
    """A text as it is, as JSON, a URL and base64 spell it, wherever in a base64 it begins."""
    data = text.encode()
    found = {
        data,
        quote(text, safe="").encode(),
        json.dumps(text)[1:-1].encode(),
        data.hex().encode(),
    }
    for lead in range(3):
        # What stands before and behind it changes the characters at both ends.
        inner = base64.b64encode(bytes(lead) + data)[4 if lead else 0 :].rstrip(b"=")
        inner = inner[: len(inner) - (len(data) + lead) % 3 - 1]
        found |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return frozenset(found)


@dataclass
class Places:
    """
    Everything that was left behind.

    Attributes:
        texts: Name of a place to what was found there.
    """

    texts: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, text: str | bytes) -> None:
        """A place that is no file: what a command printed, what a page showed."""
        self.texts[name] = text if isinstance(text, bytes) else text.encode("utf-8", "replace")

    def add_folder(self, folder: Path, without: Iterable[Path] = ()) -> None:
        """Every file below a folder, and every file in those that are archives."""
        left_out = frozenset(without)
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path not in left_out:
                name = path.relative_to(folder).as_posix()
                for inner, data in _opened(name, path.read_bytes()):
                    self.texts[inner] = data

    def add_process(self, name: str, pid: int) -> None:
        """What others see of a process: its arguments (Linux shows them)."""
        file = Path("/proc") / str(pid) / "cmdline"
        if file.exists():
            self.texts[f"argv of {name}"] = file.read_bytes()

    def finds(self, canaries: Iterable[str], without: Iterable[str] = ()) -> list[tuple[str, str]]:
        """
        Place and canary of each find.

        Args:
            canaries: What is looked for.
            without: Beginnings of the names of places that may hold them.
        """
        beginnings = tuple(without)
        return sorted(
            (name, canary)
            for canary in canaries
            for name, data in self.texts.items()
            if not (beginnings and name.startswith(beginnings))
            and any(it in data for it in spellings(canary))
        )


def _opened(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    yield name, data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for inner in archive.namelist():
                yield from _opened(f"{name}/{inner}", archive.read(inner))
