"""
The ledger: every exchange, and what they add up to by hour and by day.

The sums are made by triggers, in the transaction of the row itself: a row that is there is counted, once, and one that is
deleted later stays counted. Tokens and cost are counted for the account whose attempt used them, a request for the account
that was asked last.
"""

from korproxy_addons.io.tables.table import Table
from korproxy_addons.usage.record import COLUMNS

INSERT_EXCHANGE = (
    f"INSERT INTO exchanges ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our own names
    " ON CONFLICT (id) DO NOTHING"
)
"""Keeps one `ExchangeRecord.row()`; a row that is there already stays, and is not counted again."""

DELETE_OLD = (
    "DELETE FROM exchanges WHERE id IN"
    " (SELECT id FROM exchanges WHERE started_at < ? ORDER BY started_at LIMIT ?)"
)
"""Deletes exchanges from before a time (Unix seconds), at most so many."""

DELETE_BEYOND = "DELETE FROM exchanges WHERE id IN (SELECT id FROM exchanges ORDER BY started_at DESC LIMIT ? OFFSET ?)"
"""Deletes at most so many of the exchanges older than the newest so many."""

KEYS = (
    "tool", "project", "profile", "local_key", "route_group", "operation", "provider", "account",
    "model",
)  # fmt: skip
"""What sums are told apart by, beside their time."""

SUMS = (
    "requests", "succeeded", "failed", "abandoned", "attempts", "input_tokens", "cached_tokens",
    "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost_usd", "unpriced", "incomplete",
    "first_bytes", "first_byte_ms", "total_ms",
)  # fmt: skip
"""What is added up; `unpriced`: attempts with tokens but without a price, `first_bytes`: how many `first_byte_ms` adds up."""

_EXCHANGES = """
    CREATE TABLE exchanges (
        id TEXT PRIMARY KEY,
        request_id TEXT NOT NULL,
        started_at REAL NOT NULL,
        client_dialect TEXT NOT NULL,
        operation TEXT NOT NULL,
        outcome TEXT NOT NULL,
        total_ms REAL NOT NULL,
        tool TEXT NOT NULL,
        project TEXT NOT NULL,
        profile TEXT NOT NULL,
        local_key TEXT NOT NULL,
        upstream_dialect TEXT NOT NULL,
        kind TEXT NOT NULL,
        streamed INTEGER NOT NULL,
        requested_model TEXT NOT NULL,
        model TEXT NOT NULL,
        provider TEXT NOT NULL,
        account TEXT NOT NULL,
        access TEXT NOT NULL,
        route_group TEXT NOT NULL,
        rule TEXT NOT NULL,
        why TEXT NOT NULL,
        attempts TEXT NOT NULL,
        first_byte_ms REAL,
        overhead_ms REAL,
        bytes_in INTEGER NOT NULL,
        bytes_out INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL,
        cache_write_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        reasoning_tokens INTEGER NOT NULL,
        cost_usd REAL,
        stop_reason TEXT NOT NULL,
        status INTEGER,
        code TEXT NOT NULL,
        moved TEXT NOT NULL,
        cache_lost_tokens INTEGER NOT NULL,
        usage_incomplete INTEGER NOT NULL
    )
"""


def _sums_table(name: str, at: str) -> str:
    keys = ", ".join(f"{key} TEXT NOT NULL" for key in KEYS)
    reals = ("cost_usd", "first_byte_ms", "total_ms")
    sums = ", ".join(
        f"{name} {'REAL' if name in reals else 'INTEGER'} NOT NULL DEFAULT 0" for name in SUMS
    )
    return (
        f"CREATE TABLE {name} ({at} INTEGER NOT NULL, {keys}, {sums},"
        f" PRIMARY KEY ({at}, {', '.join(KEYS)})) WITHOUT ROWID"
    )


def _adding_up(name: str, at: str, length_s: int) -> str:
    def told(field: str) -> str:
        return f"coalesce(json_extract(value, '$.{field}'), 0)"

    last = "(NEW.attempts = '[]' OR json_each.key = json_array_length(NEW.attempts) - 1)"
    made = "(NEW.attempts <> '[]')"
    values = {
        "requests": last,
        "succeeded": f"{last} AND NEW.outcome = 'ok'",
        "failed": f"{last} AND NEW.outcome = 'error'",
        "abandoned": f"{last} AND NEW.outcome = 'client_gone'",
        "attempts": made,
        "unpriced": f"json_extract(value, '$.cost_usd') IS NULL AND"
        f" {told('input_tokens')} + {told('output_tokens')} > 0",
        "incomplete": told("incomplete"),
        "first_bytes": f"{last} AND NEW.first_byte_ms IS NOT NULL",
        "first_byte_ms": f"CASE WHEN {last} THEN coalesce(NEW.first_byte_ms, 0) ELSE 0 END",
        "total_ms": f"CASE WHEN {last} THEN NEW.total_ms ELSE 0 END",
    }
    of_attempt = {
        key: f"coalesce(json_extract(value, '$.{key}'), '')"
        for key in ("provider", "account", "model")
    }
    keys = [of_attempt.get(key, f"NEW.{key}") for key in KEYS]
    sums = [f"sum({values.get(field, told(field))})" for field in SUMS]
    added = ", ".join(f"{field} = {field} + excluded.{field}" for field in SUMS)
    grouped = ", ".join(str(2 + KEYS.index(key)) for key in of_attempt)
    return (
        f"CREATE TRIGGER exchanges_to_{name} AFTER INSERT ON exchanges BEGIN"  # noqa: S608 - our own names
        f" INSERT INTO {name} ({at}, {', '.join(KEYS)}, {', '.join(SUMS)})"
        f" SELECT CAST(NEW.started_at / {length_s} AS INTEGER) * {length_s}, {', '.join(keys)}, {', '.join(sums)}"
        " FROM json_each(CASE NEW.attempts WHEN '[]' THEN '[{}]' ELSE NEW.attempts END)"
        f" WHERE true GROUP BY {grouped}"
        f" ON CONFLICT ({at}, {', '.join(KEYS)}) DO UPDATE SET {added}; END"
    )


EXCHANGES = Table(
    "exchanges",
    (
        _EXCHANGES,
        "CREATE INDEX exchanges_by_time ON exchanges (started_at)",
        "CREATE INDEX exchanges_by_request ON exchanges (request_id)",
        _sums_table("usage_hourly", "hour_at"),
        _sums_table("usage_daily", "day_at"),
        _adding_up("usage_hourly", "hour_at", 3600),
        _adding_up("usage_daily", "day_at", 86400),
    ),
    # Exchanges go by the user's own setting (`addons/metering.py`); the sums are small and outlast them.
    pruned_by=(
        "DELETE FROM usage_hourly WHERE hour_at < ? - 8640000",
        "DELETE FROM usage_daily WHERE day_at < ? - 34560000",
    ),
)
