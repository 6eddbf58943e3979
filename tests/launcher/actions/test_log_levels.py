from pathlib import Path

import pytest

from korproxy_addons.config.logs import COMPONENTS
from korproxy_addons.config.store import ConfigStore
from launcher.actions.log_levels import ComponentLevel, levels, set_level, unknown


def write(home: Path, logging: str) -> Path:
    path = home / "config.yaml"
    path.write_text(f"version: 1\nlogging: # mine\n{logging}")
    path.chmod(0o600)
    return path


def level_of(rows: tuple[ComponentLevel, ...], component: str) -> tuple[str, bool]:
    (found,) = [it for it in rows if it.component == component]
    return found.level, found.own


def test_all_components_are_shown_with_the_level_that_holds(tmp_path: Path) -> None:
    write(tmp_path, "  level: warning\n  components: {leg: debug, mine: error}\n")
    rows = levels(tmp_path)
    assert rows[0] == ComponentLevel("all", "warning", True, rows[0].about)
    assert level_of(rows, "leg") == ("debug", True)
    assert level_of(rows, "hook") == ("warning", False)
    assert level_of(rows, "mine") == ("error", True)
    assert {it.component for it in rows} == {"all", "mine", *COMPONENTS}
    assert [it.component for it in rows if not it.about] == ["mine"]


def test_a_level_is_written_into_the_settings_and_taken_out_again(tmp_path: Path) -> None:
    path = write(tmp_path, "  level: warning # stays\n")
    rows = set_level(tmp_path, "leg", "debug")
    assert level_of(rows, "leg") == ("debug", True)
    assert ConfigStore(tmp_path).load().logging.components == {"leg": "debug"}
    assert level_of(set_level(tmp_path, "leg", "default"), "leg") == ("warning", False)
    assert level_of(set_level(tmp_path, "leg", "default"), "leg") == ("warning", False)
    assert level_of(set_level(tmp_path, "all", "error"), "all") == ("error", True)
    assert "# stays" in path.read_text()
    assert level_of(set_level(tmp_path, "all", "default"), "hook") == ("info", False)


@pytest.mark.parametrize(
    ("component", "level", "said"),
    [("leg", "loud", "default"), ("legg", "debug", "near: leg"), ("leg", "critical", "a level is")],
)
def test_what_there_is_not_is_said_and_nothing_is_written(
    tmp_path: Path, component: str, level: str, said: str
) -> None:
    path = write(tmp_path, "  level: warning\n")
    before = path.read_bytes()
    with pytest.raises(ValueError, match=said):
        set_level(tmp_path, component, level)
    assert path.read_bytes() == before


def test_nothing_near_is_not_made_up() -> None:
    assert unknown("qqqqqqq", {"leg"}) == "there is no component qqqqqqq"
