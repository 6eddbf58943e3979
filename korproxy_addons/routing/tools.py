"""Which tool is calling: as far as it says so itself, else by the program that it is."""

import re
from collections.abc import Mapping, Sequence

# Beginnings of `User-Agent` as the tools were seen to send them, in lower case.
_USER_AGENTS = (
    ("claude-cli/", "claude-code"),
    ("codex_cli_rs/", "codex-cli"),
    ("codex_exec/", "codex-cli"),
    ("codex-tui/", "codex-cli"),
    ("geminicli", "gemini-cli"),
    ("qwencode/", "qwen-code"),
    ("opencode/", "opencode"),
    ("cline/", "cline"),
    ("continue", "continue"),
    ("aider", "aider"),
)

OWN_REQUESTS = "korproxy"
"""What the requests of KorProxy's own commands (`doctor TOOL`, `account test`, `replay`) stand under."""
_OWN_AGENT = "korproxy-"

# Names of the tools' programs, as their processes bear them.
_PROGRAMS = {
    "claude": "claude-code",
    "codex": "codex-cli",
    "gemini": "gemini-cli",
    "qwen": "qwen-code",
    "opencode": "opencode",
    "aider": "aider",
    "droid": "droid",
    "copilot": "copilot-cli",
    "cn": "continue",
    "pi": "pi",
    "zed": "zed",
    "zed-editor": "zed",
    "cursor": "cursor",
    "windsurf": "windsurf",
}
# Programs that run another one, which their command line names.
_RUNNERS = frozenset({"node", "bun", "deno", "python", "uv", "npx", "pipx"})
# In the path of a script: the packages that tools come in.
_PACKAGES = (
    ("@anthropic-ai/claude-code", "claude-code"),
    ("@anthropic-ai/claude-agent-sdk", "claude-code"),
    ("@openai/codex", "codex-cli"),
    ("@google/gemini-cli", "gemini-cli"),
    ("@qwen-code/qwen-code", "qwen-code"),
    ("opencode-ai", "opencode"),
    ("@github/copilot", "copilot-cli"),
    ("@continuedev/cli", "continue"),
    ("pi-coding-agent", "pi"),
)
# A runner's own options stand before the script.
_WORDS_LOOKED_AT = 6
_PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}\Z")
_VERSION = re.compile(r"[0-9.]+\Z")

KNOWN_TOOLS = frozenset([tool for _, tool in _USER_AGENTS] + list(_PROGRAMS.values()))
"""Every tool that there is a name for; a metric's label takes no other."""


def tool_of(headers: Mapping[str, str]) -> str:
    """
    The calling tool's preset id, or `OWN_REQUESTS`; "" if it does not name itself.

    A tool's word for itself proves nothing: it may narrow what a request gets, never widen it beyond what the user allowed.

    Args:
        headers: Request headers; look-ups ignore case.
    """
    agent = headers.get("user-agent", "").lower()
    if agent.startswith(_OWN_AGENT):
        return OWN_REQUESTS
    return next((tool for start, tool in _USER_AGENTS if agent.startswith(start)), "")


def tool_of_program(name: str, command_line: Sequence[str]) -> str:
    """
    The tool that a process is: a preset's id where it is known, else the program's plain name; "" for none.

    It is for the record alone: what a request may do is never decided by it.

    Args:
        name: The process's name.
        command_line: Its program and arguments; only known names are looked for in them.
    """
    program = _bare(name)
    if program in _PROGRAMS:
        return _PROGRAMS[program]
    if _VERSION.sub("", program) in _RUNNERS:
        program = _VERSION.sub("", program)
        for word in command_line[1:_WORDS_LOOKED_AT]:
            path = word.replace("\\", "/").lower()
            packaged = next((tool for package, tool in _PACKAGES if package in path), "")
            tool = packaged or _PROGRAMS.get(_bare(path), "")
            if tool:
                return tool
    return program if _PLAIN.match(program) else ""


def _bare(path: str) -> str:
    """The last part of a path in lower case, without what says that it can be run."""
    last = path.replace("\\", "/").rpartition("/")[2].lower()
    return re.sub(r"\.(exe|cmd|js|mjs|cjs|py)\Z", "", last)
