"""Cline: its command line, and the extension for VS Code."""

from korproxy_addons.presets.base import Conflict, Form, Preset, Role, SettingsFile, entry
from korproxy_addons.presets.opencode import NEEDS, SAMPLE, VITAL

USER = SettingsFile("~/.cline/data/settings/providers.json")
VSCODE = SettingsFile(
    "{XDG_CONFIG_HOME|~/.config}/Code/User/settings.json",
    macos="~/Library/Application Support/Code/User/settings.json",
    windows="{APPDATA|~\\AppData\\Roaming}\\Code\\User\\settings.json",
)

CLINE = Preset(
    id="cline",
    name="Cline",
    source="run",
    dialect="openai-chat",
    programs=("cline",),
    traces=(
        SettingsFile("~/.cline"),
        SettingsFile("~/.vscode/extensions/saoudrizwan.claude-dev-*"),
    ),
    settings=(
        entry(Role.BASE, USER, "**", "baseUrl", form=Form.V1),
        entry(Role.KEY, USER, "**", "apiKey"),
    ),
    by_hand=(
        "On the command line: cline auth -p openai-compatible -k {key} -m {model} -b {v1}",
        "In VS Code: Cline's settings > API Provider > OpenAI Compatible, base URL {v1}, API key {key}.",
    ),
    conflicts=tuple(
        Conflict(
            setting=entry(Role.SWITCH, VSCODE, name),
            why="old guides had it put there; Cline keeps its provider in a store of its own and does not read it",
            remedy="Set the provider in Cline's own settings; this line can go.",
        )
        for name in ("cline.apiProvider", "cline.openai")
    ),
    needs=NEEDS,
    vital=VITAL,
    sample=SAMPLE,
    notes=("With its Gemini provider the command line offers the model no tools of its own.",),
)
