"""From path and body to what the client wants; whatever is wrong with either is said here, and nothing is sent."""

from msgspec import structs

from korproxy_addons.config.schema import Config
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import Inbound
from korproxy_addons.dialects.gemini.code_assist import opened
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.coding import decoded_request_body
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.handshake import switching_headers
from korproxy_addons.gateway.hook import request_hook
from korproxy_addons.gateway.json_depth import deeper_than
from korproxy_addons.gateway.own_answers import own_answer
from korproxy_addons.gateway.replies import Reply, own_headers
from korproxy_addons.gateway.socket_history import SocketHistory, session_of
from korproxy_addons.providers.base import Operation
from korproxy_addons.routing.paths import read_path

_WITHOUT_BODY = frozenset((Operation.MODELS,))


def check_json(body: bytes, config: Config) -> None:
    """
    Refuse what is no JSON a provider could read, before anything looks into it.

    Raises:
        KorProxyError: EMPTY_BODY, NOT_UTF8 or TOO_DEEP. Whether it is JSON is found when it is read.
    """
    if not body.strip():
        raise KorProxyError(catalogue.EMPTY_BODY)
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise KorProxyError(catalogue.NOT_UTF8, f"byte {error.start}") from None
    if deeper_than(body, config.limits.json_depth):
        raise KorProxyError(catalogue.TOO_DEEP, f"the limit is {config.limits.json_depth} levels")


class Ingress:
    """
    Reads the request line at once, the body when it is there.

    Args:
        sockets: How requests on WebSockets went.
    """

    def __init__(self, sockets: SocketHistory | None = None) -> None:
        self._sockets = sockets or SocketHistory()

    @request_hook
    def requestheaders(self, exchange: Exchange) -> Reply | None:
        client = exchange.client
        length = client.lower.get("content-length", "")
        if length.isascii() and length.isdigit():
            limit_bytes = exchange.config.limits.body_bytes
            # Python refuses to read numbers of thousands of digits.
            if len(length) > 18 or int(length) > limit_bytes:
                raise KorProxyError(catalogue.BODY_TOO_LARGE, f"the limit is {limit_bytes} bytes")
        lower = client.lower
        wanted = read_path(client.method, client.path, client.query, lower)
        exchange.dialect = wanted.dialect
        if wanted.upgrade:
            if self._sockets.is_failing(session_of(lower)):
                raise KorProxyError(catalogue.UPGRADE_REQUIRED, "the last requests failed")
            return Reply(101, (*switching_headers(lower), *own_headers(exchange)), b"")
        exchange.wanted = wanted
        return None

    @request_hook
    def request(self, exchange: Exchange) -> Reply | None:
        wanted = exchange.wanted
        if wanted is not None and wanted.own:
            return own_answer(exchange)
        if wanted is None or wanted.operation is None or wanted.operation in _WITHOUT_BODY:
            return None
        client = exchange.client
        config = exchange.config
        coding = client.lower.get("content-encoding", "")
        client.body = decoded_request_body(client.body, coding, config.limits.body_bytes)
        check_json(client.body, config)
        exchange.inbound = Inbound(
            body=client.body,
            path_model=wanted.path_model or "",
            path_stream=wanted.stream,
            sse=not wanted.array,
        )
        envelope = opened(exchange.inbound) if wanted.envelope else None
        if envelope is not None:
            exchange.inbound = envelope.inbound
            exchange.prompt_id = envelope.prompt_id
        exchange.peek = dialect(exchange.dialect).peek_request(exchange.inbound)
        if envelope is not None and envelope.session:
            exchange.peek = structs.replace(exchange.peek, session=envelope.session)
        return None
