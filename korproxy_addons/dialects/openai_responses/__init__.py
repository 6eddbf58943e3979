"""OpenAI's Responses API: public API, ChatGPT's Codex backend, Codex CLI, compatible servers."""

from typing import Final

from korproxy_addons.dialects.base import Dialect
from korproxy_addons.dialects.openai_responses.dialect import ResponsesDialect

DIALECT: Final[Dialect] = ResponsesDialect()
