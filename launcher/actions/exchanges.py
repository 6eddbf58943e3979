"""Past requests, read from the ledger: no gateway need run, and none that does is asked."""

from dataclasses import dataclass
from pathlib import Path

from korproxy_addons.errors.catalogue import CATALOGUE, EXCHANGE_UNKNOWN
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.io import past_exchanges
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.io.past_exchanges import Wanted
from korproxy_addons.usage.record import ExchangeRecord
from launcher.actions.readable_config import readable_config

MOST_SHOWN = 10_000


@dataclass(frozen=True, slots=True)
class Told:
    """
    An exchange, and what there is to say about it.

    Attributes:
        record: As the ledger keeps it.
        error: The row of its code; None if it has no code of ours.
        labels: Names for people of the accounts that were tried, by id; an account that is gone keeps its id.
        others: Ids of further exchanges that the same word names, newest first.
    """

    record: ExchangeRecord
    error: ErrorSpec | None
    labels: dict[str, str]
    others: tuple[str, ...] = ()


def recent(home: Path, wanted: Wanted | None = None, limit: int = 50) -> tuple[ExchangeRecord, ...]:
    """
    The newest exchanges, newest first; none where nothing was ever asked.

    Args:
        home: The KorProxy folder.
        wanted: Which; None: all.
        limit: At most so many.
    Raises:
        KorProxyError: STATE_DAMAGED or STATE_UNAVAILABLE, the ledger cannot be read.
    """
    with LedgerFile(home / FILE_NAME) as file:
        return past_exchanges.recent(file, wanted or Wanted(), min(limit, MOST_SHOWN))


def one(home: Path, word: str | None = None) -> Told:
    """
    One exchange in full.

    Args:
        home: The KorProxy folder.
        word: Its correlation id or its own, or the beginning of one; None: the newest exchange.
    Raises:
        KorProxyError: EXCHANGE_UNKNOWN; STATE_DAMAGED or STATE_UNAVAILABLE, the ledger cannot be read.
    """
    with LedgerFile(home / FILE_NAME) as file:
        found = _newest(file) if word is None else past_exchanges.by_id(file, word)
    if not found:
        raise KorProxyError(EXCHANGE_UNKNOWN, word[:100] if word else "nothing was asked yet")
    record = found[0]
    return Told(
        record=record,
        error=CATALOGUE.get(record.code),
        labels={it.id: it.shown_as for it in readable_config(home).accounts},
        others=tuple(it.id for it in found[1:]),
    )


def _newest(file: LedgerFile) -> tuple[ExchangeRecord, ...]:
    return past_exchanges.recent(file, Wanted(), 1)
