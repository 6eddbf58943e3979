"""Providers: who serves the models, as facts."""

from collections.abc import Mapping
from types import MappingProxyType

from korproxy_addons.providers.base import ProviderSpec
from korproxy_addons.providers.claude import CLAUDE
from korproxy_addons.providers.codex import CODEX
from korproxy_addons.providers.gemini import GEMINI_PROVIDER
from korproxy_addons.providers.iflow import IFLOW
from korproxy_addons.providers.qwen import QWEN

PROVIDERS: Mapping[str, ProviderSpec] = MappingProxyType(
    {it.id: it for it in (CLAUDE, CODEX, GEMINI_PROVIDER, QWEN, IFLOW)}
)
"""The built-in providers by id."""
