"""aider."""

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
    everywhere,
)
from korproxy_addons.presets.base import Format as Written
from korproxy_addons.presets.samples import CHAT

USER = SettingsFile("~/.aider.conf.yml", Written.YAML)
PROJECT = SettingsFile(".aider.conf.yml", Written.YAML, Scope.PROJECT)
PROJECT_ENV = SettingsFile(".env", Written.ENV, Scope.PROJECT)
_ENVS = (PROJECT_ENV,)
_CONFS = (PROJECT, USER)

AIDER = Preset(
    id="aider",
    name="aider",
    source="run",
    dialect="openai-chat",
    programs=("aider",),
    traces=(USER,),
    settings=(
        *everywhere(
            Role.BASE,
            "OPENAI_API_BASE",
            _ENVS,
            shell_first=False,
            form=Form.V1,
            dialect="openai-chat",
        ),
        *(
            entry(Role.BASE, it, "openai-api-base", form=Form.V1, dialect="openai-chat")
            for it in _CONFS
        ),
        *everywhere(
            Role.BASE, "ANTHROPIC_BASE_URL", _ENVS, shell_first=False, dialect="anthropic-messages"
        ),
        *everywhere(Role.KEY, "OPENAI_API_KEY", _ENVS, shell_first=False),
        *(entry(Role.KEY, it, "openai-api-key") for it in _CONFS),
        *everywhere(Role.MODEL, "AIDER_MODEL", _ENVS, shell_first=False),
        *(entry(Role.MODEL, it, "model") for it in _CONFS),
    ),
    writes=(
        Write(file=USER, path=("openai-api-base",), value="{v1}"),
        Write(file=USER, path=("openai-api-key",), value="{key}"),
    ),
    needs=(Need.STREAMING, Need.LONG_CONTEXT, Need.KEEP_ALIVES, Need.ERRORS, Need.REQUEST),
    sample=Sample(
        path="/v1/chat/completions", body={k: v for k, v in CHAT.items() if k != "tools"}
    ),
    notes=("It uses no tools: edits are text, which passes byte for byte.",),
)
