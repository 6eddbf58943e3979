"""
A memory for clients of Responses whose upstream has none: the answers they may go on from, with what led to them.

Bounded by number, bytes and age; in memory, or in the database too where the user's config says so. An answer is found only by
whoever shows the same local key: without one, all clients are the same user's. A conversation may change its profile, as that is
that user's choice of a route.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from korproxy_addons.config.conversations import ConversationSettings
from korproxy_addons.dialects.base import Inbound
from korproxy_addons.dialects.openai_responses.history import (
    KeptReply,
    answer_id,
    continued,
    input_items,
    output_items,
    previous_id,
    wants_store,
)
from korproxy_addons.dialects.translate import Translator
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange, Recall
from korproxy_addons.io.conversation_shelf import ConversationShelf, KeptAnswer
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.paths import RESPONSES

_MEGABYTE = 1024 * 1024


class Conversations:
    """
    The answers of one process.

    Args:
        shelf: Where they lie on disk if the config allows it; None: nowhere.
        clock: Unix seconds.
    """

    def __init__(
        self, shelf: ConversationShelf | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._shelf = shelf
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], KeptAnswer] = OrderedDict()
        self._bytes = 0

    def configure(self, settings: ConversationSettings) -> None:
        """Take over a new config: what it no longer allows to be kept is forgotten."""
        if settings.keep == "off":
            self._kept.clear()
            self._bytes = 0
        if settings.keep != "disk" and self._shelf is not None:
            self._shelf.clear()
        self._trim(settings)

    async def recall(self, exchange: Exchange) -> None:
        """Find what the request goes on from, once; the answer stands in `exchange.recall`."""
        inbound, peek = exchange.inbound, exchange.peek
        if exchange.dialect != RESPONSES or inbound is None or peek is None or peek.body_dialect:
            return
        if exchange.recall is not None:
            return
        settings = exchange.config.conversations
        previous = previous_id(inbound.body)
        found = await self._history(exchange, previous) if previous else None
        exchange.recall = Recall(
            previous,
            None if found is None else continued_inbound(inbound, found),
            keep=settings.keep != "off" and (exchange.keep_reply or wants_store(inbound.body)),
        )

    def keeping(
        self, translator: Translator, exchange: Exchange, *, streamed: bool, remembers: bool
    ) -> Translator:
        """
        The translator, watched for the answer to be kept.

        Args:
            translator: Of a reply.
            exchange: Whose it is.
            streamed: The client gets a stream.
            remembers: The upstream keeps the answer itself.
        """
        wanted, recall = exchange.wanted, exchange.recall
        if wanted is None or wanted.operation is not Operation.GENERATE:
            return translator
        if recall is None or not recall.keep or remembers:
            return translator
        return KeptReply(
            translator, streamed=streamed, keep=lambda answer: self._keep(exchange, recall, answer)
        )

    async def answer(self, exchange: Exchange, response_id: str) -> KeptAnswer:
        """
        A kept answer.

        Raises:
            KorProxyError: STORED_RESPONSE_NOT_FOUND.
        """
        found = await self._find(exchange, owner_of(exchange), response_id)
        if found is None:
            detail = f"Response with id '{response_id}' not found"
            raise KorProxyError(catalogue.STORED_RESPONSE_NOT_FOUND, detail)
        return found

    async def everything_before(self, exchange: Exchange, kept: KeptAnswer) -> bytes:
        """The whole input that an answer was given to, as a JSON array of items."""
        before = await self._history(exchange, kept.parent) if kept.parent else None
        whole = continued(b'{"input":%b}' % kept.input, before or ())
        return input_items(whole)

    async def forget(self, exchange: Exchange, response_id: str) -> None:
        """
        Delete a kept answer.

        Raises:
            KorProxyError: STORED_RESPONSE_NOT_FOUND.
        """
        await self.answer(exchange, response_id)
        owner = owner_of(exchange)
        gone = self._kept.pop((owner, response_id), None)
        if gone is not None:
            self._bytes -= gone.size_bytes
        if self._shelf is not None:
            self._shelf.remove(owner, response_id)

    def _keep(self, exchange: Exchange, recall: Recall, answer: bytes) -> None:
        assert exchange.inbound is not None
        settings = exchange.config.conversations
        kept = KeptAnswer(
            owner=owner_of(exchange),
            id=answer_id(answer),
            parent=recall.previous if recall.inbound is not None else "",
            input=input_items(exchange.inbound.body),
            answer=answer,
            used_at=self._clock(),
        )
        self._put(kept)
        if settings.keep == "disk" and self._shelf is not None:
            self._shelf.put(kept, settings)
        self._trim(settings)

    async def _history(self, exchange: Exchange, response_id: str) -> list[bytes] | None:
        """Inputs and outputs up to an answer, the oldest first; None if one of them is not known."""
        owner = owner_of(exchange)
        chain: list[KeptAnswer] = []
        seen: set[str] = set()
        while response_id and response_id not in seen:
            seen.add(response_id)
            kept = await self._find(exchange, owner, response_id)
            if kept is None:
                return None
            chain.append(kept)
            response_id = kept.parent
        now = self._clock()
        # The newest first and the root last: of a conversation that is forgotten, the roots go after the leaves.
        for kept in chain:
            self._put(replace(kept, used_at=now))
        if exchange.config.conversations.keep == "disk" and self._shelf is not None:
            self._shelf.used(owner, [kept.id for kept in chain], now)
        self._trim(exchange.config.conversations)
        return [
            array for kept in reversed(chain) for array in (kept.input, output_items(kept.answer))
        ]

    async def _find(self, exchange: Exchange, owner: str, response_id: str) -> KeptAnswer | None:
        settings = exchange.config.conversations
        oldest = self._clock() - settings.max_hours * 3600
        kept = self._kept.get((owner, response_id))
        if kept is None and settings.keep == "disk" and self._shelf is not None:
            kept = await asyncio.to_thread(self._shelf.find, owner, response_id)
        return kept if kept is not None and kept.used_at >= oldest else None

    def _put(self, kept: KeptAnswer) -> None:
        key = (kept.owner, kept.id)
        before = self._kept.pop(key, None)
        if before is not None:
            self._bytes -= before.size_bytes
        self._kept[key] = kept
        self._bytes += kept.size_bytes

    def _trim(self, settings: ConversationSettings) -> None:
        oldest = self._clock() - settings.max_hours * 3600
        while self._kept:
            key, kept = next(iter(self._kept.items()))
            fits = (
                len(self._kept) <= settings.max_answers
                and self._bytes <= settings.max_megabytes * _MEGABYTE
            )
            if fits and kept.used_at >= oldest:
                return
            del self._kept[key]
            self._bytes -= kept.size_bytes


def owner_of(exchange: Exchange) -> str:
    """Whose answers a request may go on from."""
    if exchange.owner:
        return exchange.owner
    return "" if exchange.local_key is None else f"key:{exchange.local_key.id}"


def continued_inbound(inbound: Inbound, before: list[bytes]) -> Inbound:
    """The request with all that was said before it."""
    return Inbound(
        continued(inbound.body, before), inbound.path_model, inbound.path_stream, inbound.sse
    )


def inbound_for(exchange: Exchange, *, remembers: bool) -> Inbound:
    """
    The request as an upstream must get it.

    Args:
        exchange: After `Conversations.recall`.
        remembers: The upstream keeps answers itself, and what is not known here may be known there.
    Raises:
        KorProxyError: PREVIOUS_RESPONSE_NOT_FOUND.
    """
    assert exchange.inbound is not None
    recall = exchange.recall
    if recall is None or not recall.previous:
        return exchange.inbound
    if recall.inbound is not None:
        return recall.inbound
    if remembers:
        return exchange.inbound
    detail = f"Previous response with id '{recall.previous}' not found"
    raise KorProxyError(catalogue.PREVIOUS_RESPONSE_NOT_FOUND, detail, param="previous_response_id")
