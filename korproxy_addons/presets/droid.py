"""Factory's droid."""

from korproxy_addons.presets.base import Form, Preset, Role, SettingsFile, Write, entry
from korproxy_addons.presets.opencode import NEEDS, SAMPLE, VITAL

USER = SettingsFile("~/.factory/settings.json")
OLD = SettingsFile("~/.factory/config.json", old=True)

DROID = Preset(
    id="droid",
    name="Factory droid",
    source="run",
    dialect="openai-chat",
    programs=("droid",),
    traces=(SettingsFile("~/.factory"),),
    settings=(
        entry(Role.BASE, USER, "customModels", "*", "baseUrl", form=Form.V1),
        entry(Role.BASE, OLD, "custom_models", "*", "base_url", form=Form.V1),
        entry(Role.KEY, USER, "customModels", "*", "apiKey"),
    ),
    writes=(
        Write(
            file=USER,
            path=("customModels", "+"),
            value={
                "model": "{model}",
                "id": "custom:korproxy-0",
                "displayName": "KorProxy",
                "baseUrl": "{v1}",
                "apiKey": "{key}",
                "provider": "generic-chat-completion-api",
                "maxOutputTokens": 8192,
            },
        ),
    ),
    needs=NEEDS,
    vital=VITAL,
    sample=SAMPLE,
    notes=("With provider anthropic its baseUrl has no /v1.",),
)
