"""
Counts of prompts where no upstream can be asked: estimated here, and marked as that.

The pure part is `dialects/estimate.py`. Here are the thread it runs in, what was learnt of each model from the usage that its
real replies state, and which upstreams turned out to have no such endpoint.
"""

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.estimate import (
    CountText,
    corrected,
    estimated_tokens,
    learned_factor,
)
from korproxy_addons.dialects.model import ChatRequest, HostedTool, ServerToolPart, Usage
from korproxy_addons.gateway.conversations import inbound_for
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.replies import ESTIMATE, Reply, own_headers
from korproxy_addons.io.tokenizers import text_counter
from korproxy_addons.providers.base import AccessSpec
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.providers.resolve import ResolvedAccount

log = logging.getLogger("korproxy.estimating")

NO_SUCH_ENDPOINT = frozenset((404, 405, 501))
"""Statuses by which a server says that it does not count, or does not compact."""

MOST_MODELS = 256
EVERY = 10
"""Of the replies of a model whose counts are estimated, each so many-th is learnt from: an estimate costs CPU."""
LEARNED_BYTES = 512 * 1024
LACKING_S = 600.0
"""For so long an upstream without the endpoint is not asked again."""

_NOTE = "estimated"
# What can be done here, or in another way, where an upstream has no endpoint for it.
_REPLACEABLE = frozenset((Operation.COUNT_TOKENS, Operation.COMPACT))


class Estimates:
    """
    What is known of counting, for one process.

    Args:
        counter: A model's tokenizer; loaded when it is first called, in the thread.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        counter: Callable[[str], CountText] = text_counter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counter = counter
        self._clock = clock
        self._factors: OrderedDict[str, float] = OrderedDict()
        self._heard: dict[str, int] = {}
        self._lacking: dict[tuple[str, str, Operation], float] = {}
        self._learning: asyncio.Task[None] | None = None

    async def count(self, request: ChatRequest, model: str) -> int:
        """
        Tokens of a prompt, as its model is likely to count them.

        Args:
            request: What is asked.
            model: The upstream's name of the model; from now on its replies are learnt from.
        """
        self._factors.setdefault(model, 1.0)
        self._factors.move_to_end(model)
        if len(self._factors) > MOST_MODELS:
            forgotten, _ = self._factors.popitem(last=False)
            self._heard.pop(forgotten, None)
        tokens = await asyncio.to_thread(self._estimate, request, model)
        return corrected(tokens, self._factors.get(model, 1.0))

    def lacks(self, way: ResolvedAccount, operation: Operation) -> None:
        """The account's upstream has said that it has no endpoint for an operation."""
        self._lacking[way.id, way.facts.base_url, operation] = self._clock() + LACKING_S

    def lacking(self, way: ResolvedAccount, operation: Operation) -> bool:
        """Whether the account's upstream has said so not long ago."""
        return self._clock() < self._lacking.get((way.id, way.facts.base_url, operation), 0.0)

    def answers(self, exchange: Exchange, way: ResolvedAccount, model: str) -> bool:
        """Whether a request is for a count that the account's upstream is not to be asked for."""
        wanted, peek = exchange.wanted, exchange.peek
        if wanted is None or peek is None or wanted.operation is not Operation.COUNT_TOKENS:
            return False
        if self.lacking(way, Operation.COUNT_TOKENS):
            return True
        return not _counts(way.access, model, peek.body_dialect or exchange.dialect)

    def heard(self, exchange: Exchange, model: str, usage: Usage | None) -> None:
        """
        Learn from a reply that states its usage, now and then, beside everything else.

        Args:
            exchange: Whose reply it was.
            model: The upstream's name of the model.
            usage: As the upstream stated it.
        """
        wanted, inbound = exchange.wanted, exchange.inbound
        if usage is None or usage.estimated:
            return
        if wanted is None or wanted.operation is not Operation.GENERATE:
            return
        if model not in self._factors or inbound is None or len(inbound.body) > LEARNED_BYTES:
            return
        number = self._heard[model] = self._heard.get(model, -1) + 1
        if number % EVERY or (self._learning is not None and not self._learning.done()):
            return
        stated = usage.input_tokens - usage.tool_use_tokens
        self._learning = asyncio.get_running_loop().create_task(
            self._learn(exchange, model, stated)
        )

    async def settled(self) -> None:
        """Wait until what is being learnt is learnt."""
        if self._learning is not None:
            await self._learning

    async def _learn(self, exchange: Exchange, model: str, stated: int) -> None:
        try:
            request = decoded(exchange)
            if not _whole(request):
                return
            estimated = await asyncio.to_thread(self._estimate, request, model)
        except Exception:
            # Nothing that a client waits for; its own reply is on its way.
            fields = {"request_id": exchange.id}
            log.debug("nothing learnt", exc_info=True, extra={"fields": fields})
            return
        if model in self._factors:
            before = self._factors[model]
            self._factors[model] = learned_factor(before, estimated, stated)

    def _estimate(self, request: ChatRequest, model: str) -> int:
        return estimated_tokens(request, model, self._counter(model))


def decoded(exchange: Exchange) -> ChatRequest:
    """
    The client's request in no one's dialect.

    Raises:
        KorProxyError: what is wrong with it.
    """
    assert exchange.peek is not None
    inbound = inbound_for(exchange, remembers=False)
    return dialect(exchange.peek.body_dialect or exchange.dialect).decode_request(inbound)


async def estimated_reply(exchange: Exchange, model: str, estimates: Estimates) -> Reply:
    """
    The answer to a question for a count, without any upstream.

    Raises:
        KorProxyError: NOT_OFFERED, the client's dialect has no such question; what is wrong with the request.
    """
    tokens = await estimates.count(decoded(exchange), model)
    body = dialect(exchange.dialect).encode_count(tokens)
    exchange.note(_NOTE)
    fields = (("content-type", "application/json"), *own_headers(exchange), (ESTIMATE, "true"))
    return Reply(200, fields, body)


def has_no_endpoint(operation: Operation, status: int, body: bytes, model: str) -> bool:
    """
    Whether an upstream's error means that it does not count, or compact, at all.

    Args:
        operation: What it was asked for.
        status: Of the upstream's reply.
        body: Of it. An error that names the model is about the model, not about the endpoint.
        model: The upstream's name of the model.
    """
    if operation not in _REPLACEABLE or status not in NO_SUCH_ENDPOINT:
        return False
    return re.search(rb"(?<![\w-])%b(?![\w-])" % re.escape(model).encode(), body) is None


def _counts(access: AccessSpec, model: str, body_dialect: str) -> bool:
    """Whether an upstream counts, asked in the body's dialect or in its own first one."""
    asked_in = body_dialect if body_dialect in access.dialects else ""
    ways = {asked_in, access.dialects[0]} - {""}
    return any(
        access.path(Operation.COUNT_TOKENS, model, dialect=dialect_id) is not None
        for dialect_id in ways
    )


def _whole(request: ChatRequest) -> bool:
    """Whether all of the prompt is in the request: what a service keeps or finds by itself is not."""
    state = request.continuation
    if state.previous_response_id or state.conversation:
        return False
    if any(isinstance(tool, HostedTool) for tool in request.tools):
        return False
    return not any(
        isinstance(part, ServerToolPart) for message in request.messages for part in message.parts
    )
