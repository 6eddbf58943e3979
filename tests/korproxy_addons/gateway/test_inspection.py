"""What a look shows; the page itself is in tests/e2e/supervision/test_inspect.py."""

import gzip

import pytest
from mitmproxy import flow as flows
from mitmproxy.test import tflow
from pydantic import SecretStr

from korproxy_addons.gateway.flow_record import MASK
from korproxy_addons.gateway.inspection import is_allowed, without_secrets
from korproxy_addons.recording.redact import Redactor

SECRET = "canary-5b1fd0c7"


def mask(text: str) -> str:
    redactor = Redactor()
    redactor.learn([SecretStr(SECRET)])
    return redactor.text(text)


def everything(flow: flows.Flow) -> bytes:
    return repr(flow.get_state()).encode()


def test_no_part_of_what_is_shown_holds_a_secret_and_the_flow_stays_as_it_is() -> None:
    flow = tflow.tflow(resp=True, err=True)
    assert flow.response is not None
    assert flow.error is not None
    flow.error.msg = f"refused {SECRET}"
    flow.request.path = f"/v1/x?name={SECRET}"
    flow.request.headers["x-other"] = f"a {SECRET}"
    flow.request.content = f'{{"prompt": "{SECRET}"}}'.encode()
    flow.response.headers["set-cookie"] = "session=abc"
    flow.response.headers["content-encoding"] = "gzip"
    flow.response.raw_content = gzip.compress(SECRET.encode())
    before = everything(flow)
    shown = without_secrets(flow, mask, bodies=True)
    assert shown.response is not None
    assert SECRET.encode() not in everything(shown)
    assert shown.response.text == "[redacted]"
    assert shown.response.headers["set-cookie"] == MASK
    assert shown.request.text == '{"prompt": "[redacted]"}'
    assert shown.id == flow.id
    assert everything(flow) == before


def test_what_holds_no_secret_is_shown_as_it_is() -> None:
    flow = tflow.tflow(resp=True)
    assert flow.response is not None
    flow.response.content = "{“é”: 1}\0\xff".encode()
    shown = without_secrets(flow, mask, bodies=True)
    assert shown.response is not None
    assert shown.response.content == flow.response.content
    assert shown.request.headers == flow.request.headers


def test_a_body_that_cannot_be_decoded_is_shown_as_it_came() -> None:
    flow = tflow.tflow(resp=True)
    assert flow.response is not None
    flow.response.headers["content-encoding"] = "gzip"
    flow.response.raw_content = f"no gzip {SECRET}".encode()
    shown = without_secrets(flow, mask, bodies=True)
    assert shown.response is not None
    assert shown.response.raw_content == b"no gzip [redacted]"


@pytest.mark.parametrize(
    ("method", "path", "host", "allowed"),
    [
        ("GET", "/", "127.0.0.1:9", True),
        ("GET", "/flows", "localhost:9", True),
        ("POST", "/", "127.0.0.1:9", True),
        ("POST", "/clear", "127.0.0.1:9", True),
        ("GET", "/flows", "127.0.0.1:8", False),
        ("GET", "/flows", "evil.example:9", False),
        ("GET", "/flows", "127.0.0.1", False),
        ("GET", "/flows/dump", "127.0.0.1:9", False),
        ("POST", "/flows/dump", "127.0.0.1:9", False),
        ("POST", "/flows/1/replay", "127.0.0.1:9", False),
        ("PUT", "/options", "127.0.0.1:9", False),
        ("POST", "/options/save", "127.0.0.1:9", False),
        ("POST", "/commands/export.file", "127.0.0.1:9", False),
        ("DELETE", "/flows/1", "127.0.0.1:9", False),
    ],
)
def test_the_page_shows_and_changes_nothing(
    method: str, path: str, host: str, allowed: bool
) -> None:
    assert is_allowed(method, path, host, 9) is allowed
