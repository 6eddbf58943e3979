import json
from typing import Any

import msgspec
import pytest

from korproxy_addons.dialects.openai_responses.echo import Echo


def echo(**fields: Any) -> Echo:
    return Echo(json.dumps(fields).encode())


def test_settings_are_the_requests_own() -> None:
    """T150"""
    found = echo(input="x", tools=[{"type": "web_search"}], temperature=0.5, instructions=None)
    settings = msgspec.json.decode(msgspec.json.encode(found.settings))
    assert settings["tools"] == [{"type": "web_search"}]
    assert settings["temperature"] == 0.5
    assert settings["instructions"] is None
    assert settings["parallel_tool_calls"] is True
    assert settings["tool_choice"] == "auto"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"messages":[],"tools":[{"function":{}}]}'])
def test_a_body_of_another_dialect_is_not_echoed(body: bytes) -> None:
    """T18: a Chat body that was posted here has tools of another form."""
    assert Echo(body).settings["tools"] == []


SPACE = {
    "type": "namespace",
    "name": "notes",
    "description": "d",
    "tools": [{"type": "function", "name": "add"}],
}


@pytest.mark.parametrize(
    "fields",
    [
        {"input": "x", "tools": [SPACE]},
        {"input": [{"type": "additional_tools", "tools": [SPACE]}]},
        {"input": [{"type": "tool_search_output", "tools": [SPACE]}], "tools": None},
    ],
)
def test_a_tool_finds_its_namespace(fields: dict[str, Any]) -> None:
    found = echo(**fields)
    assert found.place("notes__add") == ("notes", "add")
    assert found.place("add") == ("", "add")


def test_the_clients_own_search() -> None:
    found = echo(input="x", tools=[{"type": "tool_search", "execution": "client"}])
    assert found.is_search("tool_search")
    assert not found.is_search("other")
    hosted = echo(input="x", tools=[{"type": "tool_search"}])
    assert not hosted.is_search("tool_search")
