"""The profile that a path names: `/p/<profile>/v1/messages` is `/v1/messages` in that profile."""

from urllib.parse import unquote

PREFIX = "/p/"


def split_profile(path: str) -> tuple[str, str]:
    """
    The profile that a path names, and the path without it.

    Args:
        path: Path without query, percent-encoding as sent.
    Returns:
        (Id or name of the profile, decoded; the rest, which begins with a slash). ("", path) where none is named.
    """
    if not path.startswith(PREFIX):
        return "", path
    name, slash, rest = path[len(PREFIX) :].partition("/")
    name = unquote(name)
    if not name.strip():
        return "", path
    return name, f"{slash or '/'}{rest}"
