"""Puts a text on the clipboard, by whatever program the system has for it."""

import shutil
import subprocess
import sys
from collections.abc import Callable

PROGRAMS: tuple[tuple[str, ...], ...] = (
    ("pbcopy",),
    ("clip.exe",),
    ("wl-copy",),
    ("xclip", "-selection", "clipboard"),
    ("xsel", "--clipboard", "--input"),
)
TIMEOUT_S = 5.0


def copy(text: str, which: Callable[[str], str | None] = shutil.which) -> bool:
    """Whether `text` is on the clipboard now."""
    if sys.platform == "linux" and _copy_by_gtk(text):
        return True
    for program in PROGRAMS:
        if which(program[0]) is not None:
            try:
                subprocess.run(
                    program,
                    input=text.encode(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    check=True,
                    timeout=TIMEOUT_S,
                )
            except (OSError, subprocess.SubprocessError):
                continue
            return True
    return False


def _copy_by_gtk(text: str) -> bool:
    """The tray runs GTK's main loop already, so GTK can hold the clipboard."""
    gtk = sys.modules.get("gi.repository.Gtk")
    gdk = sys.modules.get("gi.repository.Gdk")
    if gtk is None or gdk is None:
        return False
    clipboard = gtk.Clipboard.get(gdk.SELECTION_CLIPBOARD)
    clipboard.set_text(text, -1)
    clipboard.store()
    return True
