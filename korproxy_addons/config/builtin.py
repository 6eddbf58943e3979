"""
Ids of the built-in providers and of their ways in.

They stand here because the configuration is checked before any provider is loaded; a test of
`providers/` holds that both sides say the same.
"""

from collections.abc import Mapping
from types import MappingProxyType

BUILTIN_ACCESSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "claude": ("api-key", "subscription", "own-login"),
        "codex": ("api-key", "siwc", "chatgpt", "own-login"),
        "gemini": ("api-key", "code-assist"),
        "qwen": ("api-key", "coding-plan", "token-plan", "oauth"),
        "iflow": ("api-key", "login"),
    }
)
"""Provider id to the ids of its accesses, the default one first."""

REGIONS: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    {
        ("qwen", "api-key"): ("intl", "cn", "us", "hk"),
        ("qwen", "coding-plan"): ("intl", "cn"),
        ("qwen", "token-plan"): ("intl", "cn"),
    }
)
"""Regions that a key can belong to, by provider and access; the default one first."""

COMPATIBLE_ACCESSES = ("api-key", "none")
"""Accesses of a user-added provider: by key, or without any credential (`auth: none`)."""

DIALECTS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini")
"""Ids of the dialects, in the order in which they are named to people."""

SECRETLESS_ACCESSES = frozenset({"own-login", "none"})
"""Accesses whose accounts carry no secret: the client's own login, or none at all."""
