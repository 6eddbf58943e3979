"""
Which project's folder a request comes from, and what that says of its profile; pure.

A file `.korproxy` in a project may name a profile and nothing else. It comes with a cloned repository, so it is
somebody else's word: it can choose among what the user has set up, and cannot say where anything is sent.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from korproxy_addons.routing.globs import matcher

FILE_NAME = ".korproxy"
FILE_LIMIT_BYTES = 1024

_NAMES_PROFILE = re.compile(
    r"profile[ \t]*:[ \t]*(?P<quote>[\"']?)(?P<name>[^\"'#\r\n]{1,100}?)(?P=quote)"
)


def profile_named_in(content: bytes) -> str | None:
    """
    The id or name of a profile that a `.korproxy` file names.

    Args:
        content: The file's bytes.
    Returns:
        The word as it stands there; None if the file says anything but that one thing.
    """
    if len(content) > FILE_LIMIT_BYTES:
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    lines = [line.partition(" #")[0].strip() for line in text.splitlines()]
    said = [line for line in lines if line and not line.startswith("#")]
    if len(said) != 1:
        return None
    found = _NAMES_PROFILE.fullmatch(said[0])
    return found["name"].strip() or None if found else None


def folder_matcher(patterns: Iterable[str], home: str) -> Callable[[str], bool]:
    """
    A test whether a project's folder is one of those the patterns mean, or lies below one.

    Args:
        patterns: Folders, with `~` for the home folder, and `*` and `?` as wild cards.
        home: Path of the user's home folder.
    Returns:
        A test of a folder's path. "", which is no known project, fits nothing.
    """
    whole = []
    for pattern in patterns:
        plain = _normal(pattern)
        if plain == "~" or plain.startswith("~/"):
            plain = _normal(home) + plain[1:]
        whole += [plain, f"{plain.rstrip('/')}/*"]
    fits = matcher(whole)
    return lambda folder: bool(folder) and fits(_normal(folder))


@lru_cache(maxsize=64)
def _normal(path: str) -> str:
    """One way to write a path: forward slashes, none at the end."""
    path = path.replace("\\", "/")
    return path.rstrip("/") or "/"
