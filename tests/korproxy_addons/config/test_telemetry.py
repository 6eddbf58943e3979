import pytest
from pydantic import ValidationError

from korproxy_addons.config.telemetry import TelemetrySettings


@pytest.mark.parametrize(
    "dsn",
    [
        "https://0123456789abcdef@o42.ingest.sentry.example/7",
        "http://abc@127.0.0.1:9000/1",
        "http://abc@[::1]:9000/1",
        "https://abc@sentry.example/with/a/path/12",
    ],
)
def test_a_dsn_is_taken_as_it_is(dsn: str) -> None:
    assert TelemetrySettings(crash_reports=True, dsn=dsn).dsn == dsn


@pytest.mark.parametrize(
    "dsn",
    [
        "", "nonsense", "https://sentry.example/7", "https://a:b@sentry.example/7", "https://@sentry.example/7",
        "https://a@sentry.example", "https://a@sentry.example/", "https://a@sentry.example/x", "ftp://a@sentry.example/7",
        "https://a@/7", "https://a@b@sentry.example/7", "https://a@sentry.example/7?x=1", "https://a@sentry.example/7\n",
        "https://a@sentry.example:99999/7",
    ],
)  # fmt: skip
def test_what_is_none_is_refused_in_words(dsn: str) -> None:
    with pytest.raises(ValidationError, match="a DSN such as https://KEY@HOST/PROJECT"):
        TelemetrySettings(dsn=dsn)


def test_nothing_is_sent_unless_somebody_says_so() -> None:
    assert TelemetrySettings() == TelemetrySettings(crash_reports=False, dsn=None)
