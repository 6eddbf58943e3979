"""What the tray needs of a system; whatever replaces pystray one day fulfils this."""

from collections.abc import Callable
from typing import Protocol

from PIL.Image import Image

from launcher.tray.menu import Item


class TrayPort(Protocol):
    """An icon with a menu. All but `run` may be called from any thread."""

    def show(self, image: Image | None, tooltip: str, menu: tuple[Item, ...] | None) -> None:
        """Show these from now on; None leaves what is there."""

    def notify(self, title: str, text: str) -> None:
        """Tell the person something, where the system can."""

    def run(self, on_ready: Callable[[], None]) -> None:
        """Show the icon until `stop`; blocks the main thread."""

    def stop(self) -> None:
        """End `run`."""
