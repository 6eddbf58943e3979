"""Four API dialects and the one model between them; `dialect(id)` finds one, `base.py` says what it does."""

from functools import cache
from importlib import import_module

from korproxy_addons.dialects.base import Dialect

# Dialect id to the module whose DIALECT it is. Loaded on first use: a start pays for what it serves.
DIALECTS = {
    "openai-chat": "korproxy_addons.dialects.openai_chat",
    "openai-responses": "korproxy_addons.dialects.openai_responses",
    "anthropic-messages": "korproxy_addons.dialects.anthropic_messages",
    "gemini": "korproxy_addons.dialects.gemini",
}


@cache
def dialect(dialect_id: str) -> Dialect:
    """
    The dialect with that id.

    Raises:
        KeyError: There is no such dialect.
    """
    found: Dialect = import_module(DIALECTS[dialect_id]).DIALECT
    return found
