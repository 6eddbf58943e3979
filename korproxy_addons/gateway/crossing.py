"""
One request's crossing to one upstream, and its reply's way back: in which dialect, with what lost, under what head.

Everything is encoded from the client's own request, never from what was made of it for another account.
"""

from collections.abc import Callable
from dataclasses import dataclass

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import DecodeContext, EncodedRequest, ReplyContext, Target
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import ChatRequest
from korproxy_addons.dialects.translate import Translator, reply_translator, translate_request
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.replies import forwarded_headers, own_headers
from korproxy_addons.gateway.reply_road import Forms, stream_headers
from korproxy_addons.gateway.side_reply import SideReply
from korproxy_addons.io.upstream import UpstreamReply
from korproxy_addons.providers.base import AccessSpec
from korproxy_addons.providers.outgoing import Operation, Outgoing
from korproxy_addons.providers.resolve import ResolvedAccount

# A prompt is about a quarter as many tokens as its JSON has bytes; base64 of pictures is not prompt text.
BYTES_PER_TOKEN = 4
LARGEST_ESTIMATED_BYTES = 2 * 1024 * 1024
_TRANSLATED = (Operation.GENERATE, Operation.COUNT_TOKENS)


@dataclass(frozen=True, slots=True)
class Crossing:
    """
    A request, encoded for one account's upstream.

    Attributes:
        exchange: Whose request it is.
        way: The account.
        outgoing: What surrounds the body.
        encoded: The body, and what was lost in it.
        decoded: The request in no one's dialect; None if its body passes.
    """

    exchange: Exchange
    way: ResolvedAccount
    outgoing: Outgoing
    encoded: EncodedRequest
    decoded: ChatRequest | None

    def forms(self, reply: UpstreamReply) -> Forms:
        """Stream or whole, at both ends."""
        assert self.exchange.peek is not None
        content_type = (reply.header("content-type") or "").partition(";")[0].strip().lower()
        streams = self.outgoing.stream or self.way.access.streams(self.outgoing.operation)
        # Some upstreams stream without saying so, or say only that it is text.
        unsaid = content_type in ("", "application/octet-stream", "text/plain")
        streamed = content_type == "text/event-stream" or (streams and unsaid)
        return Forms(upstream_streamed=streamed, client_streamed=self.exchange.peek.stream)

    def translator(self, forms: Forms) -> Translator:
        """The reply's translator into the client's dialect."""
        exchange, outgoing = self.exchange, self.outgoing
        assert exchange.inbound is not None
        client, upstream = dialect(exchange.dialect), dialect(outgoing.dialect)
        if outgoing.operation is not Operation.GENERATE:
            return SideReply(client, upstream, outgoing.operation)
        body = exchange.inbound.body
        ids = IdSource(exchange.seed)
        return reply_translator(
            client,
            upstream,
            self.encoded,
            DecodeContext(
                streamed=forms.upstream_streamed, habits=self.way.habits[outgoing.dialect], ids=ids
            ),
            ReplyContext(
                streamed=forms.client_streamed,
                model=exchange.model or outgoing.model,
                ids=ids,
                created_at=int(exchange.received_at),
                include_usage=self.decoded.stream_usage if self.decoded is not None else True,
                sse=exchange.inbound.sse,
                input_tokens=_estimated_tokens(body),
                client_body=body,
            ),
            _unwrap(self.way.access),
        )

    def reply_headers(self, reply: UpstreamReply, forms: Forms) -> list[tuple[str, str]]:
        """The head's fields for the client; those of an upstream with the same dialect pass."""
        exchange = self.exchange
        assert exchange.inbound is not None
        own = own_headers(exchange)
        same = self.outgoing.dialect == exchange.dialect
        passes = same and not forms.client_streamed and not forms.upstream_streamed
        dropped = {name for name, _ in own} | {"cache-control", "x-accel-buffering"}
        if not passes:
            dropped.add("content-type")
        kept = forwarded_headers(reply.headers) if same else []
        headers = [(name, value) for name, value in kept if name.lower() not in dropped]
        said = dialect(exchange.dialect).content_type(
            streamed=forms.client_streamed, sse=exchange.inbound.sse
        )
        if forms.client_streamed:
            headers += stream_headers(said)
        elif not passes:
            headers.append(("content-type", said))
        return [*headers, *own]


def crossing_to(exchange: Exchange, way: ResolvedAccount, model: str) -> Crossing:
    """
    The client's request for an account's upstream.

    Args:
        exchange: Read as far as the model it names.
        way: The account.
        model: The upstream's name of the model.
    Raises:
        KorProxyError: NOT_OFFERED; CANNOT_TRANSLATE where too much would be lost; what is wrong with the request itself.
    """
    assert exchange.wanted is not None
    assert exchange.peek is not None
    operation = exchange.wanted.operation
    assert operation is not None
    body_dialect = exchange.peek.body_dialect or exchange.dialect
    native = _speaks(way.access, operation, model, body_dialect)
    upstream_id = body_dialect if native else way.access.dialects[0]
    if not native and not (
        operation in _TRANSLATED and _speaks(way.access, operation, model, upstream_id)
    ):
        what = operation.replace("_", " ")
        raise KorProxyError(catalogue.NOT_OFFERED, f"{what} at {way.provider.name}")
    encoded, decoded = _encoded(exchange, way, model, (operation, body_dialect, upstream_id))
    serious = [loss for loss in encoded.losses if loss.serious]
    if serious and not exchange.config.allow_degradation:
        raise KorProxyError(catalogue.CANNOT_TRANSLATE, "; ".join(str(loss) for loss in serious))
    outgoing = Outgoing(
        operation=operation,
        dialect=upstream_id,
        model=model,
        client_model=exchange.model if encoded.passed else model,
        stream=exchange.peek.stream,
        native=native,
        client_query=exchange.client.query,
        session_id=exchange.peek.session,
        prompt_id=exchange.seed,
    )
    return Crossing(exchange, way, outgoing, encoded, decoded)


def _encoded(
    exchange: Exchange, way: ResolvedAccount, model: str, wanted: tuple[Operation, str, str]
) -> tuple[EncodedRequest, ChatRequest | None]:
    assert exchange.inbound is not None
    assert exchange.peek is not None
    operation, body_dialect, upstream_id = wanted
    client, upstream = dialect(body_dialect), dialect(upstream_id)
    target = Target(
        model=model,
        habits=way.habits[upstream_id],
        facts=next((it for it in way.models if it.id == model), None) or ModelFacts(id=model),
        stream=exchange.peek.stream or way.access.streams(operation),
    )
    if client.id == upstream.id:
        return translate_request(client, upstream, exchange.inbound, target), None
    decoded = client.decode_request(exchange.inbound)
    if operation is Operation.COUNT_TOKENS:
        return upstream.encode_count_request(decoded, target), decoded
    return translate_request(client, upstream, exchange.inbound, target, decoded), decoded


def _speaks(access: AccessSpec, operation: Operation, model: str, dialect_id: str) -> bool:
    return (
        dialect_id in access.dialects
        and access.path(operation, model, dialect=dialect_id) is not None
    )


def _estimated_tokens(body: bytes) -> int:
    return len(body) // BYTES_PER_TOKEN if len(body) <= LARGEST_ESTIMATED_BYTES else 0


def _unwrap(access: AccessSpec) -> Callable[[bytes], bytes] | None:
    return None if type(access).unwrap is AccessSpec.unwrap else access.unwrap
