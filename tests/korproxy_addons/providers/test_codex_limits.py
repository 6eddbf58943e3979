"""When a spent ChatGPT plan's window ends, by the headers."""

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.providers.codex_limits import with_header_reset
from korproxy_addons.providers.failure import Failure, Source

NOW = 1_795_000_000.0
SPENT = Failure(spec=catalogue.QUOTA_EXHAUSTED, retry_after_s=3600.0, source=Source.GUESS)


@pytest.mark.parametrize(
    ("headers", "reset_at"),
    [
        (
            {"x-codex-primary-used-percent": "100", "x-codex-primary-reset-at": "1795000900"},
            1795000900,
        ),
        (
            {
                "x-codex-primary-used-percent": "100.0",
                "x-codex-primary-reset-at": "1795000900",
                "x-codex-secondary-used-percent": "101",
                "x-codex-secondary-reset-after-seconds": "86400",
            },
            NOW + 86_400,
        ),
    ],
)
def test_the_latest_spent_window_counts(headers: dict[str, str], reset_at: float) -> None:
    failure = with_header_reset(SPENT, headers, NOW)
    assert (failure.reset_at, failure.source) == (reset_at, Source.HEADER)
    assert failure.retry_after_s == reset_at - NOW


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-codex-primary-used-percent": "99", "x-codex-primary-reset-at": "1795000900"},
        {"x-codex-primary-used-percent": "100"},
        {"x-codex-primary-used-percent": "many", "x-codex-primary-reset-at": "1795000900"},
    ],
)
def test_without_a_spent_window_the_guess_stays(headers: dict[str, str]) -> None:
    assert with_header_reset(SPENT, headers, NOW) is SPENT


def test_what_the_body_said_stays() -> None:
    headers = {"x-codex-primary-used-percent": "100", "x-codex-primary-reset-at": "1795000900"}
    said = Failure(spec=catalogue.QUOTA_EXHAUSTED, retry_after_s=1.0, source=Source.BODY)
    other = Failure(spec=catalogue.RATE_LIMITED, source=Source.GUESS)
    assert with_header_reset(said, headers, NOW) is said
    assert with_header_reset(other, headers, NOW) is other
