"""Nothing beyond a plan, unless somebody has said how much."""

import pytest
from pydantic import ValidationError

from korproxy_addons.config.spending import OverageSettings
from support.flows import config_with


def test_nothing_is_allowed_by_default() -> None:
    config = config_with(
        accounts=[{"id": "a", "provider": "claude", "secret": "env:A"}],
    )
    assert config.accounts[0].overage == OverageSettings(allow=False, cap_usd=None)


@pytest.mark.parametrize(
    "settings", [{"allow": True}, {"cap_usd": 0.0}, {"cap_usd": -1.0}, {"allow": True, "cap": 5.0}]
)
def test_there_is_no_permission_without_a_cap(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OverageSettings.model_validate(settings)


def test_a_cap_alone_allows_nothing() -> None:
    assert not OverageSettings(cap_usd=5.0).allow
