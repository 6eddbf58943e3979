import pytest

from korproxy_addons.config.habits import Habits, ModelFacts
from korproxy_addons.dialects.base import (
    DecodeContext,
    EncodedRequest,
    Inbound,
    ReplyContext,
    Target,
)
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import ChatRequest
from korproxy_addons.dialects.opaque import SEAL
from korproxy_addons.dialects.passing import PassThrough
from korproxy_addons.dialects.transcoder import Transcoder
from korproxy_addons.dialects.translate import reply_translator, translate_request
from support.toy_dialect import toy_dialect

ONE, TWO = toy_dialect("one"), toy_dialect("two")
TARGET = Target("up", Habits(dialect="two"), ModelFacts("up"), stream=True)


def test_a_request_of_the_same_dialect_passes_unchanged() -> None:
    found = translate_request(ONE, ONE, Inbound(b'{"odd" : 1.0}'), TARGET)
    assert EncodedRequest(b'{"odd" : 1.0}', names=found.names, passed=True) == found


def test_state_of_other_services_does_not_pass() -> None:
    """T71."""
    found = translate_request(ONE, ONE, Inbound(b"x" + SEAL + b"x"), TARGET)
    assert found.body == b"cleaned:x" + SEAL + b"x"


def test_a_request_of_another_dialect_is_encoded_from_the_original() -> None:
    found = translate_request(ONE, TWO, Inbound(b"m"), TARGET)
    assert (found.body, found.passed) == (b"two:one:m:up", False)


def test_a_request_that_is_decoded_already_is_not_decoded_again() -> None:
    decoded = ChatRequest("other", "known", ())
    assert translate_request(ONE, TWO, Inbound(b"m"), TARGET, decoded).body == b"two:other:known:up"


@pytest.mark.parametrize(
    ("upstream", "passed", "upstream_streams", "road"),
    [
        (ONE, True, True, PassThrough),
        (ONE, True, False, Transcoder),
        (ONE, False, True, Transcoder),
        (TWO, False, True, Transcoder),
        (TWO, True, True, Transcoder),
    ],
)
def test_bytes_pass_only_where_nothing_differs(
    upstream: object, passed: bool, upstream_streams: bool, road: type
) -> None:
    """An upstream that only streams is collected for a client that does not (T146)."""
    ids = IdSource("s")
    assert upstream in (ONE, TWO)
    found = reply_translator(
        ONE,
        ONE if upstream is ONE else TWO,
        EncodedRequest(b"", passed=passed),
        DecodeContext(upstream_streams, Habits(dialect="x"), ids),
        ReplyContext(True, "m", ids, 0),
    )
    assert isinstance(found, road)
