"""Whether a reply says that money beyond the plan is drawn."""

import pytest

from korproxy_addons.providers.overage import claude_overage, codex_overage
from korproxy_addons.providers.quota import FIVE_HOURS_S

NOW = 1_800_000_000.0
UNIFIED = "anthropic-ratelimit-unified-"


def claude(**headers: str) -> dict[str, str]:
    return {UNIFIED + name.replace("_", "-"): value for name, value in headers.items()}


FULL = claude(**{"5h_status": "rejected", "5h_reset": "1800003600", "5h_utilization": "1.0"})


def test_extra_usage_in_use_was_drawn() -> None:
    sign = claude_overage({**FULL, **claude(overage_in_use="true")}, NOW)
    assert sign is not None
    assert (sign.drawn, sign.until, sign.words) == (True, NOW + 3600, "extra usage")


def test_a_full_window_with_extra_usage_allowed_would_draw_it() -> None:
    for status in ("allowed", "allowed_warning"):
        sign = claude_overage({**FULL, **claude(overage_status=status)}, NOW)
        assert sign is not None
        assert not sign.drawn
    later = claude(
        **{"7d_utilization": "1.2", "7d_reset": "1800090000", "overage_status": "allowed"}
    )
    sign = claude_overage({**FULL, **later}, NOW)
    assert sign is not None
    assert sign.until == 1_800_090_000.0, "the plan serves again when the last full window does"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        FULL,
        {**FULL, **claude(overage_status="rejected", overage_in_use="false")},
        claude(**{"5h_utilization": "0.99", "overage_status": "allowed"}),
    ],
    ids=["nothing", "full", "switched-off", "not-full"],
)
def test_a_plan_within_its_limits_draws_nothing(headers: dict[str, str]) -> None:
    assert claude_overage(headers, NOW) is None


def test_without_a_reset_it_is_the_shortest_window() -> None:
    sign = claude_overage(claude(overage_in_use="true"), NOW)
    assert sign is not None
    assert sign.until == NOW + FIVE_HOURS_S
    past = claude_overage(claude(overage_in_use="true", reset="1000"), NOW)
    assert past is not None
    assert past.until == NOW + FIVE_HOURS_S


CODEX_FULL = {"x-codex-primary-used-percent": "100", "x-codex-primary-reset-after-seconds": "60"}


@pytest.mark.parametrize("name", ["has-credits", "unlimited"])
def test_a_full_chatgpt_plan_with_credits_would_draw_them(name: str) -> None:
    sign = codex_overage({**CODEX_FULL, f"x-codex-credits-{name}": "True"}, NOW)
    assert sign is not None
    assert (sign.drawn, sign.until, sign.words) == (False, NOW + 60, "credits")


def test_a_chatgpt_plan_without_credits_or_with_room_draws_nothing() -> None:
    assert codex_overage(CODEX_FULL, NOW) is None
    room = {"x-codex-primary-used-percent": "99", "x-codex-credits-has-credits": "True"}
    assert codex_overage(room, NOW) is None


def test_the_later_of_two_full_windows_counts() -> None:
    headers = {
        **CODEX_FULL,
        "x-codex-secondary-used-percent": "100",
        "x-codex-secondary-reset-at": "1800090000",
        "x-codex-credits-has-credits": "true",
    }
    sign = codex_overage(headers, NOW)
    assert sign is not None
    assert sign.until == 1_800_090_000.0
