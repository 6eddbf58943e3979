"""The way out of a provider's envelope (T163), for what both roads of a reply read."""

from collections.abc import Callable

from korproxy_addons.dialects.body import Body
from korproxy_addons.dialects.sse import FrameCutter, FrameRewriter

type Unwrap = Callable[[bytes], bytes]


class Envelope:
    """
    Takes a reply out of its envelope; without one, bytes go as they are.

    Args:
        streamed: The reply is a stream of frames: each one's payload is unwrapped, and whole frames come
            out. Else the body is collected and unwrapped at the end.
        unwrap: One payload or body in, its inside out; b"" drops the frame.
    """

    def __init__(self, *, streamed: bool, unwrap: Unwrap | None) -> None:
        self._unwrap = unwrap
        self._cutter = FrameCutter()
        self._rewriter = FrameRewriter(unwrap) if unwrap and streamed else None
        self._body = Body()

    def feed(self, data: bytes) -> bytes:
        """What can be read so far."""
        if self._unwrap is None:
            return data
        if self._rewriter is not None:
            return self._rewriter.feed(self._cutter.feed(data))
        self._body.feed(data)
        return b""

    def close(self) -> bytes:
        """The rest."""
        if self._unwrap is None:
            return b""
        if self._rewriter is not None:
            return self._rewriter.feed(self._cutter.close())
        return self._unwrap(self._body.close())
