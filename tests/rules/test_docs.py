"""Every code, setting, command and metric is in the reference, and the reference is of today."""

import re

import pytest

from korproxy_addons.config.schema import Config
from korproxy_addons.errors.catalogue import CATALOGUE
from korproxy_addons.usage.metrics import Metrics
from launcher import reference
from support.sources import files, text

PAGE = "launcher/docs/reference.md"


def test_the_page_is_made_from_this_code() -> None:
    assert text(PAGE) == reference.page(), "make it anew: python3 packaging/dev.py reference"


def test_every_code_has_its_heading() -> None:
    headings = re.findall(r"^### (KP-\S+)$", text(PAGE), re.MULTILINE)
    assert sorted(headings) == sorted(CATALOGUE)


def test_every_setting_has_its_row_and_says_what_it_is_for() -> None:
    """Counted from the models themselves, not from what the page was made of."""
    rows = dict(re.findall(r"^\| `([^`]+)` \| .* \| ([^|]*) \|$", text(PAGE), re.MULTILINE))
    for name in Config.model_fields:
        assert rows[name].strip(), name
    for key in (
        "listen.port",
        "accounts[].secret",
        "providers.<name>.urls.token",
        "limits.body_bytes",
    ):
        assert rows[key].strip(), key
    assert [name for name, meaning in rows.items() if not meaning.strip()] == []


def test_every_command_has_its_heading_and_help() -> None:
    sections = re.findall(r"^### (korproxy [^\n]+)\n\n([^\n]*)", text(PAGE), re.MULTILINE)
    assert {"korproxy engine", "korproxy config check", "korproxy errors"} <= dict(sections).keys()
    assert len(sections) == len(list(reference.commands()))
    assert [name for name, help_text in sections if not help_text] == []


def test_every_metric_has_its_row() -> None:
    names = [family.name for family in Metrics().registry.collect()]
    assert names
    assert [name for name in names if f"| `{name}" not in text(PAGE)] == []


README_WORDS = [
    "python3 packaging/dev.py demo",
    "python3 packaging/dev.py test",
    "KORPROXY_HOME",
    "http://localhost:1337",
    PAGE,
]


@pytest.mark.parametrize("word", README_WORDS)
def test_the_readme_names(word: str) -> None:
    assert word in text("README.md")


def test_the_readme_links_to_files_that_exist() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text("README.md"))
    assert links
    assert [link for link in links if link not in files()] == []
