"""What is gathered of a folder, in whatever state it is."""

import json
from pathlib import Path

import pytest

from korproxy_addons.config.schema import Config
from korproxy_addons.io.database import Database
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.tables import TABLES, timeline
from korproxy_addons.io.tables.exchanges import INSERT_EXCHANGE
from korproxy_addons.io.tables.timeline import INSERT_MOMENT, TIMELINE
from launcher.actions import bundle_facts
from launcher.actions.bundle_facts import GATHERED, gather
from launcher.actions.self_test_config import FoundConfig
from launcher.actions.self_test_ports import Running
from launcher.actions.steps import Step
from support.bundled import AT, exchange, looked

DOWN = Running(launcher=False, status=None, health=None, port=1337)

ENVIRON = {
    "KORPROXY_HOME": "canary",
    "HTTPS_PROXY": "canary",
    "HOME": "canary",
    "OPENAI_API_KEY": "x",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with something of everything, some of it too old."""
    home = tmp_path / "kp"
    (home / "logs").mkdir(parents=True)
    (home / "crashes").mkdir()
    (home / "config.yaml").write_text("version: 1\n")
    lines = [
        {"ts": at, "level": "info", "component": "a", "event": name}
        for at, name in ((AT - 90_000, "old"), (AT - 10, "new"))
    ]
    (home / "logs" / "gateway.jsonl").write_text("".join(json.dumps(it) + "\n" for it in lines))
    (home / "logs" / "launcher.log").write_text("it began\n")
    (home / "logs" / "launcher-errors.log").write_text("what an exception said\n")
    (home / "crashes" / "a.json").write_text('{"what": 1}')
    (home / "crashes" / "b.json").write_text("{half")
    database = Database(home / FILE_NAME, TABLES, clock=lambda: AT)
    database.open()
    rows = [exchange("ok", 60.0).row(), exchange("ok", 90_000.0).row()]
    database.write(INSERT_EXCHANGE, rows)
    database.close()
    launcher = Database(home / timeline.FILE_NAME, (TIMELINE,), clock=lambda: AT)
    launcher.open()
    launcher.write(INSERT_MOMENT, [(AT - 30, "healthy", "", "")])
    launcher.close()
    return home


def test_the_last_day_and_nothing_older(home: Path) -> None:
    facts = gather(home, looked(running=DOWN), AT, ENVIRON)
    assert [it.id for it in facts.exchanges] == ["kp60.0"]
    assert [it["event"] for it in facts.lines] == ["new"]
    assert [it.state for it in facts.moments] == ["healthy"]
    assert facts.crashes == (("a.json", {"what": 1}), ("b.json", {"unreadable": "{half"}))
    assert facts.texts == (("launcher.log", "it began\n"),)
    assert facts.config_text == "version: 1\n"
    assert facts.metrics == ""
    assert "config.yaml" in [it.name for it in facts.modes]
    assert facts.lacking == ()


def test_of_the_environment_only_names_that_bear_on_us(home: Path) -> None:
    system = gather(home, looked(running=DOWN), AT, ENVIRON).system
    assert system["variables_set"] == ["HTTPS_PROXY", "KORPROXY_HOME"]
    assert "canary" not in str(system)
    assert system["libraries"]["mitmproxy"]


def test_a_folder_that_is_not_there_gives_facts_without_any(tmp_path: Path) -> None:
    nothing = looked(running=DOWN, config=FoundConfig(Config(), is_there=False))
    facts = gather(tmp_path / "none", nothing, AT, {})
    assert not (tmp_path / "none").exists()
    assert (facts.exchanges, facts.lines, facts.moments, facts.modes) == ((), (), (), ())
    assert facts.lacking == ()


def test_what_cannot_be_had_is_noted_and_the_rest_is_there(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / FILE_NAME).write_bytes(b"no database" * 100)
    for name in ("korproxy.db-wal", "korproxy.db-shm"):
        (home / name).unlink(missing_ok=True)
    monkeypatch.setattr(bundle_facts, "last_lines", lambda *_: 1 / 0)
    facts = gather(home, looked(running=DOWN), AT, {})
    assert [it.partition(":")[0] for it in facts.lacking] == ["requests", "log"]
    assert facts.lacking[0].startswith("requests: KP-SYS-506")
    assert facts.lacking[1] == "log: ZeroDivisionError"
    assert facts.moments


def test_a_database_that_is_known_not_to_open_is_not_waited_for_again(home: Path) -> None:
    told: list[Step] = []
    facts = gather(home, looked(running=DOWN, database_ok=False), AT, {}, told.append)
    assert (told[-1].done, told[-1].total) == (GATHERED, GATHERED), "left out is done, too"
    assert facts.exchanges == ()
    assert facts.lacking == ("requests and quota: the database cannot be read",)
