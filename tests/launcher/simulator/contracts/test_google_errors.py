"""Google's error envelope."""

import json

from launcher.simulator.contracts import google_errors


def test_the_status_word_belongs_to_the_code() -> None:
    body = json.loads(google_errors.reply(429).body)
    assert body == {
        "error": {
            "code": 429,
            "message": "Resource has been exhausted (e.g. check quota).",
            "status": "RESOURCE_EXHAUSTED",
        }
    }


def test_details_come_last_and_name_their_type() -> None:
    details = [google_errors.info("REASON", "googleapis.com"), google_errors.retry_info("900ms")]
    error = json.loads(google_errors.reply(403, "No.", details).body)["error"]
    assert list(error) == ["code", "message", "status", "details"]
    assert [each["@type"].rpartition(".")[2] for each in error["details"]] == [
        "ErrorInfo",
        "RetryInfo",
    ]


def test_violations_name_their_fields() -> None:
    detail = google_errors.bad_request((("tools[0]", "Cannot find field."),))
    assert detail["fieldViolations"] == [{"field": "tools[0]", "description": "Cannot find field."}]


def test_a_spent_day_names_the_day() -> None:
    text, details = google_errors.per_day("gemini-3.8-flash", "1s")
    assert "Please retry in 1s." in text
    assert "PerDay" in details[0]["violations"][0]["quotaId"]
