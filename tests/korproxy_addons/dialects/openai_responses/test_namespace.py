import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.openai_responses.namespace import bare, qualified


@pytest.mark.parametrize(
    ("namespace", "name", "one"),
    [
        ("", "search", "search"),
        ("github", "search", "github__search"),
        ("mcp__github__", "search", "mcp__github__search"),
        ("get_weather", "get_weather", "get_weather"),
        ("github", "", ""),
    ],
)
def test_one_name_for_a_namespaced_tool(namespace: str, name: str, one: str) -> None:
    """T34: two namespaces may have a tool of the same name."""
    assert qualified(namespace, name) == one


@given(st.text("ab_", max_size=8), st.text("ab_", min_size=1, max_size=8))
def test_a_name_comes_back_out_of_its_namespace(namespace: str, name: str) -> None:
    if namespace != name:
        assert bare(namespace, qualified(namespace, name)) == name
