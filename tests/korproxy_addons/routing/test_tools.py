import pytest

from korproxy_addons.presets import PRESETS
from korproxy_addons.routing.tools import KNOWN_TOOLS, OWN_REQUESTS, tool_of, tool_of_program


@pytest.mark.parametrize(
    ("agent", "tool"),
    [
        ("claude-cli/2.1.330 (external, cli)", "claude-code"),
        ("codex_cli_rs/0.169.0 (Linux)", "codex-cli"),
        ("codex_exec/0.169.0", "codex-cli"),
        ("GeminiCLI/0.61.0/gemini-3-pro", "gemini-cli"),
        ("QwenCode/0.24.4 (linux; x64)", "qwen-code"),
        ("Mozilla/5.0 claude-cli/2.1", ""),
        ("korproxy-doctor", OWN_REQUESTS),
        ("korproxy-test", OWN_REQUESTS),
        ("korproxy-replay", OWN_REQUESTS),
        ("", ""),
    ],
)
def test_a_tool_names_itself(agent: str, tool: str) -> None:
    assert tool_of({"user-agent": agent}) == tool


def test_a_tool_may_keep_its_name() -> None:
    assert tool_of({}) == ""


@pytest.mark.parametrize(
    ("name", "command_line", "tool"),
    [
        ("claude", ["claude", "--resume"], "claude-code"),
        ("Codex.EXE", ["C:\\Tools\\Codex.EXE"], "codex-cli"),
        ("node", ["node", "/usr/lib/node_modules/@google/gemini-cli/dist/index.js"], "gemini-cli"),
        ("node", ["node", "--max-old-space-size=4096", "/opt/x/bin/qwen"], "qwen-code"),
        ("node.exe", ["node.exe", "C:\\a\\node_modules\\@openai\\codex\\bin\\codex.js"], "codex-cli"),
        ("python3.13", ["python3.13", "/opt/me/.local/bin/aider"], "aider"),
        ("python3.13", ["python3.13", "secret-project.py", "sk-key"], "python"),
        ("vim", ["vim", "codex"], "vim"),
        ("curl", ["curl", "http://localhost:1337/v1/@openai/codex"], "curl"),
        ("Zed", [], "zed"),
        ("my program (1)", [], ""),
        ("x" * 41, [], ""),
        ("", [], ""),
        ("node", ["node", *["-x"] * 9, "/bin/qwen"], "node"),
    ],
)  # fmt: skip
def test_a_program_is_a_tool(name: str, command_line: list[str], tool: str) -> None:
    assert tool_of_program(name, command_line) == tool


def test_programs_are_told_by_the_names_of_presets() -> None:
    assert set(PRESETS) >= KNOWN_TOOLS
