"""Roo Code."""

from korproxy_addons.presets.base import Preset, SettingsFile
from korproxy_addons.presets.opencode import NEEDS, SAMPLE, VITAL

ROO_CODE = Preset(
    id="roo-code",
    name="Roo Code",
    dialect="openai-chat",
    traces=(SettingsFile("~/.vscode/extensions/rooveterinaryinc.roo-cline-*"),),
    by_hand=(
        "In the extension: Settings > Providers > OpenAI Compatible, base URL {v1}, API key {key}, model {model}.",
    ),
    needs=NEEDS,
    vital=VITAL,
    sample=SAMPLE,
    notes=("Its settings lie in the editor's own store, which KorProxy does not read.",),
)
