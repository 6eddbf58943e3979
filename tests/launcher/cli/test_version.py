import json
import re
from importlib import metadata

import pytest

from korproxy_addons import __version__
from launcher.cli import run


def test_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version"]) == 0
    line = (
        f"KorProxy {re.escape(__version__)} \\(mitmproxy 12\\.[0-9.]+, Python 3\\.[0-9.]+, .+\\)\n"
    )
    assert re.fullmatch(line, capsys.readouterr().out)


def test_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["korproxy"] == __version__
    assert value["frozen"] is False


def test_the_installed_package_has_the_same_version() -> None:
    """It stands in one place; what is installed was made from it."""
    assert metadata.version("korproxy") == __version__
