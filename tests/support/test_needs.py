import os
from pathlib import Path

import pytest

from support import needs


def test_the_recordings_are_where_the_environment_says(tmp_path: Path) -> None:
    assert needs.needs_recordings({"KORPROXY_RECORDINGS": str(tmp_path)}) == tmp_path


def test_what_is_lacking_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="set KORPROXY_RECORDINGS"):
        needs.needs_recordings({"KORPROXY_RECORDINGS": str(tmp_path / "none")})
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not installed: grow one"):
        needs.needs_program("no-such-program", "grow one")
    with pytest.raises(pytest.skip.Exception, match=r"packaging/dev\.py tools"):
        needs.needs_coding_tool("no-such-tool")


def test_a_coding_tool_runs_on_the_pinned_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs, "TOOLS", tmp_path)
    program = tmp_path / ".bin" / "codex"
    program.parent.mkdir()
    program.touch()
    program.with_suffix(".cmd").touch()
    tool = needs.needs_coding_tool("codex", {"PATH": "elsewhere"})
    assert tool.path.stem == "codex"
    assert tool.search_path.split(os.pathsep) == [str(program.parent), "elsewhere"]


def test_another_set_of_recordings_need_not_hold_what_the_known_one_does(tmp_path: Path) -> None:
    environ = {"KORPROXY_RECORDINGS": str(tmp_path)}
    (tmp_path / "gemini").mkdir()
    for number in range(300):
        (tmp_path / "gemini" / f"{number}.json").touch()
    assert needs.least(40, environ) == 0
    with pytest.raises(pytest.skip.Exception, match="other recordings"):
        needs.needs_all_recordings(environ)
    for name in needs.KNOWN_RECORDINGS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert needs.least(40, environ) == 40
    assert needs.needs_all_recordings(environ) == tmp_path
