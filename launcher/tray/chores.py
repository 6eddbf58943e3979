"""What some items of the menu do, away from the icon's thread; each comes back with what the person is told."""

import time
from pathlib import Path

from launcher.tray.news import News
from launcher.updates import UpdateState, check_for_updates

_TITLES = {
    UpdateState.AVAILABLE: "A newer KorProxy is out",
    UpdateState.CURRENT: "KorProxy is up to date",
    UpdateState.NO_FEED: "There is no release feed",
}


def look_for_updates(home: Path) -> News:
    """
    Ask the release feed.

    Raises:
        ConfigProblems, KorProxyError: as `check_for_updates`.
    """
    found = check_for_updates(home)
    return News(_TITLES[found.state], found.words)


def export_bundle(home: Path, folder: Path) -> News:
    """
    Write a debug bundle, everything in it redacted; it takes some seconds, and nobody is sent anything.

    Args:
        home: The KorProxy folder.
        folder: Where the bundle goes.
    Raises:
        KorProxyError: It cannot be written.
    """
    # All of the self-test comes with it: it is loaded where it is asked for.
    from launcher.actions.bundle import (  # noqa: PLC0415
        default_path,
        draft_bundle,
        write_bundle,
    )

    path = write_bundle(draft_bundle(home), default_path(folder, time.time()))
    text = f"{path}. Nothing was sent: look through it, then share it yourself."
    return News("Debug bundle written", text)


def bundle_folder(person: Path) -> Path:
    """Where a person (by their home folder) looks for what was saved: Downloads, if there is one."""
    downloads = person / "Downloads"
    return downloads if downloads.is_dir() else person
