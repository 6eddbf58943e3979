from korproxy_addons.dialects.events import reply_error
from korproxy_addons.errors.catalogue import CONTEXT_TOO_LONG, RATE_LIMITED
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind


def test_an_exception_of_ours_says_what_a_client_may_see() -> None:
    error = KorProxyError(RATE_LIMITED, "in 9 s", retry_after_s=9.0, param="model")
    found = reply_error(error)
    assert (found.kind, found.retry_after_s, found.param) == (Kind.RATE_LIMIT, 9.0, "model")
    assert (error.message(), RATE_LIMITED.code) == (found.message, found.code)
    assert RATE_LIMITED.cause not in found.message
    assert not found.context_overflow


def test_a_prompt_that_is_too_long_is_marked() -> None:
    """T168."""
    assert reply_error(KorProxyError(CONTEXT_TOO_LONG)).context_overflow
