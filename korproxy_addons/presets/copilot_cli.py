"""GitHub Copilot CLI, with a provider of one's own."""

from korproxy_addons.presets.base import Conflict, Form, Preset, Role, SettingsFile, Write, variable
from korproxy_addons.presets.opencode import NEEDS, SAMPLE, VITAL

COPILOT_CLI = Preset(
    id="copilot-cli",
    name="GitHub Copilot CLI",
    source="run",
    dialect="openai-chat",
    programs=("copilot",),
    traces=(SettingsFile("~/.copilot"),),
    settings=(
        variable(Role.BASE, "COPILOT_PROVIDER_BASE_URL", form=Form.V1),
        variable(Role.KEY, "COPILOT_PROVIDER_API_KEY"),
        variable(Role.KEY, "COPILOT_PROVIDER_BEARER_TOKEN"),
        variable(Role.MODEL, "COPILOT_MODEL"),
    ),
    writes=(
        Write(variable="COPILOT_PROVIDER_TYPE", value="openai"),
        Write(variable="COPILOT_PROVIDER_BASE_URL", value="{v1}"),
        Write(variable="COPILOT_PROVIDER_API_KEY", value="{key}"),
        Write(variable="COPILOT_MODEL", value="{model}"),
    ),
    conflicts=(
        Conflict(
            setting=variable(Role.SWITCH, "COPILOT_PROVIDER_TYPE", values=("azure",)),
            why="it builds Azure's paths, which KorProxy does not serve",
            remedy="Set COPILOT_PROVIDER_TYPE to openai.",
            fatal=True,
        ),
    ),
    needs=NEEDS,
    vital=VITAL,
    sample=SAMPLE,
    notes=("With COPILOT_PROVIDER_TYPE=anthropic its base URL has no /v1.",),
)
