"""pi."""

from korproxy_addons.presets.base import Form, Preset, Role, SettingsFile, Write, entry
from korproxy_addons.presets.opencode import NEEDS, SAMPLE, VITAL

USER = SettingsFile("~/.pi/agent/models.json")

PI = Preset(
    id="pi",
    name="pi",
    source="run",
    dialect="openai-chat",
    programs=("pi",),
    traces=(SettingsFile("~/.pi/agent"),),
    settings=(
        entry(Role.BASE, USER, "providers", "*", "baseUrl", form=Form.V1),
        entry(Role.KEY, USER, "providers", "*", "apiKey"),
    ),
    writes=(
        Write(
            file=USER,
            path=("providers", "korproxy"),
            value={
                "baseUrl": "{v1}",
                "api": "openai-completions",
                "apiKey": "{key}",
                "models": [{"id": "{model}", "contextWindow": 128000, "maxTokens": 8192}],
            },
        ),
    ),
    needs=NEEDS,
    vital=VITAL,
    sample=SAMPLE,
    notes=(
        "With api anthropic-messages its baseUrl has no /v1; with google-generative-ai it ends in /v1beta.",
    ),
)
