import json

from korproxy_addons.usage.record import COLUMNS, AttemptRecord, ExchangeRecord

ATTEMPT = AttemptRecord(
    account="a", provider="claude", access="api-key", dialect="gemini", model="m", input_tokens=3
)
RECORD = ExchangeRecord(
    id="kp1",
    request_id="r",
    started_at=1.5,
    client_dialect="gemini",
    operation="generate",
    outcome="ok",
    total_ms=2.0,
    attempts=(ATTEMPT,),
    input_tokens=3,
    output_tokens=4,
)


def test_a_row_has_a_value_for_every_column() -> None:
    row = dict(zip(COLUMNS, RECORD.row(), strict=True))
    assert (row["id"], row["started_at"], row["input_tokens"]) == ("kp1", 1.5, 3)
    attempts = row["attempts"]
    assert isinstance(attempts, str)
    assert json.loads(attempts)[0]["provider"] == "claude"


def test_a_row_holds_nothing_but_what_a_database_can() -> None:
    assert all(it is None or isinstance(it, str | int | float) for it in RECORD.row())


def test_tokens_are_those_of_prompt_and_answer() -> None:
    assert RECORD.total_tokens == 7
