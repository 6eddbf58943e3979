"""GitHub Copilot Chat in VS Code, with an endpoint of one's own."""

from korproxy_addons.presets.base import Form, Preset, Role, SettingsFile, Write, entry
from korproxy_addons.presets.opencode import NEEDS, SAMPLE, VITAL

USER = SettingsFile(
    "{XDG_CONFIG_HOME|~/.config}/Code/User/chatLanguageModels.json",
    macos="~/Library/Application Support/Code/User/chatLanguageModels.json",
    windows="{APPDATA|~\\AppData\\Roaming}\\Code\\User\\chatLanguageModels.json",
)

VSCODE_COPILOT = Preset(
    id="vscode-copilot",
    name="Copilot Chat in VS Code",
    dialect="openai-chat",
    traces=(USER, SettingsFile("~/.vscode/extensions/github.copilot-chat-*")),
    settings=(
        entry(Role.BASE, USER, "*", "models", "*", "url", form=Form.V1),
        entry(Role.KEY, USER, "*", "apiKey"),
    ),
    writes=(
        Write(
            file=USER,
            path=("+",),
            value={
                "vendor": "customendpoint",
                "name": "KorProxy",
                "apiKey": "{key}",
                "apiType": "chat-completions",
                "models": [
                    {
                        "id": "{model}",
                        "name": "{model}",
                        "url": "{v1}/chat/completions",
                        "toolCalling": True,
                        "vision": True,
                        "maxInputTokens": 128000,
                        "maxOutputTokens": 16000,
                    }
                ],
            },
        ),
    ),
    by_hand=("Other profiles of VS Code have a file of their own, under profiles/ID.",),
    needs=NEEDS,
    vital=VITAL,
    sample=SAMPLE,
    notes=("Its url is the whole path, /v1/chat/completions included.",),
)
