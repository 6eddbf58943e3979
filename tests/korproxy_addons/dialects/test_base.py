import pytest

from korproxy_addons.dialects import DIALECTS, dialect
from korproxy_addons.dialects.base import EncodedRequest, native_losses
from korproxy_addons.dialects.losses import Feature, Loss


def test_fields_of_the_source_dialect_are_listed_each() -> None:
    found = native_losses({"truncation": 1, "text.extra": 2})
    assert (
        Loss(Feature.NATIVE_FIELD, "truncation"),
        Loss(Feature.NATIVE_FIELD, "text.extra"),
    ) == found


def test_two_requests_never_share_their_tool_names() -> None:
    one, other = EncodedRequest(b""), EncodedRequest(b"")
    one.names.there("a.b")
    assert not other.names.back


def test_there_are_four_dialects_and_no_other() -> None:
    assert {"openai-chat", "openai-responses", "anthropic-messages", "gemini"} == set(DIALECTS)
    with pytest.raises(KeyError):
        dialect("telepathy")
