"""requirements.lock fits pyproject.toml, and names no place that packages come from."""

import re
import tomllib

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.sources import text

LOCK = text("requirements.lock")
ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+==[^\\\n]+?)\s*\\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)+)", re.MULTILINE
)
PROJECT = tomllib.loads(text("pyproject.toml"))["project"]
REQUIRED = [
    Requirement(line)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in group
]
ENVIRONMENTS = [
    {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": platform}
    for python in ("3.12", "3.13", "3.14")
    for platform in ("linux", "darwin", "win32")
]


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda each: "-".join(each.values()))
def test_whatever_is_required_is_locked_at_one_version_that_suits(
    environment: dict[str, str],
) -> None:
    """... on every system and Python that we claim."""
    here = {name: str(value) for name, value in default_environment().items()} | environment
    locked: dict[str, list[str]] = {}
    for line, _hashes in ENTRY.findall(LOCK):
        entry = Requirement(line)
        if entry.marker is None or entry.marker.evaluate(here):
            locked.setdefault(canonicalize_name(entry.name), []).append(str(entry.specifier)[2:])
    assert [name for name, found in locked.items() if len(found) != 1] == []
    for required in REQUIRED:
        if required.marker is None or required.marker.evaluate(here):
            (version,) = locked[canonicalize_name(required.name)]
            assert required.specifier.contains(version, prereleases=True), required


def test_every_entry_is_checked_by_hash() -> None:
    assert len(ENTRY.findall(LOCK)) == len(re.findall(r"^[A-Za-z0-9]", LOCK, re.MULTILINE))


def test_no_index_is_named() -> None:
    assert re.findall(r"https?:|file:|--index|--extra-index|--find-links|--trusted", LOCK) == []
