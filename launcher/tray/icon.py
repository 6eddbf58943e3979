"""The one file that knows pystray."""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL.Image import Image

from launcher.tray.mac import mac_parts
from launcher.tray.menu import Item

log = logging.getLogger("korproxy.tray")

NAME = "korproxy"


class NoTrayError(Exception):
    """This session has no tray; the text says why."""


class PystrayIcon:
    """
    `TrayPort` by pystray.

    Args:
        on_choice: Called with the item that was chosen, in pystray's thread.
        private: Folder of 0700 for the icon files; pystray writes them under guessable names.
    Raises:
        NoTrayError: there is no display, no library, or nothing that would show the icon.
    """

    def __init__(self, on_choice: Callable[[Item], None], private: Path) -> None:
        self._on_choice = on_choice
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.tempdir = str(private)
        if sys.platform == "linux":
            # The XEmbed backend shows no menu and hears no click.
            os.environ.setdefault("PYSTRAY_BACKEND", "appindicator")
        try:
            import pystray  # noqa: PLC0415 - what it loads may not be there at all
        except Exception as error:
            raise NoTrayError(f"{type(error).__name__}: {error}") from error
        self._pystray: Any = pystray
        self._icon_class: Any = pystray.Icon
        self._later: Callable[[Callable[[], None]], None] = _at_once
        if sys.platform == "darwin":
            self._icon_class, self._later = mac_parts(pystray.Icon)
        self._icon: Any = None
        self._shown: tuple[Image | None, str, tuple[Item, ...]] = (None, "KorProxy", ())

    def show(self, image: Image | None, tooltip: str, menu: tuple[Item, ...] | None) -> None:
        """Show these from now on; see `TrayPort`."""
        before_image, before_tooltip, before_menu = self._shown
        self._shown = (image or before_image, tooltip, before_menu if menu is None else menu)
        if self._icon is not None:
            new_tooltip = tooltip if tooltip != before_tooltip else None
            self._later(lambda: self._change(image, new_tooltip, menu))

    def _change(
        self, image: Image | None, tooltip: str | None, menu: tuple[Item, ...] | None
    ) -> None:
        if image is not None:
            self._icon.icon = image
        if tooltip is not None:
            self._icon.title = tooltip
        if menu is not None:
            self._icon.menu = self._menu(menu)
            self._icon.update_menu()

    def notify(self, title: str, text: str) -> None:
        """Tell the person something; a session without notifications is no error."""
        if self._icon is not None:
            with contextlib.suppress(Exception):
                self._icon.notify(text, title)

    def run(self, on_ready: Callable[[], None]) -> None:
        """Show the icon until `stop`."""
        image, tooltip, menu = self._shown
        self._icon = self._icon_class(NAME, image, tooltip, self._menu(menu))

        def begin(_icon: Any) -> None:
            self._later(self._appear)
            on_ready()

        try:
            self._icon.run(setup=begin)
        except Exception as error:
            log.debug("the tray ended", exc_info=error)

    def _appear(self) -> None:
        self._icon.visible = True

    def stop(self) -> None:
        """End `run`."""
        if self._icon is not None:
            self._later(self._icon.stop)

    def _menu(self, items: tuple[Item, ...]) -> Any:
        return self._pystray.Menu(*map(self._item, items))

    def _item(self, item: Item) -> Any:
        if not item.label:
            return self._pystray.Menu.SEPARATOR
        if item.items:
            return self._pystray.MenuItem(item.label, self._menu(item.items))
        checked = None if item.checked is None else (lambda _entry, mark=item.checked: mark)
        return self._pystray.MenuItem(
            item.label,
            lambda *_: self._on_choice(item),
            checked=checked,
            radio=item.radio,
            default=item.default,
            enabled=item.enabled,
        )


def _at_once(call: Callable[[], None]) -> None:
    call()
