"""Windsurf."""

from korproxy_addons.presets.base import Preset, SettingsFile

WINDSURF = Preset(
    id="windsurf",
    name="Windsurf",
    programs=("windsurf",),
    traces=(
        SettingsFile("~/.codeium/windsurf"),
        SettingsFile(
            "{XDG_CONFIG_HOME|~/.config}/Windsurf",
            macos="~/Library/Application Support/Windsurf",
            windows="{APPDATA|~\\AppData\\Roaming}\\Windsurf",
        ),
    ),
    by_hand=(
        "Use an extension inside it that calls from this machine, such as Cline or Continue.",
    ),
    out_of_reach="it documents no setting for an address of your own, and its requests run through its servers",
)
