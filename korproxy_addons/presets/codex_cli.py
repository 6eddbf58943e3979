"""Codex CLI."""

from korproxy_addons.presets.base import (
    Conflict,
    Form,
    Need,
    Preset,
    Role,
    Sample,
    Scope,
    SettingsFile,
    Write,
    entry,
    variable,
)
from korproxy_addons.presets.base import Format as Written
from korproxy_addons.presets.samples import RESPONSES

_API = "openai-responses"

USER = SettingsFile("{CODEX_HOME|~/.codex}/config.toml", Written.TOML)
PROJECT = SettingsFile(".codex/config.toml", Written.TOML, Scope.PROJECT)

CODEX_CLI = Preset(
    id="codex-cli",
    name="Codex CLI",
    source="run",
    dialect=_API,
    model="gpt-6.1-sol",
    programs=("codex",),
    traces=(SettingsFile("{CODEX_HOME|~/.codex}"),),
    settings=(
        *(
            entry(
                Role.BASE, file, "model_providers", "=model_provider", "base_url",
                form=Form.V1, dialect=_API,
            )
            for file in (PROJECT, USER)
        ),
        *(
            entry(Role.BASE, file, "openai_base_url", form=Form.V1, dialect=_API)
            for file in (PROJECT, USER)
        ),
        *(
            entry(Role.KEY_NAME, file, "model_providers", "=model_provider", "env_key")
            for file in (PROJECT, USER)
        ),
        *(entry(Role.MODEL, file, "model") for file in (PROJECT, USER)),
        *(
            entry(
                Role.SWITCH, file, "model_providers", "=model_provider", "wire_api",
                values=("responses",),
            )
            for file in (PROJECT, USER)
        ),
    ),
    writes=(
        Write(file=USER, path=("model_provider",), value="korproxy"),
        Write(
            file=USER,
            path=("model_providers", "korproxy"),
            value={
                "name": "KorProxy",
                "base_url": "{v1}",
                "env_key": "KORPROXY_KEY",
                "wire_api": "responses",
            },
        ),
        Write(variable="KORPROXY_KEY", value="{key}"),
    ),
    conflicts=(
        Conflict(
            setting=variable(Role.SWITCH, "OPENAI_BASE_URL"),
            why="old guides set it; Codex takes its address from config.toml",
            remedy="Set openai_base_url, or a provider of its own, in config.toml.",
        ),
    ),
    needs=(
        Need.MODEL_LIST, Need.STREAMING, Need.TOOLS, Need.TOOL_SEARCH, Need.WEBSOCKET,
        Need.LONG_CONTEXT, Need.KEEP_ALIVES, Need.ERRORS, Need.REQUEST,
    ),
    vital=frozenset({Need.STREAMING, Need.TOOLS, Need.WEBSOCKET, Need.ERRORS}),
    sample=Sample(
        path="/v1/responses",
        headers={"originator": "codex_exec", "accept": "text/event-stream"},
        body={
            **RESPONSES,
            "tools": [
                *RESPONSES["tools"],
                {
                    "type": "custom",
                    "name": "apply_patch",
                    "description": "Applies a patch.",
                    "format": {"type": "grammar", "syntax": "lark", "definition": 'start: "x"'},
                },
                {"type": "web_search"},
                {"type": "tool_search"},
            ],
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "reasoning": {"effort": "medium", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
            "prompt_cache_key": "doctor",
        },
    ),
    notes=("A sign-in with ChatGPT inside Codex does not work through an http:// address; a key does.",),
)  # fmt: skip
