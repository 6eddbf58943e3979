"""The coding tools that KorProxy knows: one file each, and its line in PRESETS."""

from korproxy_addons.presets.aider import AIDER
from korproxy_addons.presets.base import Preset
from korproxy_addons.presets.claude_code import CLAUDE_CODE
from korproxy_addons.presets.cline import CLINE
from korproxy_addons.presets.codex_cli import CODEX_CLI
from korproxy_addons.presets.continue_dev import CONTINUE
from korproxy_addons.presets.copilot_cli import COPILOT_CLI
from korproxy_addons.presets.cursor import CURSOR
from korproxy_addons.presets.droid import DROID
from korproxy_addons.presets.gemini_cli import GEMINI_CLI
from korproxy_addons.presets.kilo_code import KILO_CODE
from korproxy_addons.presets.opencode import OPENCODE
from korproxy_addons.presets.pi import PI
from korproxy_addons.presets.qwen_code import QWEN_CODE
from korproxy_addons.presets.roo_code import ROO_CODE
from korproxy_addons.presets.vscode_copilot import VSCODE_COPILOT
from korproxy_addons.presets.windsurf import WINDSURF
from korproxy_addons.presets.zed import ZED

PRESETS: dict[str, Preset] = {
    it.id: it
    for it in (
        CLAUDE_CODE,
        CODEX_CLI,
        GEMINI_CLI,
        QWEN_CODE,
        OPENCODE,
        CLINE,
        CONTINUE,
        KILO_CODE,
        ROO_CODE,
        AIDER,
        COPILOT_CLI,
        DROID,
        PI,
        ZED,
        VSCODE_COPILOT,
        CURSOR,
        WINDSURF,
    )
}
"""Every preset, by id."""
