"""A translator around another one, for what changes or watches the client's bytes and knows nothing else of the reply."""

from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.model import FinishReason, Usage
from korproxy_addons.dialects.translate import Translator


class WrappedReply:
    """
    All that is known of the reply is what the inner translator knows; see `Translator`.

    Args:
        inner: Gives the client's bytes.
    """

    def __init__(self, inner: Translator) -> None:
        self._inner = inner

    @property
    def usage(self) -> Usage | None:
        """See `Translator`."""
        return self._inner.usage

    @property
    def finish(self) -> FinishReason | None:
        """See `Translator`."""
        return self._inner.finish

    @property
    def model(self) -> str:
        """See `Translator`."""
        return self._inner.model

    @property
    def error(self) -> ReplyError | None:
        """See `Translator`."""
        return self._inner.error

    @property
    def over(self) -> bool:
        """See `Translator`."""
        return self._inner.over

    @property
    def mistake(self) -> Exception | None:
        """See `Translator`."""
        return self._inner.mistake

    def feed(self, data: bytes) -> bytes:
        """See `Translator`."""
        return self._inner.feed(data)

    def close(self) -> bytes:
        """See `Translator`."""
        return self._inner.close()

    def fail(self, error: ReplyError) -> bytes:
        """See `Translator`."""
        return self._inner.fail(error)

    def keep_alive(self) -> bytes:
        """See `Translator`."""
        return self._inner.keep_alive()
