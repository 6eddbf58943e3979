"""What the icon stands on: a light bar, a dark one, or one that colours icons itself."""

import configparser
import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.store import ConfigStore
from launcher.tray.art import Bar

_THEMES = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
_MIDDLE = 128.0


def bar_of(home: Path) -> Bar:
    """What the settings of a folder say, else what this system is found to have."""
    if sys.platform == "darwin":
        return "template"
    with contextlib.suppress(ConfigProblems):
        said = ConfigStore(home).load().tray.bar
        if said != "auto":
            return said
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - Windows alone has it

        return windows_bar(winreg)
    return linux_bar(os.environ)


def windows_bar(registry: Any) -> Bar:
    """The task bar's; a Windows that knows no themes has a dark one."""
    try:
        with registry.OpenKey(registry.HKEY_CURRENT_USER, _THEMES) as key:
            light, _ = registry.QueryValueEx(key, "SystemUsesLightTheme")
    except OSError:
        return "dark"
    return "light" if light else "dark"


def linux_bar(environ: Mapping[str, str]) -> Bar:
    """KDE's panel has the colour of its windows, which is light unless one chooses otherwise; other bars are mostly dark."""
    if "KDE" not in environ.get("XDG_CURRENT_DESKTOP", "").split(":"):
        return "dark"
    folder = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(folder / "kdeglobals", "utf-8")
        color = parser.get("Colors:Window", "BackgroundNormal", fallback="255,255,255")
        channels = [int(it) for it in color.split(",")]
    except (configparser.Error, ValueError):
        return "light"
    return "light" if sum(channels) / len(channels) >= _MIDDLE else "dark"
