"""
One request's crossing to one upstream, and its reply's way back: in which dialect, with what lost, under what head.

Everything is encoded from the client's own request, never from what was made of it for another account.
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import structs

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import (
    DecodeContext,
    EncodedRequest,
    Inbound,
    ReplyContext,
    Target,
)
from korproxy_addons.dialects.gemini.code_assist import EnvelopedReply
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import ChatRequest
from korproxy_addons.dialects.openai_responses.compaction import (
    SummaryEncoder,
    summary_request,
    wants_compaction,
)
from korproxy_addons.dialects.openai_responses.history import PREVIOUS, without_chat_options
from korproxy_addons.dialects.transcoder import Transcoder
from korproxy_addons.dialects.translate import Translator, reply_translator, translate_request
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.conversations import inbound_for
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.replies import forwarded_headers, own_headers
from korproxy_addons.gateway.reply_road import Forms, stream_headers
from korproxy_addons.gateway.side_reply import SideReply
from korproxy_addons.io.upstream import UpstreamReply
from korproxy_addons.providers.base import AccessSpec
from korproxy_addons.providers.outgoing import Operation, Outgoing
from korproxy_addons.providers.resolve import ResolvedAccount
from korproxy_addons.routing.parameters import passing_with_parameters, with_parameters
from korproxy_addons.routing.paths import RESPONSES

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
        inbound: The client's request, with what its conversation went on from where the upstream does not know that.
        remembers: The upstream keeps answers itself.
        summary: The client asked for a compaction, and the upstream is asked for a summary.
    """

    exchange: Exchange
    way: ResolvedAccount
    outgoing: Outgoing
    encoded: EncodedRequest
    decoded: ChatRequest | None
    inbound: Inbound
    remembers: bool = False
    summary: bool = False

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
        ids = IdSource(exchange.seed)
        decoding = DecodeContext(
            streamed=forms.upstream_streamed, habits=self.way.habits[outgoing.dialect], ids=ids
        )
        reply = ReplyContext(
            streamed=forms.client_streamed,
            model=exchange.model or outgoing.model,
            ids=ids,
            created_at=int(exchange.received_at),
            include_usage=self.decoded.stream_usage if self.decoded is not None else True,
            sse=self.inbound.sse,
            input_tokens=_estimated_tokens(self.inbound.body),
            client_body=(self.inbound if self.summary else exchange.inbound).body,
        )
        assert exchange.wanted is not None
        unwrap = _unwrap(self.way.access)
        if self.summary:
            as_item = exchange.wanted.operation is Operation.GENERATE
            encoder = SummaryEncoder(reply, as_item=as_item)
            return Transcoder(client, upstream, self.encoded, decoding, reply, unwrap, encoder)
        translator = reply_translator(client, upstream, self.encoded, decoding, reply, unwrap)
        if exchange.wanted.envelope:
            return EnvelopedReply(translator, streamed=forms.client_streamed, sse=self.inbound.sse)
        return translator

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


def crossing_to(
    exchange: Exchange, way: ResolvedAccount, model: str, *, compacts: bool = True
) -> Crossing:
    """
    The client's request for an account's upstream.

    Args:
        exchange: Read as far as the model it names.
        way: The account.
        model: The upstream's name of the model.
        compacts: False: it turned out to have no endpoint for compactions, whatever is known of its kind.
    Raises:
        KorProxyError: NOT_OFFERED; CANNOT_TRANSLATE where too much would be lost; PREVIOUS_RESPONSE_NOT_FOUND; what is wrong
            with the request itself.
    """
    assert exchange.peek is not None
    asked = _asked(exchange, way, model, compacts=compacts)
    habits = way.habits[asked.upstream_id]
    # A server of some user's may keep answers or not: one that does knows ids that we do not.
    may_know = asked.native and PREVIOUS not in habits.refused_fields
    inbound = inbound_for(exchange, remembers=may_know)
    remembers = asked.native and habits.stores
    encoded, decoded = _encoded(exchange, way, model, asked, inbound)
    serious = [loss for loss in encoded.losses if loss.serious]
    if serious and not exchange.config.allow_degradation:
        raise KorProxyError(catalogue.CANNOT_TRANSLATE, "; ".join(str(loss) for loss in serious))
    outgoing = Outgoing(
        operation=asked.operation,
        dialect=asked.upstream_id,
        model=model,
        client_model=exchange.model if encoded.passed else model,
        stream=exchange.peek.stream,
        native=asked.native and not asked.summary,
        client_query=exchange.client.query,
        session_id=exchange.peek.session,
        prompt_id=exchange.prompt_id or exchange.seed,
        refused_fields=habits.refused_fields,
    )
    return Crossing(exchange, way, outgoing, encoded, decoded, inbound, remembers, asked.summary)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the upstream is asked for: its operation and dialect, and whether that is the body's own."""

    operation: Operation
    body_dialect: str
    upstream_id: str
    native: bool
    summary: bool = False


