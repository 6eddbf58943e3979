"""Gemini CLI."""

from korproxy_addons.presets.base import (
    Conflict,
    Need,
    Preset,
    Role,
    Sample,
    Scope,
    SettingsFile,
    Write,
    entry,
    everywhere,
    variable,
)
from korproxy_addons.presets.base import Format as Written
from korproxy_addons.presets.samples import GEMINI, GEMINI_PATH

_API = "gemini"

USER = SettingsFile("{GEMINI_CLI_HOME|~}/.gemini/settings.json")
USER_ENV = SettingsFile("{GEMINI_CLI_HOME|~}/.gemini/.env", Written.ENV)
PROJECT = SettingsFile(".gemini/settings.json", scope=Scope.PROJECT)
PROJECT_ENV = SettingsFile(".gemini/.env", Written.ENV, Scope.PROJECT)
# Read in this order, and never over a variable of the shell.
_ENVS = (PROJECT_ENV, SettingsFile(".env", Written.ENV, Scope.PROJECT), USER_ENV)

GEMINI_CLI = Preset(
    id="gemini-cli",
    name="Gemini CLI",
    source="run",
    dialect=_API,
    model="gemini-3.8-flash",
    programs=("gemini",),
    traces=(SettingsFile("{GEMINI_CLI_HOME|~}/.gemini"),),
    settings=(
        *everywhere(Role.BASE, "GOOGLE_GEMINI_BASE_URL", _ENVS, dialect=_API),
        *everywhere(Role.BASE, "CODE_ASSIST_ENDPOINT", _ENVS, dialect=_API),
        *everywhere(Role.KEY, "GEMINI_API_KEY", _ENVS),
        *everywhere(Role.MODEL, "GEMINI_MODEL", _ENVS),
        *(entry(Role.MODEL, file, "model", "name") for file in (PROJECT, USER)),
    ),
    writes=(
        Write(file=USER_ENV, path=("GOOGLE_GEMINI_BASE_URL",), value="{root}"),
        Write(file=USER_ENV, path=("GEMINI_API_KEY",), value="{key}"),
        Write(file=USER, path=("security", "auth", "selectedType"), value="gemini-api-key"),
    ),
    conflicts=(
        *(
            Conflict(
                setting=it,
                why="it sends every request to Vertex AI, whatever the base URL says",
                remedy="Take GOOGLE_GENAI_USE_VERTEXAI out.",
                fatal=True,
            )
            for it in everywhere(Role.SWITCH, "GOOGLE_GENAI_USE_VERTEXAI", _ENVS)
        ),
        *(
            Conflict(
                setting=entry(
                    Role.SWITCH, file, "security", "auth", "selectedType",
                    values=("oauth-personal", "vertex-ai", "compute-default-credentials"),
                ),
                beside=("GOOGLE_GEMINI_BASE_URL",),
                why="with this kind of sign-in GOOGLE_GEMINI_BASE_URL is not looked at",
                remedy="Set security.auth.selectedType to gemini-api-key; or, for a Google login, set CODE_ASSIST_ENDPOINT.",
                fatal=True,
            )
            for file in (PROJECT, USER)
        ),
        Conflict(
            setting=variable(Role.SWITCH, "GOOGLE_API_KEY"),
            beside=("GEMINI_API_KEY",),
            why="both keys are set, and which of them is sent depends on the version",
            remedy="Take GOOGLE_API_KEY out.",
        ),
    ),
    needs=(
        Need.MODEL_LIST, Need.STREAMING, Need.TOOLS, Need.COUNT_TOKENS, Need.LONG_CONTEXT,
        Need.KEEP_ALIVES, Need.ERRORS, Need.REQUEST,
    ),
    vital=frozenset({Need.STREAMING, Need.TOOLS, Need.ERRORS}),
    sample=Sample(
        path=GEMINI_PATH,
        body={
            **GEMINI,
            "generationConfig": {
                "temperature": 1,
                "topP": 0.95,
                "topK": 64,
                "thinkingConfig": {"includeThoughts": True},
            },
        },
    ),
    notes=("Its base URL has no version; with CODE_ASSIST_ENDPOINT its Google login works, too.",),
)  # fmt: skip
