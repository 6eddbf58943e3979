"""What would become of a request on its way to one account's upstream: in which API, and what of it would be lost."""

from msgspec import Struct

from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.crossing import crossing_to
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.providers.resolve import ResolvedAccount


class LossTold(Struct, frozen=True):
    """As `dialects.losses.Loss`; `serious`: the answer would be another one than was asked for."""

    feature: str
    detail: str
    serious: bool


class CrossingTold(Struct, frozen=True, kw_only=True):
    """
    A request's crossing.

    Attributes:
        dialect: API that the upstream is asked in.
        native: The client's own: body and reply pass as they are.
        losses: What the upstream would not see as the client said it.
        error: Why it cannot be sent there at all; "" if it can.
        code: The code of that.
    """

    dialect: str
    native: bool
    losses: tuple[LossTold, ...] = ()
    error: str = ""
    code: str = ""


def crossing_told(exchange: Exchange, way: ResolvedAccount, model: str) -> CrossingTold:
    """
    The crossing of a whole request; nothing is sent.

    Args:
        exchange: The request, read as far as the model it names.
        way: The account that would be asked.
        model: The upstream's name of the model.
    """
    upstream = (
        exchange.dialect if exchange.dialect in way.access.dialects else way.access.dialects[0]
    )
    try:
        crossing = crossing_to(exchange, way, model)
        way.access.prepare(crossing.encoded.body, crossing.outgoing, way.facts)
    except KorProxyError as error:
        return CrossingTold(
            dialect=upstream,
            native=upstream == exchange.dialect,
            error=error.message(),
            code=error.spec.code,
        )
    losses = [LossTold(str(it.feature), it.detail, it.serious) for it in crossing.encoded.losses]
    losses += [LossTold(it, "", serious=False) for it in crossing.outgoing.losses]
    return CrossingTold(
        dialect=crossing.outgoing.dialect, native=crossing.outgoing.native, losses=tuple(losses)
    )
