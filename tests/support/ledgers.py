"""A KorProxy folder with a ledger in it, as a gateway leaves it behind."""

import json
from pathlib import Path
from typing import Any

from msgspec import structs

from korproxy_addons.io import database_file
from korproxy_addons.io.database_file import FILE_NAME, Row
from korproxy_addons.io.tables import TABLES, timeline
from korproxy_addons.io.tables.exchanges import INSERT_EXCHANGE
from korproxy_addons.usage.availability import Moment
from korproxy_addons.usage.record import AttemptRecord, ExchangeRecord

NOON = 1_795_003_200.0  # 2026-11-18T12:00:00Z

ATTEMPT = AttemptRecord(
    account="mine", provider="claude", access="api-key", dialect="anthropic-messages",
    model="claude-sonnet-5-5", status=200, sent_ms=1.0, first_byte_ms=900.0, ended_ms=5000.0,
    reused=True, input_tokens=1000, cached_tokens=800, output_tokens=200, cost_usd=0.5,
)  # fmt: skip
RECORD = ExchangeRecord(
    id="kp0001", request_id="kp0001", started_at=NOON, client_dialect="anthropic-messages",
    operation="generate", outcome="ok", total_ms=5000.0, tool="claude-code", profile="default",
    upstream_dialect="anthropic-messages", kind="chat", streamed=True,
    requested_model="claude-sonnet-5-5", model="claude-sonnet-5-5", provider="claude",
    account="mine", access="api-key", route_group="default", why="sticky", attempts=(ATTEMPT,),
    first_byte_ms=1000.0, overhead_ms=1.5, bytes_in=4000, bytes_out=900, input_tokens=1000,
    cached_tokens=800, output_tokens=200, cost_usd=0.5, stop_reason="stop", status=200,
)  # fmt: skip


def record(number: int = 1, **fields: Any) -> ExchangeRecord:
    """A finished exchange with an id of its own, so many minutes after the first."""
    name = f"kp{number:04d}"
    told = {"id": name, "request_id": name, "started_at": NOON + 60 * (number - 1), **fields}
    return structs.replace(RECORD, **told)


def failed(number: int, code: str, **fields: Any) -> ExchangeRecord:
    """One that ended with an error, and used nothing."""
    tried = structs.replace(
        ATTEMPT, code=code, status=429, input_tokens=0, output_tokens=0, cached_tokens=0, cost_usd=None
    )  # fmt: skip
    told = {
        "outcome": "error", "code": code, "status": 429, "attempts": (tried,), "input_tokens": 0,
        "output_tokens": 0, "cached_tokens": 0, "cost_usd": None, "stop_reason": "", **fields,
    }  # fmt: skip
    return record(number, **told)


def ledger(home: Path, *records: ExchangeRecord, **settings: Any) -> Path:
    """
    A folder with these exchanges in its ledger, and a config with two accounts and these settings.

    Returns:
        The folder.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    accounts = [
        {"id": "mine", "provider": "claude", "secret": "env:A", "label": "My Claude"},
        {"id": "other", "provider": "codex", "secret": "env:B"},
    ]
    config = home / "config.yaml"
    config.write_text(json.dumps({"version": 1, "accounts": accounts, **settings}))
    config.chmod(0o600)
    connection = database_file.opened(home / FILE_NAME, TABLES, NOON)
    database_file.write(connection, [(INSERT_EXCHANGE, [it.row() for it in records])])
    connection.close()
    return home


def watched(home: Path, seen_at: float, *moments: Moment) -> None:
    """The launcher's timeline in a folder, seen last at a time."""
    path = home / timeline.FILE_NAME
    connection = database_file.opened(path, (timeline.TIMELINE,), seen_at)
    rows: list[Row] = [tuple(it) for it in moments]
    database_file.write(connection, [(timeline.INSERT_MOMENT, rows), (timeline.SEE, [(seen_at,)])])
    connection.close()
