import pytest

from korproxy_addons.routing.tools import tool_of


@pytest.mark.parametrize(
    ("agent", "tool"),
    [
        ("claude-cli/2.1.330 (external, cli)", "claude-code"),
        ("codex_cli_rs/0.169.0 (Linux)", "codex-cli"),
        ("codex_exec/0.169.0", "codex-cli"),
        ("GeminiCLI/0.61.0/gemini-3-pro", "gemini-cli"),
        ("QwenCode/0.24.4 (linux; x64)", "qwen-code"),
        ("Mozilla/5.0 claude-cli/2.1", ""),
        ("", ""),
    ],
)
def test_a_tool_names_itself(agent: str, tool: str) -> None:
    assert tool_of({"user-agent": agent}) == tool


def test_a_tool_may_keep_its_name() -> None:
    assert tool_of({}) == ""
