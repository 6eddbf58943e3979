"""
Who called, for the record: asked of the system while a request is under way, and never waited for by it.

A tool's own word goes first. What is found here stands in the ledger alone: no route, no limit and no right hangs on it.
"""

import asyncio
from collections.abc import Callable

from msgspec import structs

from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.io.workspace import NOBODY, Caller, Workspace
from korproxy_addons.usage.record import ExchangeRecord

# So long a record waits for its caller's name; a kill in that time loses it.
HELD_S = 0.5


class Callers:
    """
    Completes records.

    Args:
        workspace: Finds callers; None: nobody is looked for.
        keep: Takes each record, once.
    """

    def __init__(self, workspace: Workspace | None, keep: Callable[[ExchangeRecord], None]) -> None:
        self._workspace = workspace
        self._keep = keep
        self._held: dict[str, tuple[ExchangeRecord, asyncio.TimerHandle]] = {}

    def look(self, exchange: Exchange) -> asyncio.Task[Caller] | None:
        """Begin to look who asks, unless the exchange knows; the task that does."""
        client = exchange.client
        if self._workspace is None or (exchange.tool and exchange.project):
            return None
        if client.peer is None or client.own is None:
            return None
        return self._workspace.look(client.connection, client.peer, client.own)

    def complete(self, exchange: Exchange, record: ExchangeRecord) -> None:
        """Have the record kept, with the caller's tool and project where it has none: at once, or in a moment."""
        task = self.look(exchange)
        if task is None or task.done():
            self._keep(_with(record, task))
            return
        timer = asyncio.get_running_loop().call_later(HELD_S, self._let_go, record.id, task)
        self._held[record.id] = (record, timer)
        task.add_done_callback(lambda done: self._let_go(record.id, done))

    def flush(self) -> None:
        """Have every record kept that is still held back."""
        for number in list(self._held):
            self._let_go(number, None)

    def _let_go(self, number: str, task: asyncio.Task[Caller] | None) -> None:
        held = self._held.pop(number, None)
        if held is not None:
            record, timer = held
            timer.cancel()
            self._keep(_with(record, task))


def _with(record: ExchangeRecord, task: asyncio.Task[Caller] | None) -> ExchangeRecord:
    known = task is not None and task.done() and not task.cancelled()
    caller = task.result() if task is not None and known else NOBODY
    tool = record.tool or caller.tool
    project = record.project or caller.project.folder
    if (tool, project) == (record.tool, record.project):
        return record
    return structs.replace(record, tool=tool, project=project)
