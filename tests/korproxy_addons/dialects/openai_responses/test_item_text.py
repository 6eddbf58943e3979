import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.openai_responses.item_text import words_of


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"type": "web_search_call", "action": {"query": "x"}}, ""),
        (
            {"type": "code_interpreter_call", "code": "print(1)", "outputs": [{"logs": "1"}]},
            "[ran code]\nprint(1)\n1",
        ),
        ({"type": "code_interpreter_call", "outputs": None}, "[ran code]"),
        ({"type": "local_shell_call", "action": {"command": ["ls", "-l"]}}, "[ran] ls -l"),
        ({"type": "shell_call", "action": {"commands": ["ls", "pwd"]}}, "[ran] ls\npwd"),
        ({"type": "local_shell_call_output", "output": "a.txt"}, "a.txt"),
        ({"type": "shell_call_output", "output": [{"stdout": "a", "stderr": "b"}]}, "ab"),
        ({"type": "mcp_call", "name": "f", "arguments": "{}", "output": "y"}, "[called f] {}\ny"),
        ({"type": "apply_patch_call", "operation": {"type": "x"}}, '[patched] {"type":"x"}'),
        ({"type": "apply_patch_call"}, ""),
        ({"type": "program_output", "result": "7"}, "7"),
    ],
)
def test_items_in_words(item: dict[str, Any], words: str) -> None:
    """T137: what another service can make use of."""
    assert words_of(item["type"], raw(item))[1] == words


def test_the_id_that_pairs() -> None:
    assert words_of("local_shell_call", raw({"id": "a", "call_id": "b"}))[0] == "b"
    assert words_of("web_search_call", raw({"id": "a"}))[0] == "a"


@pytest.mark.parametrize("value", [[], "x", {"id": 5}])
def test_nonsense_says_nothing(value: Any) -> None:
    """T170"""
    assert words_of("shell_call", raw(value)) == ("", "")
