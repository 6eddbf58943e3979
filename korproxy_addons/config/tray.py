"""Settings of the icon in the tray."""

from typing import Literal

from korproxy_addons.config.fields import Settings


class TraySettings(Settings):
    """The icon in the tray; read when it starts."""

    bar: Literal["auto", "light", "dark"] = "auto"
    """What the icon stands on. auto: as Windows or KDE say; elsewhere dark, as most bars of Linux are. macOS colours it itself."""
