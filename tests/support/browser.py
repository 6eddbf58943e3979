"""A real Chromium, headless, opening pages of its own accord: what a hostile web page can do from the user's machine."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from support.needs import needs_program

NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
    "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps",
    "--disable-popup-blocking", "--no-proxy-server", "--password-store=basic", "--mute-audio",
)  # fmt: skip


def needs_browser() -> Path:
    """Chromium's program."""
    return needs_program(NAMES, "python3 packaging/dev.py --with-system tools")


@contextmanager
def browsing(url: str, names: Mapping[str, str]) -> Iterator[None]:
    """
    Chromium on `url` until the context ends.

    Args:
        names: Host names that stand for addresses; every other name is unknown.
    """
    program = needs_browser()
    rules = [f"MAP {name} {address}" for name, address in names.items()]
    rules += ["MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1", "EXCLUDE localhost"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = [f"--user-data-dir={profile}", f"--host-resolver-rules={', '.join(rules)}"]
        process = subprocess.Popen(
            [str(program), *_QUIET, *options, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # its many processes end together
        )
        try:
            yield
        finally:
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait()
