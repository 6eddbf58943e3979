"""Anthropic's Messages API, as Anthropic and the servers that copy it speak it."""

from dataclasses import dataclass

from korproxy_addons.errors import catalogue
from korproxy_addons.providers.base import AccessSpec
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.providers.rules import Rule

MESSAGES = "anthropic-messages"
VERSION = "2023-06-01"
"""Sent where the client names no version of its own."""

PATHS = {
    (Operation.GENERATE, MESSAGES): "/v1/messages",
    (Operation.COUNT_TOKENS, MESSAGES): "/v1/messages/count_tokens",
    (Operation.MODELS, MESSAGES): "/v1/models?limit=1000",
}
FORWARD_HEADERS = frozenset({"x-app"})
FORWARD_PREFIXES = ("anthropic-", "x-stainless-", "x-claude-code-")

RULES = (
    Rule(spec=catalogue.CONTEXT_TOO_LONG, statuses=(400, 413), text="prompt is too long"),
    Rule(spec=catalogue.UPSTREAM_OVERLOADED, codes=frozenset({"overloaded_error"})),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class AnthropicAccess(AccessSpec):
    """A way into a server of this API."""

    def path(
        self,
        operation: Operation,
        model: str,
        *,
        stream: bool = False,
        dialect: str = "",
        client_query: str = "",
    ) -> str | None:
        path = super().path(operation, model, stream=stream, dialect=dialect)
        # Claude Code and the SDKs' beta namespaces mark their calls so.
        if path and "?" not in path and "beta=true" in client_query.split("&"):
            return path + "?beta=true"
        return path

    def is_prelude(self, data: bytes) -> bool:
        return data.startswith((b'{"type":"ping"', b'{"type": "ping"'))
