"""Continue: its command line, and the extensions for VS Code and JetBrains."""

from korproxy_addons.presets.base import (
    Form,
    Preset,
    Role,
    SettingsFile,
    Write,
    entry,
)
from korproxy_addons.presets.base import Format as Written
from korproxy_addons.presets.opencode import NEEDS, SAMPLE, VITAL

USER = SettingsFile("~/.continue/config.yaml", Written.YAML)
OLD = SettingsFile("~/.continue/config.json", old=True)

CONTINUE = Preset(
    id="continue",
    name="Continue",
    source="run",
    dialect="openai-chat",
    programs=("cn",),
    traces=(SettingsFile("~/.continue"),),
    settings=(
        entry(Role.BASE, USER, "models", "*", "apiBase", form=Form.V1),
        entry(Role.BASE, OLD, "models", "*", "apiBase", form=Form.V1),
        entry(Role.KEY, USER, "models", "*", "apiKey"),
    ),
    writes=(
        Write(
            file=USER,
            path=("models", "+"),
            value={
                "name": "KorProxy",
                "provider": "openai",
                "model": "{model}",
                "apiBase": "{v1}",
                "apiKey": "{key}",
            },
        ),
    ),
    needs=NEEDS,
    vital=VITAL,
    sample=SAMPLE,
    notes=(
        "A model whose name begins with gpt-5 or later is asked by Responses, others by Chat; both are served.",
        "Its gemini provider ignores apiBase; use provider openai with the Gemini model's name.",
    ),
)
