import json

import pytest

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import Inbound, Target
from korproxy_addons.dialects.events import KeepAlive, ReplyError
from korproxy_addons.dialects.losses import Feature
from korproxy_addons.dialects.openai_responses import DIALECT
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind
from support.responses_wire import DEFAULT, FACTS, asked, encoded


def test_it_is_found_by_its_id() -> None:
    assert dialect("openai-responses") is DIALECT
    assert DIALECT.own_origin == "openai"
    assert Feature.CHOICES in DIALECT.cannot_express


def test_a_request_goes_in_and_comes_out() -> None:
    body = b'{"model":"m","input":"Hi"}'
    assert DIALECT.peek_request(Inbound(body)).model == "m"
    request = DIALECT.decode_request(Inbound(body))
    out = DIALECT.encode_request(request, Target("up", DEFAULT, FACTS, stream=True))
    assert json.loads(out.body)["model"] == "up"
    assert DIALECT.without_sealed(body) == body


def test_what_a_waiting_client_is_sent() -> None:
    """T155"""
    assert DIALECT.keep_alive() == encoded([KeepAlive()]) == b": keep-alive\n\n"


def test_content_types() -> None:
    """T157"""
    assert DIALECT.content_type(streamed=True) == "text/event-stream"
    assert DIALECT.content_type(streamed=False) == "application/json"


def test_errors_there_and_back() -> None:
    """T164"""
    error = ReplyError(Kind.RATE_LIMIT, "Slow.", "rate_limit_exceeded", retry_after_s=None)
    body = DIALECT.error_body(error, 429, "req_1")
    assert DIALECT.read_error(429, body) == error
    assert DIALECT.error_status(error, 529) == 503


def test_lists_of_models() -> None:
    """T173"""
    assert json.loads(DIALECT.encode_models([ModelFacts("m")]))["models"][0]["slug"] == "m"
    assert json.loads(DIALECT.encode_model(ModelFacts("m")))["id"] == "m"


def test_counts() -> None:
    """T171"""
    out = DIALECT.encode_count_request(asked(), Target("up", DEFAULT, FACTS, stream=False))
    assert json.loads(out.body)["model"] == "up"
    assert DIALECT.read_count(DIALECT.encode_count(7)) == 7
    assert json.loads(DIALECT.encode_count(7))["object"] == "response.input_tokens"
    with pytest.raises(KorProxyError, match="KP-PROV-102"):
        DIALECT.read_count(b'{"error":{}}')
