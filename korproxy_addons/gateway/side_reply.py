"""The reply to a side question: passed on, or a count put into the client's words."""

from korproxy_addons.dialects.base import Dialect
from korproxy_addons.dialects.events import ReplyError, reply_error
from korproxy_addons.dialects.model import FinishReason, Usage
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.outgoing import Operation


class SideReply:
    """
    Everything but a generation (`translate.Translator`): embeddings, counts, compactions.

    Args:
        client: The client's dialect.
        upstream: The upstream's. Only a count crosses between two.
        operation: What was asked.
    """

    def __init__(self, client: Dialect, upstream: Dialect, operation: Operation) -> None:
        self._client = client
        self._upstream = upstream
        self._counts = operation is Operation.COUNT_TOKENS and client.id != upstream.id
        self._body: list[bytes] = []
        self.usage: Usage | None = None
        self.finish: FinishReason | None = None
        self.model = ""
        self.error: ReplyError | None = None
        self.mistake: Exception | None = None
        self.over = False

    def feed(self, data: bytes) -> bytes:
        if not self._counts:
            return data
        self._body.append(data)
        return b""

    def close(self) -> bytes:
        self.over = True
        if not self._counts:
            return b""
        try:
            return self._client.encode_count(self._upstream.read_count(b"".join(self._body)))
        except KorProxyError as error:
            self.error = reply_error(error)
            return b""

    def fail(self, error: ReplyError) -> bytes:
        self.over = True
        self.error = error
        return b""

    def keep_alive(self) -> bytes:
        return b""
