"""The switch: on, off, and what it remembers."""

from pathlib import Path

import pytest

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions.safe_mode import SafeModeView, safe_mode, turn_off, turn_on
from support.routing_home import COMMENTS, comments, routing_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return routing_home(tmp_path / "home")


def test_it_is_off_until_somebody_turns_it_on(home: Path) -> None:
    before = (home / "config.yaml").read_text()
    assert safe_mode(home) == SafeModeView(enabled=False, model=None, group=None)
    assert not turn_off(home).enabled
    assert (home / "config.yaml").read_text() == before


def test_it_remembers_its_fallback(home: Path) -> None:
    on = SafeModeView(enabled=True, model="claude/m", group="cheap")
    assert turn_on(home, model="claude/m", group="small CHANGE") == on
    assert turn_off(home) == SafeModeView(enabled=False, model="claude/m", group="cheap")
    assert turn_on(home) == on
    assert turn_on(home, group="cheap") == SafeModeView(enabled=True, model=None, group="cheap")
    assert comments(home) == COMMENTS


def test_it_cannot_be_turned_on_without_a_fallback(home: Path) -> None:
    with pytest.raises(ConfigProblems, match="where all shall go"):
        turn_on(home)
    with pytest.raises(KorProxyError) as caught:
        turn_on(home, group="x")
    assert caught.value.spec is catalogue.GROUP_UNKNOWN
    assert not safe_mode(home).enabled
