"""Which tool is calling, as far as it says so itself."""

from collections.abc import Mapping

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


def tool_of(headers: Mapping[str, str]) -> str:
    """
    The calling tool's preset id; "" if it does not name itself.

    A tool's word for itself proves nothing: it may narrow what a request gets, never widen it beyond what the user allowed.

    Args:
        headers: Request headers; look-ups ignore case.
    """
    agent = headers.get("user-agent", "").lower()
    return next((tool for start, tool in _USER_AGENTS if agent.startswith(start)), "")
