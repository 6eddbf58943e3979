from pathlib import Path

import pytest

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions.config_file import export_config, import_config, replace_text, shown_config

CANARY = "canary-77aa01bc"
TEXT = f"""\
version: 1
# my accounts
allow_plain_secrets: true
accounts:
  - {{id: one, provider: claude, secret: "plain:{CANARY}"}}  # the first; was sk-ant-canary-0123456789
  - {{id: two, provider: claude, secret: env:TWO}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write(tmp_path, TEXT)
    return tmp_path


def write(home: Path, text: str) -> None:
    (home / "config.yaml").write_text(text)
    (home / "config.yaml").chmod(0o600)


def read(home: Path) -> str:
    return (home / "config.yaml").read_text()


def test_what_is_shown_is_the_file_but_for_its_secrets(home: Path) -> None:
    found = shown_config(home)
    assert "# my accounts" in found.text
    assert "secret: env:TWO" in found.text
    assert CANARY not in found.text
    assert "sk-ant-canary" not in found.text
    assert found.left_out == ("accounts[0].secret",)


def test_an_export_holds_no_secret_and_can_be_used(home: Path) -> None:
    found = export_config(home)
    assert CANARY not in found.text
    assert "canary" not in found.text
    assert found.left_out == ("accounts[0].secret",)
    config = parse_config(found.text.encode())
    assert [it.id for it in config.accounts] == ["one", "two"]
    assert str(config.accounts[1].secret) == "env:TWO"


def test_an_import_takes_the_place_of_what_was_there_and_keeps_it_aside(home: Path) -> None:
    config = import_config(home, b"version: 1\nlisten: {port: 1400}\n", "x.yaml", merge=False)
    assert (config.listen.port, config.accounts) == (1400, ())
    assert (home / "config.yaml.bak").read_text() == TEXT
    assert read(home) == "version: 1\nlisten: {port: 1400}\n"


def test_a_merge_keeps_comments_and_what_the_file_does_not_name(home: Path) -> None:
    given = b"""
listen: {port: 1400}
accounts:
- {id: two, provider: claude, secret: env:OTHER}
- {id: three, provider: gemini, secret: env:THREE}
"""
    config = import_config(home, given, "x.yaml", merge=True)
    assert config.listen.port == 1400
    assert [str(it.secret) for it in config.accounts] == [
        str(parse_config(TEXT.encode()).accounts[0].secret),
        "env:OTHER",
        "env:THREE",
    ]
    assert "# my accounts" in read(home)
    assert CANARY in read(home)


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("given", [b"listen: {port: no}", b"a: [", b"- 1\n", b"bogus: 1"])
def test_what_cannot_be_used_changes_nothing(home: Path, merge: bool, given: bytes) -> None:
    with pytest.raises(ConfigProblems):
        import_config(home, given, "x.yaml", merge=merge)
    assert read(home) == TEXT


def test_an_edit_does_not_overwrite_somebody_elses(home: Path) -> None:
    with pytest.raises(KorProxyError, match="somebody else"):
        replace_text(home, "version: 1\n", before="version: 1\n# another\n")
    assert read(home) == TEXT


def test_a_broken_file_can_be_mended(home: Path) -> None:
    write(home, "version: 1\nbogus: 1\n")
    replace_text(home, "version: 1\n", before="version: 1\nbogus: 1\n")
    assert read(home) == "version: 1\n"
    assert (home / "config.yaml").stat().st_mode & 0o777 == 0o600
