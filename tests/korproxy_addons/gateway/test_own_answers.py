"""What Gemini CLI asks around a session with a Google login."""

import json
from typing import Any

import pytest

from korproxy_addons.gateway.own_answers import PROJECT, own_answer
from korproxy_addons.routing.paths import CODE_ASSIST_METHODS
from support.asking import Question
from support.legs import accounts_of, exchange_for


def answer(method: str, body: bytes = b"{}") -> dict[str, Any]:
    path = "/v1internal/operations/x" if method == "operations" else f"/v1internal:{method}"
    exchange = exchange_for(accounts_of({"a": "gemini"}), Question(path, {}), body=body)
    exchange.note("reason")
    reply = own_answer(exchange)
    headers = dict(reply.headers)
    assert (reply.status, headers["content-type"]) == (200, "application/json")
    assert headers["x-korproxy-request-id"] == "kp-test"
    found: dict[str, Any] = json.loads(reply.body)
    return found


def test_a_login_is_told_that_it_has_a_tier_and_a_project() -> None:
    """With a current tier and a project the CLI goes on without asking to be set up."""
    found = answer("loadCodeAssist")
    assert found["currentTier"]["id"] == "standard-tier"
    assert found["cloudaicompanionProject"] == PROJECT
    assert "ineligibleTiers" not in found


def test_a_project_of_its_own_is_kept() -> None:
    body = b'{"cloudaicompanionProject":"mine"}'
    assert answer("loadCodeAssist", body)["cloudaicompanionProject"] == "mine"
    assert answer("onboardUser", body)["response"]["cloudaicompanionProject"]["id"] == "mine"


@pytest.mark.parametrize("method", ["onboardUser", "operations"])
def test_being_set_up_is_done_at_once(method: str) -> None:
    found = answer(method)
    assert found["done"] is True
    assert found["response"]["cloudaicompanionProject"]["id"] == PROJECT


@pytest.mark.parametrize("method", sorted(CODE_ASSIST_METHODS))
@pytest.mark.parametrize("body", [b"", b"no json", b"[1]", b'{"cloudaicompanionProject":7}'])
def test_every_method_is_answered_whatever_its_body(method: str, body: bytes) -> None:
    assert isinstance(answer(method, body), dict)


def test_what_is_left_and_what_is_tried_out_are_empty_lists() -> None:
    assert answer("retrieveUserQuota") == {"buckets": []}
    assert answer("listExperiments") == {"experimentIds": [], "flags": []}
