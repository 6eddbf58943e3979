"""Kinds are the words that the dialects map."""

from korproxy_addons.errors.kinds import Kind, Retry, Severity, row


def test_kinds_are_the_ten_of_the_contract() -> None:
    assert {
        "invalid_request",
        "authentication",
        "billing",
        "permission",
        "not_found",
        "too_large",
        "rate_limit",
        "overloaded",
        "timeout",
        "internal",
    } == {kind.value for kind in Kind}


def test_row_collects_the_remedy() -> None:
    spec = row("KP-X-1", Kind.TIMEOUT, Severity.ERROR, 504, Retry.NO, "t", "c", "one", "two")
    assert (spec.title, spec.cause, spec.remedy) == ("t", "c", ("one", "two"))
