"""
The debug bundle's file: parts, a list of them with their sums, and the same bytes for the same parts at the same time.

What goes in is made elsewhere and has no secret in it any more.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from msgspec import json

SUMMARY = "SUMMARY.md"
MANIFEST = "manifest.json"
FORMAT = 1
"""Version of the manifest."""
_FIRST_YEAR = 1980
_LAST_YEAR = 2107
"""A zip knows no other years."""


@dataclass(frozen=True, slots=True)
class Part:
    """
    One file of a bundle.

    Attributes:
        name: Its path in the bundle, with `/`.
        why: What it is good for, in one line.
        content: Its bytes.
        private: It holds what somebody said to a model, because its owner chose it; nothing else does.
    """

    name: str
    why: str
    content: bytes
    private: bool = False

    @property
    def sha256(self) -> str:
        """Of its content, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


def json_part(name: str, why: str, value: Any) -> Part:
    """A part that is one JSON document, indented for people."""
    return Part(name, why, json.format(json.encode(value), indent=2) + b"\n")


def lines_part(name: str, why: str, values: Iterable[Any]) -> Part:
    """A part with one JSON document on each line."""
    return Part(name, why, b"".join(json.encode(it) + b"\n" for it in values))


def manifest(parts: Iterable[Part], about: Mapping[str, Any], left_out: Iterable[str]) -> Part:
    """
    The list of all parts but itself.

    Args:
        parts: All others.
        about: What is to be said of the whole, such as version and time.
        left_out: Names of parts that the bundle's owner took out.
    """
    value = {
        "format": FORMAT,
        **about,
        "left_out_by_owner": sorted(left_out),
        "files": [
            {
                "name": it.name,
                "why": it.why,
                "bytes": len(it.content),
                "sha256": it.sha256,
                "holds_conversations": it.private,
            }
            for it in parts
        ],
    }
    return json_part(MANIFEST, "this list", value)


def sealed(
    parts: Iterable[Part], made_at: float, about: Mapping[str, Any], left_out: Iterable[str] = ()
) -> bytes:
    """
    A zip with the summary first, the manifest second, and the others in order of their names.

    Args:
        parts: All but the manifest.
        made_at: Unix seconds; every file in it is given this time.
        about: As for `manifest`.
        left_out: As for `manifest`.
    Raises:
        ValueError: Two parts have the same name.
    """
    ordered = sorted(parts, key=lambda it: (it.name != SUMMARY, it.name))
    if len({it.name for it in ordered}) < len(ordered):
        raise ValueError("two parts with one name")
    listed = manifest(ordered, about, left_out)
    first = 1 if ordered and ordered[0].name == SUMMARY else 0
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for part in (*ordered[:first], listed, *ordered[first:]):
            info = zipfile.ZipInfo(part.name, _date(made_at))
            info.compress_type = zipfile.ZIP_DEFLATED
            # The same on every system: made by Unix, its owner's alone.
            info.create_system = 3
            info.external_attr = 0o100600 << 16
            archive.writestr(info, part.content)
    return data.getvalue()


def _date(at: float) -> tuple[int, int, int, int, int, int]:
    moment = datetime.fromtimestamp(at, UTC)
    year = min(max(moment.year, _FIRST_YEAR), _LAST_YEAR)
    return (year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
