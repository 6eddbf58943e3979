"""opencode."""

from korproxy_addons.presets.base import (
    Form,
    Need,
    Preset,
    Role,
    Sample,
    Scope,
    SettingsFile,
    Write,
    entry,
)
from korproxy_addons.presets.samples import CHAT

USER = SettingsFile("{XDG_CONFIG_HOME|~/.config}/opencode/opencode.json")
PROJECT = SettingsFile("opencode.json", scope=Scope.PROJECT)

NEEDS = (
    Need.MODEL_LIST,
    Need.STREAMING,
    Need.TOOLS,
    Need.LONG_CONTEXT,
    Need.KEEP_ALIVES,
    Need.ERRORS,
    Need.REQUEST,
)
VITAL = frozenset({Need.STREAMING, Need.TOOLS, Need.ERRORS})
SAMPLE = Sample(path="/v1/chat/completions", body=CHAT)
ENTRY = {
    "npm": "@ai-sdk/openai-compatible",
    "name": "KorProxy",
    "options": {"baseURL": "{v1}", "apiKey": "{key}"},
    "models": {"{model}": {"name": "{model}", "tool_call": True}},
}

OPENCODE = Preset(
    id="opencode",
    name="opencode",
    source="run",
    dialect="openai-chat",
    programs=("opencode",),
    traces=(SettingsFile("{XDG_CONFIG_HOME|~/.config}/opencode"),),
    settings=(
        *(
            entry(Role.BASE, file, "provider", "*", "options", "baseURL", form=Form.V1)
            for file in (PROJECT, USER)
        ),
        *(entry(Role.KEY, file, "provider", "*", "options", "apiKey") for file in (PROJECT, USER)),
        *(entry(Role.MODEL, file, "model") for file in (PROJECT, USER)),
    ),
    writes=(Write(file=USER, path=("provider", "korproxy"), value=ENTRY),),
    needs=NEEDS,
    vital=VITAL,
    sample=SAMPLE,
    notes=(
        "Its built-in anthropic takes the base URL with /v1, google with /v1beta.",
        "Titles are asked of a small model that it picks itself; where no account serves that one, only titles are missing.",
    ),
)
