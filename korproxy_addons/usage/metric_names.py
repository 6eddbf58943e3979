"""
Names and labels of the metrics.

Those that begin with `gen_ai` follow OpenTelemetry's conventions for clients of generative models, dots written as
underscores; a gateway is a client of the provider.
"""

SEMANTIC_CONVENTIONS = "gen-ai 1.38 (development)"
"""Version of the conventions that the `gen_ai` names are taken from."""

INFO = "korproxy_build_info"
REQUESTS = "korproxy_requests"
ERRORS = "korproxy_errors"
ATTEMPTS = "korproxy_upstream_attempts"
RETRIES = "korproxy_upstream_retries"
FAILOVERS = "korproxy_failovers"
TOKENS = "korproxy_tokens"
COST = "korproxy_cost_usd"
OVERHEAD = "korproxy_overhead_seconds"
IN_FLIGHT = "korproxy_inflight"
LIMITS = "korproxy_limits"
STICKY_MOVES = "korproxy_sticky_moves"
CACHE_LOST = "korproxy_cache_lost_tokens"
USAGE_INCOMPLETE = "korproxy_usage_incomplete"
TOKEN_REFRESH = "korproxy_token_refresh"  # noqa: S105 - a metric's name
RESTARTS = "korproxy_supervisor_restarts"
ACCOUNTS = "korproxy_accounts"
ROWS_DROPPED = "korproxy_state_rows_dropped"
SPEED = "korproxy_output_tokens_per_second"
QUOTA_REMAINING = "korproxy_quota_remaining_ratio"
TOKEN_USAGE = "gen_ai_client_token_usage_tokens"  # noqa: S105 - a metric's name
DURATION = "gen_ai_client_operation_duration_seconds"
FIRST_CHUNK = "gen_ai_client_operation_time_to_first_chunk_seconds"

PROVIDER = "gen_ai_provider_name"
TOKEN_TYPE = "gen_ai_token_type"  # noqa: S105 - a label's name
OPERATION = "gen_ai_operation_name"

EXEMPLAR = "request_id"
"""The one label of an exemplar: the correlation id of a request that was counted there."""

OTHER = "other"
"""Stands for everything that there is no room for."""

RESTART_REASONS = ("crashed", "hung", "refused", "asked")
"""Why a launcher put one gateway in the place of another: it ended, did not answer, could not be started; or somebody asked."""

REFRESH_RESULTS = ("renewed", "failed", "lost")
"""How the renewal of a login's token ends."""

MOST_VALUES = 50
"""Different values of a label whose values come from the user's configuration."""

# Beginnings of models' ids, the longer before the shorter. A model is told apart no further than this.
_FAMILIES = (
    "claude-opus", "claude-sonnet", "claude-haiku", "claude-fable", "claude",
    "gpt-oss", "gpt", "o1", "o3", "o4", "codex", "text-embedding",
    "gemini", "gemma", "qwen", "glm", "kimi", "deepseek", "minimax", "llama", "mistral", "grok",
)  # fmt: skip


def model_family(model: str) -> str:
    """A model's family; "other" for one that belongs to none, "" for none."""
    name = model.rpartition("/")[2].lower()
    return next((it for it in _FAMILIES if name.startswith(it)), OTHER if name else "")
