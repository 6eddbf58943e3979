"""The opening handshake of a WebSocket."""

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.handshake import switching_headers

# The example of RFC 6455, section 1.3.
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
OPENING = {
    "connection": "keep-alive, Upgrade",
    "upgrade": "WebSocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": KEY,
    "sec-websocket-extensions": "permessage-deflate; client_max_window_bits",
}


def test_the_answer_is_the_standards_own_example() -> None:
    """No extension is agreed to, whatever the client offers."""
    assert switching_headers(OPENING) == (
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-accept", ACCEPT),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("connection", "keep-alive"),
        ("upgrade", "h2c"),
        ("upgrade", ""),
        ("sec-websocket-version", "8"),
        ("sec-websocket-version", ""),
        ("sec-websocket-key", ""),
        ("sec-websocket-key", "c2hvcnQ="),
        ("sec-websocket-key", "no base64 at all"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ"),
        ("sec-websocket-key", "ключ"),
    ],
)
def test_anything_else_is_refused_in_the_one_way_that_makes_codex_post(
    name: str, value: str
) -> None:
    with pytest.raises(KorProxyError) as refused:
        switching_headers({**OPENING, name: value})
    assert refused.value.spec is catalogue.UPGRADE_REQUIRED


def test_a_get_without_an_upgrade_is_refused() -> None:
    with pytest.raises(KorProxyError):
        switching_headers({"accept": "*/*"})
