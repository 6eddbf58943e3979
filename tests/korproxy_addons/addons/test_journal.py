import json
import logging
from pathlib import Path

from pydantic import SecretStr

from korproxy_addons.addons.journal import Journal
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.io.logs import FILE_NAME
from korproxy_addons.recording.redact import MASK, Redactor

log = logging.getLogger("korproxy.leg")


def settings(home: Path, level: str) -> None:
    (home / "config.yaml").write_text(f"version: 1\nlogging: {{level: {level}}}\n")
    (home / "config.yaml").chmod(0o600)


def test_the_log_lives_as_long_as_the_master(tmp_path: Path) -> None:
    """It takes the levels of the config, follows them, and hides what was learned on the way."""
    settings(tmp_path, "warning")
    store = ConfigStore(tmp_path)
    store.load()
    redactor = Redactor()
    journal = Journal(tmp_path, store, redactor, own_process=True, terminal=False)
    journal.load(None)
    try:
        log.info("too quiet")
        log.warning("first")
        logging.getLogger("mitmproxy.x").warning("of a library")
        settings(tmp_path, "info")
        store.reload_if_changed()
        journal.apply_config()
        redactor.learn([SecretStr("learned-later")])
        log.info("second", extra={"fields": {"key": "learned-later"}})
    finally:
        journal.closing.done()
    log.warning("after the end")
    lines = [json.loads(it) for it in (tmp_path / "logs" / FILE_NAME).read_text().splitlines()]
    assert [it["event"] for it in lines] == ["first", "of a library", "second"]
    assert lines[-1]["key"] == MASK


def test_under_stock_mitmproxy_its_log_stays_its_own(tmp_path: Path) -> None:
    settings(tmp_path, "info")
    store = ConfigStore(tmp_path)
    store.load()
    journal = Journal(tmp_path, store, Redactor(), own_process=False, terminal=False)
    journal.load(None)
    logging.getLogger("mitmproxy.x").warning("theirs")
    journal.closing.done()
    assert not (tmp_path / "logs" / FILE_NAME).exists()
