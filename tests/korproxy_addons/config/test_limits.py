import pytest
from pydantic import ValidationError

from korproxy_addons.config.limits import LimitAction, QuotaRule


def rule(**fields: object) -> QuotaRule:
    return QuotaRule.model_validate({"name": "r", "per": "day", **fields}, strict=False)


def test_a_rule_refuses_unless_it_says_otherwise() -> None:
    assert rule(requests=1).action is LimitAction.REFUSE


@pytest.mark.parametrize(
    "fields", [{}, {"requests": 1, "tokens": 1}, {"tokens": 1, "cost_usd": 1.0}]
)
def test_a_rule_counts_one_thing(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="one of requests, tokens, cost_usd"):
        rule(**fields)


@pytest.mark.parametrize(
    "fields", [{"requests": 0}, {"cost_usd": 0}, {"requests": 1, "per": "year"}]
)
def test_a_rule_that_could_never_be_met_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        rule(**fields)
