from collections.abc import Iterator
from pathlib import Path

import pytest

from korproxy_addons.addons import build
from korproxy_addons.addons.access import Access
from korproxy_addons.addons.control import Control
from korproxy_addons.addons.dispatch import Dispatch
from korproxy_addons.addons.egress import Egress
from korproxy_addons.addons.entrance import Entrance
from korproxy_addons.addons.ingress import Ingress
from korproxy_addons.addons.journal import Journal
from korproxy_addons.addons.metering import Metering
from korproxy_addons.addons.notices import Notices
from korproxy_addons.addons.recorder import Recorder
from korproxy_addons.addons.state import State
from korproxy_addons.addons.telemetry import Telemetry
from korproxy_addons.config.problems import ConfigProblems


@pytest.fixture
def built(tmp_path: Path) -> Iterator[tuple[object, ...]]:
    """The addons of a new folder; the log file they open is closed again."""
    addons = build(tmp_path)
    yield addons
    journal = addons[0]
    assert isinstance(journal, Journal)
    journal.load(None)
    journal.closing.done()


def test_every_check_comes_before_dispatch_and_the_log_is_there_first_and_last(
    built: tuple[object, ...],
) -> None:
    kinds = [type(it) for it in built]
    assert kinds[:-3] == [
        Journal,
        State,
        Notices,
        Entrance,
        Recorder,
        Access,
        Control,
        Ingress,
        Dispatch,
        Egress,
        Metering,
    ]
    journal, state = built[:2]
    assert isinstance(journal, Journal)
    assert isinstance(state, State)
    assert built[-3:-1] == (state.closing, journal.closing)
    # The log's last lines may still tell of a crash.
    assert kinds[-1] is Telemetry


def test_the_first_start_writes_a_config(built: tuple[object, ...], tmp_path: Path) -> None:
    assert (tmp_path / "config.yaml").exists()


def test_a_config_that_cannot_be_used_keeps_the_gateway_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("version: 9\n")
    path.chmod(0o600)
    with pytest.raises(ConfigProblems):
        build(tmp_path)
