"""`GET` and `DELETE /v1/responses/{id}`, for answers that are kept here because their upstream keeps none."""

import msgspec

from korproxy_addons.dialects.openai_responses.history import item_list
from korproxy_addons.gateway.conversations import Conversations
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.replies import Reply, own_headers


async def stored_reply(exchange: Exchange, conversations: Conversations) -> Reply:
    """
    What the client asks about a kept answer.

    Raises:
        KorProxyError: STORED_RESPONSE_NOT_FOUND.
    """
    wanted = exchange.wanted
    assert wanted is not None
    if exchange.client.method == "DELETE":
        await conversations.forget(exchange, wanted.stored)
        gone = {"id": wanted.stored, "object": "response", "deleted": True}
        return _json(exchange, msgspec.json.encode(gone))
    kept = await conversations.answer(exchange, wanted.stored)
    if wanted.stored_part:
        return _json(exchange, item_list(await conversations.everything_before(exchange, kept)))
    return _json(exchange, kept.answer)


def _json(exchange: Exchange, body: bytes) -> Reply:
    return Reply(200, (("content-type", "application/json"), *own_headers(exchange)), body)
