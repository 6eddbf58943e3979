"""What OpenAI's API and the servers that copy it have in common: paths, headers, errors."""

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import Retry
from korproxy_addons.providers.failure import Scope, Verdict
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.providers.rules import Rule

CHAT = "openai-chat"
RESPONSES = "openai-responses"

CHAT_PATHS = {
    (Operation.GENERATE, CHAT): "/chat/completions",
    (Operation.EMBEDDINGS, CHAT): "/embeddings",
    (Operation.COMPLETIONS, CHAT): "/completions",
    (Operation.MODELS, CHAT): "/models",
}
RESPONSES_PATHS = {
    (Operation.GENERATE, RESPONSES): "/responses",
    (Operation.COUNT_TOKENS, RESPONSES): "/responses/input_tokens",
    (Operation.COMPACT, RESPONSES): "/responses/compact",
    (Operation.MODELS, RESPONSES): "/models",
}

FORWARD_HEADERS = frozenset(
    {
        "openai-beta",
        "idempotency-key",
        "session-id",
        "session_id",
        "thread-id",
        "conversation-id",
        "conversation_id",
        "x-client-request-id",
    }
)
FORWARD_PREFIXES = ("x-stainless-",)

_EXHAUSTED = frozenset(
    {"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"}
)
_TOO_LONG = frozenset({"context_length_exceeded", "string_above_max_length"})
_BAD_KEY = frozenset({"invalid_api_key", "incorrect_api_key"})

RULES = (
    Rule(
        spec=catalogue.BILLING_REQUIRED,
        codes=_EXHAUSTED,
        scope=Scope.ACCOUNT,
        verdict=Verdict.COOL,
        wait_s=3600.0,
    ),
    Rule(spec=catalogue.CONTEXT_TOO_LONG, codes=_TOO_LONG),
    Rule(
        spec=catalogue.ACCOUNT_REJECTED,
        codes=_BAD_KEY,
        scope=Scope.ACCOUNT,
        verdict=Verdict.NEEDS_LOGIN,
    ),
    Rule(
        spec=catalogue.MODEL_UNSUPPORTED,
        codes=frozenset({"model_not_found"}),
        scope=Scope.MODEL,
    ),
    Rule(
        spec=catalogue.RATE_LIMITED,
        codes=frozenset({"rate_limit_exceeded"}),
        # Its limits are per model: the others of the key go on.
        scope=Scope.MODEL,
        verdict=Verdict.COOL,
    ),
    Rule(
        spec=catalogue.CONTENT_REFUSED,
        codes=frozenset({"content_filter", "content_policy_violation", "cyber_policy"}),
    ),
    Rule(
        spec=catalogue.UPSTREAM_OVERLOADED,
        codes=frozenset({"server_is_overloaded", "slow_down", "overloaded_error"}),
    ),
    Rule(
        spec=catalogue.REQUEST_REJECTED,
        codes=frozenset(
            {
                "invalid_prompt",
                "invalid_encrypted_content",
                "previous_response_not_found",
                "unsupported_parameter",
            }
        ),
        retry=Retry.NO,
    ),
)
