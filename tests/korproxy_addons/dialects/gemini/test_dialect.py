import json

import pytest
from msgspec import Raw

from korproxy_addons.config.habits import GEMINI_API, ModelFacts
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import DecodeContext, Dialect
from korproxy_addons.dialects.events import KeepAlive, ReplyError
from korproxy_addons.dialects.gemini.dialect import Gemini
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.losses import Feature
from korproxy_addons.dialects.model import FunctionTool
from korproxy_addons.errors.kinds import Kind
from support.gemini_wire import MODEL, asked, decoded, inbound, reply_context, target

GEMINI: Dialect = Gemini()
ERROR = ReplyError(Kind.OVERLOADED, "Busy.")


def test_it_is_found_by_its_id() -> None:
    assert dialect("gemini").id == GEMINI.id == "gemini"
    assert GEMINI.own_origin == "google"


def test_t154_t155_nothing_is_said_to_a_waiting_client() -> None:
    assert GEMINI.keep_alive() == b""
    assert GEMINI.encoder(reply_context()).feed(KeepAlive()) == b""


@pytest.mark.parametrize(
    ("streamed", "sse", "content_type"),
    [
        (True, True, "text/event-stream"),
        (True, False, "application/json; charset=UTF-8"),
        (False, True, "application/json; charset=UTF-8"),
    ],
)
def test_t157_the_content_type(streamed: bool, sse: bool, content_type: str) -> None:
    assert GEMINI.content_type(streamed=streamed, sse=sse) == content_type


@pytest.mark.parametrize(("status", "told"), [(529, 503), (503, 503), (429, 429)])
def test_t164_no_status_that_google_has_not(status: int, told: int) -> None:
    assert GEMINI.error_status(ERROR, status) == told


def test_errors_there_and_back() -> None:
    assert GEMINI.read_error(503, GEMINI.error_body(ERROR, 503, "r")).message == "Busy."
    assert GEMINI.usage_tap(streamed=True).failure(ERROR).startswith(b"data: {")


def test_requests_there_and_back() -> None:
    client = inbound({"contents": [{"parts": [{"text": "hi"}]}]}, path_stream=True)
    assert GEMINI.peek_request(client).stream
    request = GEMINI.decode_request(client)
    body = GEMINI.encode_request(request, target()).body
    assert json.loads(body) == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    assert json.loads(GEMINI.encode_count_request(request, target()).body)
    assert GEMINI.without_sealed(body) == body
    assert GEMINI.read_count(GEMINI.encode_count(7)) == 7


def test_replies_are_read() -> None:
    reading = GEMINI.decoder(DecodeContext(False, GEMINI_API, IdSource("s")))
    assert list(reading.feed(b"{")) == []
    assert decoded(b'{"error":{}}', streamed=False)


def test_models() -> None:
    facts = ModelFacts(MODEL)
    assert json.loads(GEMINI.encode_models([facts]))["models"] == [
        json.loads(GEMINI.encode_model(facts))
    ]


def test_what_it_cannot_express_is_what_it_lists() -> None:
    tool = FunctionTool("f", strict=True, native={"x": Raw(b"1")})
    made = GEMINI.encode_request(asked(tools=(tool,), parallel=False, verbosity="low"), target())
    features = {loss.feature for loss in made.losses} - {Feature.NATIVE_FIELD}
    assert features == {Feature.STRICT, Feature.PARALLEL, Feature.VERBOSITY}
    assert features <= GEMINI.cannot_express
