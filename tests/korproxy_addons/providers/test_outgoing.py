"""Addresses: what belongs where, and how a base and a path are joined."""

import pytest

from korproxy_addons.providers.outgoing import AccountFacts, join_url, origin_of


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://api.anthropic.com", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://x.example/v1", "/v1/messages", "https://x.example/v1/messages"),
        ("https://x.example/v1/", "/v1/messages", "https://x.example/v1/messages"),
        ("https://openrouter.ai/api/v1", "/chat/completions", "https://openrouter.ai/api/v1/chat/completions"),
        ("https://api.z.ai/api/anthropic", "/v1/messages", "https://api.z.ai/api/anthropic/v1/messages"),
        ("https://x.example/v1beta", "/v1beta/models/m:generateContent", "https://x.example/v1beta/models/m:generateContent"),
        ("https://x.example/v1", "/v1beta/models", "https://x.example/v1/models"),
        ("https://x.example/v1", "/v1internal:countTokens", "https://x.example/v1/v1internal:countTokens"),
        ("https://x.example/av1", "/v1/models", "https://x.example/av1/v1/models"),
    ],
)  # fmt: skip
def test_a_base_works_with_and_without_its_version(base: str, path: str, url: str) -> None:
    assert join_url(base, path) == url


def test_static_query_parameters_follow_the_paths_own() -> None:
    query = (("api-version", "2026-01 preview"), ("b", "1&2"))
    assert join_url("https://x", "/a", query) == "https://x/a?api-version=2026-01%20preview&b=1%262"
    assert join_url("https://x", "/a?alt=sse", query[:1]).endswith(
        "?alt=sse&api-version=2026-01%20preview"
    )


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://API.example/v1", ("https", "api.example", 443)),
        ("http://localhost:11434/v1", ("http", "localhost", 11434)),
        ("http://[::1]/x", ("http", "::1", 80)),
        ("https://x.example:443", ("https", "x.example", 443)),
    ],
)
def test_origins(url: str, origin: tuple[str, str, int]) -> None:
    assert origin_of(url) == origin
    assert AccountFacts(id="a", label="a", base_url=url).origin == origin
