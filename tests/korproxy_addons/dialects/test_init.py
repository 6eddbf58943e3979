"""The registry of dialects."""

import subprocess
import sys

import pytest

from korproxy_addons.config.builtin import DIALECTS as CONFIGURED
from korproxy_addons.dialects import DIALECTS, dialect
from support.needs import ROOT


@pytest.mark.parametrize("dialect_id", DIALECTS)
def test_each_id_finds_the_dialect_of_that_id(dialect_id: str) -> None:
    assert dialect(dialect_id).id == dialect_id
    assert dialect(dialect_id) is dialect(dialect_id)


def test_the_configuration_offers_the_same_dialects() -> None:
    assert tuple(DIALECTS) == CONFIGURED


def test_an_unknown_dialect_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        dialect("smoke-signals")


def test_a_dialect_is_loaded_when_it_is_first_asked_for() -> None:
    """A start pays for what it serves."""
    code = (
        "import sys, korproxy_addons.dialects as d\n"
        "loaded = [it for it in d.DIALECTS.values() if it in sys.modules]\n"
        "d.dialect('gemini')\n"
        "print(loaded, 'korproxy_addons.dialects.gemini' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[] True"
