"""Kilo Code: its command line; the extension's settings lie in the editor's own store."""

from korproxy_addons.presets.base import Form, Preset, Role, SettingsFile, Write, entry
from korproxy_addons.presets.opencode import ENTRY, NEEDS, SAMPLE, VITAL

USER = SettingsFile("{XDG_CONFIG_HOME|~/.config}/kilo/kilo.json")

KILO_CODE = Preset(
    id="kilo-code",
    name="Kilo Code",
    source="run",
    dialect="openai-chat",
    programs=("kilo", "kilocode"),
    traces=(
        SettingsFile("{XDG_CONFIG_HOME|~/.config}/kilo"),
        SettingsFile("~/.vscode/extensions/kilocode.kilo-code-*"),
    ),
    settings=(
        entry(Role.BASE, USER, "provider", "*", "options", "baseURL", form=Form.V1),
        entry(Role.KEY, USER, "provider", "*", "options", "apiKey"),
        entry(Role.MODEL, USER, "model"),
    ),
    writes=(Write(file=USER, path=("provider", "korproxy"), value=ENTRY),),
    by_hand=(
        "In the extension: Settings > Providers > OpenAI Compatible, base URL {v1}, API key {key}.",
    ),
    needs=NEEDS,
    vital=VITAL,
    sample=SAMPLE,
)
