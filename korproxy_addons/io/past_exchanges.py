"""Finished exchanges, read back from the ledger: newest first, by what is known of them, or one by its id."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import json

from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.usage.record import COLUMNS, AttemptRecord, ExchangeRecord

# Enough of an id to tell exchanges apart, and to find them by an index.
SHORTEST_PREFIX = 6

_SEARCHED = (
    "request_id", "id", "requested_model", "model", "tool", "project", "profile", "local_key",
    "provider", "account", "route_group", "rule", "why", "code", "stop_reason", "operation", "kind",
)  # fmt: skip
_COLUMNS = ", ".join(COLUMNS)
_LIKE = "LIKE ? ESCAPE '\\'"
_AFTER_ALL = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    Which exchanges are asked for; None: whatever it is.

    Texts match whole, whatever their case, and may have `*` for anything.

    Attributes:
        tool, profile, key, provider, account, group, operation: Of the exchange.
        project: Its folder, or the folder's last name.
        model: As the client or the upstream named it.
        code: Code of its error, or of one of its attempts'.
        outcome: "ok", "error" or "client_gone".
        failed: Only those that did not end well.
        retried: Only those with more than one attempt.
        status: HTTP status that the client was given.
        since_at, until_at: Unix seconds; from and before.
        slower_than_ms: Their whole time was longer.
        text: Stands anywhere in what is known of them: ids, names, reasons, codes; never in what was said, which is not kept.
    """

    tool: str | None = None
    project: str | None = None
    profile: str | None = None
    key: str | None = None
    provider: str | None = None
    account: str | None = None
    group: str | None = None
    operation: str | None = None
    model: str | None = None
    code: str | None = None
    outcome: str | None = None
    failed: bool = False
    retried: bool = False
    status: int | None = None
    since_at: float | None = None
    until_at: float | None = None
    slower_than_ms: float | None = None
    text: str | None = None


def recent(file: LedgerFile, wanted: Wanted, limit: int) -> tuple[ExchangeRecord, ...]:
    """
    The newest exchanges that are wanted, newest first.

    Raises:
        KorProxyError: The file cannot be read.
    """
    where, values = _conditions(wanted)
    sql = f"SELECT {_COLUMNS} FROM exchanges WHERE {where} ORDER BY started_at DESC LIMIT ?"  # noqa: S608 - our own names
    return tuple(map(_record, file.rows(sql, (*values, limit))))


def by_id(file: LedgerFile, word: str, limit: int = 10) -> tuple[ExchangeRecord, ...]:
    """
    The exchanges that a word names, newest first: by correlation id or our own, whole, else its beginning, else its end.

    A client may use its correlation id more than once.

    Raises:
        KorProxyError: The file cannot be read.
    """
    found = _named(file, "request_id = ? OR id = ?", (word, word), limit)
    if not found and len(word) >= SHORTEST_PREFIX:
        ends = (word, word + _AFTER_ALL)
        where = "request_id >= ? AND request_id < ? OR id >= ? AND id < ?"
        found = _named(file, where, (*ends, *ends), limit)
    if not found and len(word) >= SHORTEST_PREFIX:
        pattern = f"%{like(word.replace('*', ''))}"
        found = _named(file, f"request_id {_LIKE} OR id {_LIKE}", (pattern, pattern), limit)
    return found


def _named(
    file: LedgerFile, where: str, values: tuple[Any, ...], limit: int
) -> tuple[ExchangeRecord, ...]:
    # The sign keeps SQLite from walking the index by time instead of looking the id up.
    sql = f"SELECT {_COLUMNS} FROM exchanges WHERE {where} ORDER BY +started_at DESC LIMIT ?"  # noqa: S608 - our own names
    return tuple(map(_record, file.rows(sql, (*values, limit))))


def _record(row: tuple[Any, ...]) -> ExchangeRecord:
    fields = dict(zip(COLUMNS, row, strict=True))
    fields["attempts"] = json.decode(fields["attempts"], type=tuple[AttemptRecord, ...])
    # SQLite has no truth values.
    return msgspec.convert(fields, ExchangeRecord, strict=False)


def _conditions(wanted: Wanted) -> tuple[str, tuple[Any, ...]]:
    found: list[str] = []
    values: list[Any] = []

    def also(condition: str, *own: Any) -> None:
        found.append(condition)
        values.extend(own)

    for column, text in _texts(wanted):
        also(f"{column} {_LIKE}", like(text))
    if wanted.project is not None:
        pattern = like(wanted.project)
        # A folder of Windows is parted by the other stroke.
        also(
            f"(project {_LIKE} OR project {_LIKE} OR project {_LIKE})",
            pattern,
            f"%/{pattern}",
            f"%\\\\{pattern}",
        )
    if wanted.model is not None:
        pattern = like(wanted.model)
        also(f"(requested_model {_LIKE} OR model {_LIKE})", pattern, pattern)
    if wanted.code is not None:
        pattern = like(wanted.code)
        tried = f"EXISTS (SELECT 1 FROM json_each(attempts) WHERE json_extract(value, '$.code') {_LIKE})"  # noqa: S608 - our own names
        also(f"(code {_LIKE} OR {tried})", pattern, pattern)
    if wanted.failed:
        also("outcome <> 'ok'")
    if wanted.retried:
        also("json_array_length(attempts) > 1")
    for condition, value in (
        ("outcome = ?", wanted.outcome),
        ("status = ?", wanted.status),
        ("started_at >= ?", wanted.since_at),
        ("started_at < ?", wanted.until_at),
        ("total_ms > ?", wanted.slower_than_ms),
    ):
        if value is not None:
            also(condition, value)
    if wanted.text:
        pattern = f"%{like(wanted.text)}%"
        also(
            f"({' OR '.join(f'{it} {_LIKE}' for it in _SEARCHED)})",
            *[pattern] * len(_SEARCHED),
        )
    return " AND ".join(found) or "1", tuple(values)


def _texts(wanted: Wanted) -> Iterable[tuple[str, str]]:
    texts = (
        ("tool", wanted.tool),
        ("profile", wanted.profile),
        ("local_key", wanted.key),
        ("provider", wanted.provider),
        ("account", wanted.account),
        ("route_group", wanted.group),
        ("operation", wanted.operation),
    )
    return ((column, text) for column, text in texts if text is not None)


def like(text: str) -> str:
    """A text with `*` as SQL's LIKE has it, with a backslash before what would mean something else."""
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("*", "%")
