"""Cursor."""

from korproxy_addons.presets.base import Preset, SettingsFile

CURSOR = Preset(
    id="cursor",
    name="Cursor",
    programs=("cursor",),
    traces=(
        SettingsFile(
            "{XDG_CONFIG_HOME|~/.config}/Cursor",
            macos="~/Library/Application Support/Cursor",
            windows="{APPDATA|~\\AppData\\Roaming}\\Cursor",
        ),
    ),
    by_hand=(
        "Use an extension inside it that calls from this machine, such as Cline or Continue.",
        "Or put an HTTPS tunnel of your own before KorProxy, and name its address under Settings > Models.",
        "Anybody can reach a tunnel: set local_keys.required first.",
    ),
    out_of_reach="its requests are made by Cursor's servers, which refuse addresses on your own machine",
)
