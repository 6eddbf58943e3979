"""Lines of the shells' start files that set a variable."""

from pathlib import Path

import pytest

from launcher.tools.machine import Machine
from launcher.tools.shell_files import lines_that_set

NAME = "ANTHROPIC_BASE_URL"


def lines(home: Path) -> list[tuple[str, int, str]]:
    here = Machine({}, home, home, "linux", lambda _: None)
    found = lines_that_set(NAME, here)
    return [(it.path.relative_to(home).as_posix(), it.number, it.value) for it in found]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        (".bashrc", f"export {NAME}=http://x"),
        (".bashrc", f'  export {NAME}="http://x"  # a guide'),
        (".zshrc", f"{NAME}='http://x'"),
        (".config/fish/config.fish", f"set -gx {NAME} http://x"),
        (".config/fish/config.fish", f"set --export --global {NAME} http://x"),
        ("Documents/PowerShell/Microsoft.PowerShell_profile.ps1", f'$env:{NAME} = "http://x"'),
    ],
)
def test_each_shell_has_its_own_way(tmp_path: Path, file: str, line: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# mine\n{line}\n")
    assert lines(tmp_path) == [(file, 2, "http://x")]


def test_the_last_line_of_a_file_counts_and_others_are_not_taken_for_it(tmp_path: Path) -> None:
    text = f"# export {NAME}=commented\nexport {NAME}=one\nexport {NAME}=two\nexport {NAME}_OLD=three\necho {NAME}\n"
    (tmp_path / ".bashrc").write_text(text)
    (tmp_path / ".profile").write_bytes(b"\xff\xfe nothing\n")
    assert lines(tmp_path) == [(".bashrc", 3, "two")]
    (tmp_path / ".zshrc").mkdir()
    assert lines(tmp_path) == [(".bashrc", 3, "two")]
