"""The configuration for those that only look."""

from pathlib import Path

from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import LAST_GOOD_NAME
from launcher.actions.readable_config import readable_config
from support.ledgers import ledger


def test_nothing_is_written_where_there_is_none(tmp_path: Path) -> None:
    assert readable_config(tmp_path / "home") == Config()
    assert list(tmp_path.iterdir()) == []


def test_it_is_the_one_in_force(tmp_path: Path) -> None:
    home = ledger(tmp_path, active_profile="default")
    assert [it.id for it in readable_config(home).accounts] == ["mine", "other"]


def test_a_broken_one_leaves_the_last_good_one_or_the_default(tmp_path: Path) -> None:
    home = ledger(tmp_path)
    good = (home / "config.yaml").read_bytes()
    (home / "config.yaml").write_text("version: [")
    assert readable_config(home) == Config()
    (home / LAST_GOOD_NAME).write_bytes(good)
    assert [it.id for it in readable_config(home).accounts] == ["mine", "other"]
