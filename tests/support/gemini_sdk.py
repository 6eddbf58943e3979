"""The real google-genai SDK, given bytes in place of a network; not there on Python 3.12."""

from typing import Any

import pytest


def needs_sdk() -> Any:
    """`google.genai.types`, or a skip."""
    return pytest.importorskip("google.genai", reason="google-genai is not installed").types


def sdk_client(reply: bytes, content_type: str) -> Any:
    """A client to whom every request is answered with these bytes."""
    from google import genai

    http = pytest.importorskip("httpx2")

    def answered(_: Any) -> Any:
        return http.Response(200, content=reply, headers={"content-type": content_type})

    options = genai.types.HttpOptions(
        base_url="http://gateway", httpx_client=http.Client(transport=http.MockTransport(answered))
    )
    return genai.Client(api_key="key", http_options=options)
