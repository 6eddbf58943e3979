"""Qwen Code."""

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
    everywhere,
)
from korproxy_addons.presets.base import Format as Written
from korproxy_addons.presets.samples import CHAT

USER = SettingsFile("~/.qwen/settings.json")
USER_ENV = SettingsFile("~/.qwen/.env", Written.ENV)
PROJECT = SettingsFile(".qwen/settings.json", scope=Scope.PROJECT)
_ENVS = (
    SettingsFile(".qwen/.env", Written.ENV, Scope.PROJECT),
    SettingsFile(".env", Written.ENV, Scope.PROJECT),
    USER_ENV,
)

QWEN_CODE = Preset(
    id="qwen-code",
    name="Qwen Code",
    source="run",
    dialect="openai-chat",
    model="qwen3.8-max",
    programs=("qwen",),
    traces=(SettingsFile("~/.qwen"),),
    settings=(
        *everywhere(Role.BASE, "OPENAI_BASE_URL", _ENVS, form=Form.V1, dialect="openai-chat"),
        *(
            entry(Role.BASE, file, "security", "auth", "baseUrl", form=Form.V1, dialect="openai-chat")
            for file in (PROJECT, USER)
        ),
        *everywhere(Role.KEY, "OPENAI_API_KEY", _ENVS),
        *(entry(Role.KEY, file, "security", "auth", "apiKey") for file in (PROJECT, USER)),
        *everywhere(Role.MODEL, "OPENAI_MODEL", _ENVS),
        *(entry(Role.MODEL, file, "model", "name") for file in (PROJECT, USER)),
    ),
    writes=(
        Write(file=USER_ENV, path=("OPENAI_BASE_URL",), value="{v1}"),
        Write(file=USER_ENV, path=("OPENAI_API_KEY",), value="{key}"),
        Write(file=USER_ENV, path=("OPENAI_MODEL",), value="{model}"),
        Write(file=USER, path=("security", "auth", "selectedType"), value="openai"),
    ),
    conflicts=tuple(
        Conflict(
            setting=entry(
                Role.SWITCH, file, "security", "auth", "selectedType", values=("qwen-oauth",)
            ),
            why="Qwen's own sign-in does not go through KorProxy, and its free plan has ended",
            remedy="Set security.auth.selectedType to openai.",
            fatal=True,
        )
        for file in (PROJECT, USER)
    ),
    needs=(
        Need.MODEL_LIST, Need.STREAMING, Need.TOOLS, Need.LONG_CONTEXT, Need.KEEP_ALIVES, Need.ERRORS,
        Need.REQUEST,
    ),
    vital=frozenset({Need.STREAMING, Need.TOOLS, Need.ERRORS}),
    sample=Sample(path="/v1/chat/completions", body=CHAT),
    notes=("It takes a stream only under text/event-stream, which is how KorProxy sends each.",),
)  # fmt: skip
