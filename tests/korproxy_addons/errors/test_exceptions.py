"""What a KorProxyError says, and to whom."""

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError


def test_message_joins_title_detail_and_remedy_in_one_line() -> None:
    error = KorProxyError(catalogue.FIELD_INVALID, "temperature:\n expected a number")
    assert error.message() == (
        "A field of the request is not valid: temperature: expected a number."
        " Correct the field named. [KP-REQ-705]"
    )


def test_message_without_detail_is_title_and_remedy() -> None:
    assert KorProxyError(catalogue.EMPTY_BODY).message() == (
        "The request has no body. Send a JSON object. [KP-REQ-701]"
    )


def test_message_never_tells_the_cause() -> None:
    for spec in catalogue.CATALOGUE.values():
        assert spec.cause not in KorProxyError(spec, "detail").message()


def test_long_detail_is_cut() -> None:
    assert len(KorProxyError(catalogue.UPSTREAM_ERROR, "x" * 100_000).message()) < 1000


def test_status_is_the_rows_unless_said_otherwise() -> None:
    assert KorProxyError(catalogue.BAD_CONTENT_ENCODING).status == 400
    assert KorProxyError(catalogue.BAD_CONTENT_ENCODING, status=415).status == 415


def test_what_is_handed_in_is_kept() -> None:
    error = KorProxyError(catalogue.RATE_LIMITED, "work", retry_after_s=2.5, param="model")
    assert (error.spec, error.retry_after_s, error.param) == (catalogue.RATE_LIMITED, 2.5, "model")
    assert str(error) == "KP-RATE-401 Too many requests for this account just now: work"