def _asked(exchange: Exchange, way: ResolvedAccount, model: str, *, compacts: bool) -> _Asked:
    assert exchange.wanted is not None
    assert exchange.inbound is not None
    assert exchange.peek is not None
    operation = exchange.wanted.operation
    assert operation is not None
    access = way.access
    body_dialect = exchange.dialect
    if operation in _TRANSLATED:
        # Elsewhere, `input` is no sign of Responses: embeddings have one too.
        body_dialect = exchange.peek.body_dialect or body_dialect
    native = _speaks(access, operation, model, body_dialect)
    upstream_id = body_dialect if native else access.dialects[0]
    if native and (compacts or operation is not Operation.COMPACT):
        return _Asked(operation, body_dialect, upstream_id, native)
    generates = _speaks(access, Operation.GENERATE, model, upstream_id)
    if operation is Operation.COMPACT and generates:
        same = body_dialect == upstream_id
        return _Asked(Operation.GENERATE, body_dialect, upstream_id, same, summary=True)
    if not (operation in _TRANSLATED and _speaks(access, operation, model, upstream_id)):
        what = operation.replace("_", " ")
        raise KorProxyError(catalogue.NOT_OFFERED, f"{what} at {way.provider.name}")
    summary = (
        operation is Operation.GENERATE
        and body_dialect == RESPONSES
        and wants_compaction(exchange.inbound.body)
    )
    return _Asked(operation, body_dialect, upstream_id, native, summary)


def _encoded(
    exchange: Exchange, way: ResolvedAccount, model: str, asked: _Asked, inbound: Inbound
) -> tuple[EncodedRequest, ChatRequest | None]:
    assert exchange.peek is not None
    client, upstream = dialect(asked.body_dialect), dialect(asked.upstream_id)
    target = Target(
        model=model,
        habits=way.habits[asked.upstream_id],
        facts=way.access.facts_of(model, way.models),
        stream=exchange.peek.stream or way.access.streams(asked.operation),
    )
    parameters = exchange.plan.parameters if exchange.plan is not None else {}
    if asked.summary:
        exchange.note("summarised")
        request = summary_request(client.decode_request(inbound))
        return upstream.encode_request(request, target), request
    if client.id == upstream.id:
        if exchange.peek.body_dialect == RESPONSES:
            inbound = structs.replace(inbound, body=without_chat_options(inbound.body))
        inbound, losses = passing_with_parameters(
            asked.operation, client, inbound, target, parameters
        )
        passed = translate_request(client, upstream, inbound, target)
        return structs.replace(passed, losses=(*passed.losses, *losses)), None
    decoded = with_parameters(client.decode_request(inbound), parameters)
    if exchange.recall is not None and exchange.recall.keep and decoded.continuation.store:
        # It is kept here, so nothing of this wish is lost.
        kept = structs.replace(decoded.continuation, store=None)
        decoded = structs.replace(decoded, continuation=kept)
    if asked.operation is Operation.COUNT_TOKENS:
        return upstream.encode_count_request(decoded, target), decoded
    return translate_request(client, upstream, inbound, target, decoded), decoded


def _speaks(access: AccessSpec, operation: Operation, model: str, dialect_id: str) -> bool:
    return (
        dialect_id in access.dialects
        and access.path(operation, model, dialect=dialect_id) is not None
    )


def _estimated_tokens(body: bytes) -> int:
    return len(body) // BYTES_PER_TOKEN if len(body) <= LARGEST_ESTIMATED_BYTES else 0


def _unwrap(access: AccessSpec) -> Callable[[bytes], bytes] | None:
    return None if type(access).unwrap is AccessSpec.unwrap else access.unwrap
