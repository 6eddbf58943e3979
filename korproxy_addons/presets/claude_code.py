"""Claude Code."""

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
from korproxy_addons.presets.samples import MESSAGES

_API = "anthropic-messages"

USER = SettingsFile("{CLAUDE_CONFIG_DIR|~/.claude}/settings.json")
MANAGED = SettingsFile(
    "/etc/claude-code/managed-settings.json",
    macos="/Library/Application Support/ClaudeCode/managed-settings.json",
    windows="{ProgramFiles|C:\\Program Files}\\ClaudeCode\\managed-settings.json",
    scope=Scope.MANAGED,
)
LOCAL = SettingsFile(".claude/settings.local.json", scope=Scope.PROJECT)
PROJECT = SettingsFile(".claude/settings.json", scope=Scope.PROJECT)
TOOL_SEARCH = "ENABLE_TOOL_SEARCH"
"""Without it Claude Code loads every tool at the start where the address is not its maker's own."""

# What stands in a settings file is put into the variables of the session: it wins over the shell's.
_FILES = (MANAGED, LOCAL, PROJECT, USER)


_CLOUDS = (
    ("CLAUDE_CODE_USE_BEDROCK", "Amazon Bedrock"),
    ("CLAUDE_CODE_USE_VERTEX", "Google Vertex AI"),
    ("CLAUDE_CODE_USE_FOUNDRY", "Microsoft Foundry"),
)

CLAUDE_CODE = Preset(
    id="claude-code",
    name="Claude Code",
    source="run",
    dialect=_API,
    model="claude-sonnet-5-5",
    programs=("claude",),
    traces=(SettingsFile("{CLAUDE_CONFIG_DIR|~/.claude}"),),
    settings=(
        *everywhere(Role.BASE, "ANTHROPIC_BASE_URL", _FILES, below=("env",), shell_first=False, dialect=_API),
        *everywhere(Role.KEY, "ANTHROPIC_AUTH_TOKEN", _FILES, below=("env",), shell_first=False),
        *everywhere(Role.KEY, "ANTHROPIC_API_KEY", _FILES, below=("env",), shell_first=False),
        *everywhere(Role.MODEL, "ANTHROPIC_MODEL", _FILES, below=("env",), shell_first=False),
        *(entry(Role.MODEL, file, "model") for file in _FILES),
        *everywhere(Role.OPTION, TOOL_SEARCH, _FILES, below=("env",), shell_first=False),
    ),
    writes=(
        Write(file=USER, path=("env", "ANTHROPIC_BASE_URL"), value="{root}"),
        Write(file=USER, path=("env", "ANTHROPIC_AUTH_TOKEN"), value="{key}"),
    ),
    conflicts=(
        *(
            Conflict(
                setting=it,
                why=f"it sends every request to {service}, whatever ANTHROPIC_BASE_URL says",
                remedy=f"Take {name} out.",
                fatal=True,
            )
            for name, service in _CLOUDS
            for it in everywhere(Role.SWITCH, name, _FILES, below=("env",))
        ),
        Conflict(
            setting=variable(Role.SWITCH, "ANTHROPIC_API_KEY"),
            beside=("ANTHROPIC_AUTH_TOKEN",),
            why="both keys are set; Claude Code warns of it and sends both",
            remedy="Keep ANTHROPIC_AUTH_TOKEN and take ANTHROPIC_API_KEY out.",
        ),
        *(
            Conflict(
                setting=entry(Role.SWITCH, file, "apiKeyHelper"),
                why="this program's key is sent in place of the one that is set",
                remedy="Take apiKeyHelper out, or let it print KorProxy's key.",
            )
            for file in _FILES
        ),
        Conflict(
            setting=variable(Role.SWITCH, "ANTHROPIC_SMALL_FAST_MODEL"),
            why="old guides set it; ANTHROPIC_DEFAULT_HAIKU_MODEL has taken its place",
            remedy="Name the small model in ANTHROPIC_DEFAULT_HAIKU_MODEL instead.",
        ),
    ),
    needs=(
        Need.MODEL_LIST, Need.STREAMING, Need.TOOLS, Need.TOOL_SEARCH, Need.BETAS, Need.COUNT_TOKENS,
        Need.LONG_CONTEXT, Need.KEEP_ALIVES, Need.ERRORS, Need.SIDE_PATHS, Need.REQUEST,
    ),
    vital=frozenset({Need.STREAMING, Need.TOOLS, Need.ERRORS}),
    sample=Sample(
        path="/v1/messages?beta=true",
        headers={
            "anthropic-version": "2023-06-01",
            "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14",
            "x-app": "cli",
        },
        body={
            **MESSAGES,
            "thinking": {"type": "adaptive"},
            "output_config": {"effort": "high"},
            "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
            "metadata": {"user_id": "{}"},
        },
    ),
    notes=("Its base URL has no /v1.",),
)  # fmt: skip
