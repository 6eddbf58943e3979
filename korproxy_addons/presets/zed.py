"""Zed."""

from korproxy_addons.presets.base import Form, Preset, Role, SettingsFile, Write, entry
from korproxy_addons.presets.opencode import NEEDS, SAMPLE, VITAL

USER = SettingsFile(
    "{XDG_CONFIG_HOME|~/.config}/zed/settings.json",
    macos="~/.config/zed/settings.json",
    windows="{APPDATA|~\\AppData\\Roaming}\\Zed\\settings.json",
)

ZED = Preset(
    id="zed",
    name="Zed",
    dialect="openai-chat",
    programs=("zed", "zeditor"),
    traces=(USER,),
    settings=(
        entry(
            Role.BASE, USER, "language_models", "openai_compatible", "*", "api_url",
            form=Form.V1, dialect="openai-chat",
        ),
        entry(
            Role.BASE, USER, "language_models", "anthropic_compatible", "*", "api_url",
            dialect="anthropic-messages",
        ),
        entry(Role.BASE, USER, "language_models", "openai", "api_url", form=Form.V1),
        entry(Role.BASE, USER, "language_models", "anthropic", "api_url"),
    ),
    writes=(
        Write(
            file=USER,
            path=("language_models", "openai_compatible", "KorProxy"),
            value={
                "api_url": "{v1}",
                "available_models": [{"name": "{model}", "max_tokens": 128000}],
            },
        ),
    ),
    by_hand=("Then, in Zed's agent settings, give KorProxy the API key {key}.",),
    needs=NEEDS,
    vital=VITAL,
    sample=SAMPLE,
    notes=("It asks for the models that its settings list, no others.",),
)  # fmt: skip
