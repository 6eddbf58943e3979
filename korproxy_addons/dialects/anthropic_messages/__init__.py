"""Anthropic's Messages API (`/v1/messages`), as a client's dialect and as an upstream's."""

from korproxy_addons.dialects.anthropic_messages.dialect import DIALECT

__all__ = ["DIALECT"]
