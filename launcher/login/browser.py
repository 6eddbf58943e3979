"""Opening a page in the person's browser, where there is one on this screen."""

import os
import subprocess
import sys
import webbrowser
from collections.abc import Mapping

_REMOTE = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")


def has_browser(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """
    Whether a browser can be opened that the person sees.

    Over SSH there is none, whatever the system says; on Linux one needs a screen. `BROWSER` says there is one.
    """
    if environ.get("BROWSER"):
        return True
    if any(environ.get(name) for name in _REMOTE):
        return False
    return platform in {"darwin", "win32"} or any(environ.get(name) for name in _SCREENS)


def open_browser(url: str) -> bool:
    """Open a page; whether it could be done. Blocks for as long as the system's opener does."""
    if not has_browser():
        return False
    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError, subprocess.SubprocessError):
        return False
