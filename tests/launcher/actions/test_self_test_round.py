"""The full round: a real gateway, real questions, and what is said when one of them fails."""

import pytest

from launcher.actions import self_test_round
from launcher.actions.checks import worst
from launcher.actions.self_test_round import DIALECTS, full_round
from launcher.demo.clients import Answer, Ask, plain_client
from launcher.demo.gateway_process import GatewayFailed


def test_every_dialect_reaches_every_simulated_provider() -> None:
    found = tuple(full_round())
    assert [it.name for it in found] == ["gateway start", *(f"ask {it}" for it in DIALECTS)]
    assert worst(found) == "ok", found
    for check in found[1:]:
        assert len(check.seen) > 10
        assert (
            check.detail == f"{len(check.seen)} of {len(check.seen)} simulated providers answered"
        )


def test_a_question_that_fails_is_told_with_whom_it_met_and_the_others_are_asked_all_the_same() -> (
    None
):
    def clients(url: str, dialect: str) -> Ask:
        ask = plain_client(url, dialect)

        def asked(model: str) -> Answer:
            if dialect == "gemini" and model.startswith("qwen"):
                raise RuntimeError("HTTP 500:\n  gone wrong")
            if dialect == "openai-chat" and model.startswith("claude"):
                return Answer("nothing")
            return ask(model)

        return asked

    found = {it.name: it for it in full_round(clients)}
    assert found["ask openai-responses"].result == "ok"
    assert found["ask gemini"].result == "fail"
    assert "qwen-api-key: HTTP 500: gone wrong" in found["ask gemini"].detail
    assert found["ask gemini"].remedy
    assert found["ask gemini"].seen[0].startswith("✓ ")
    assert "claude-api-key: the answer was empty" in found["ask openai-chat"].detail


def test_a_gateway_that_does_not_start_is_told_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Failing:
        def __init__(self, *_: object) -> None:
            pass

        def __enter__(self) -> None:
            raise GatewayFailed("x" * 400 + "\nno module named y")

    monkeypatch.setattr(self_test_round, "DemoGateway", Failing)
    (found,) = full_round()
    assert (found.name, found.result) == ("gateway start", "fail")
    assert found.detail.endswith("no module named y")
    assert len(found.detail) == 300
