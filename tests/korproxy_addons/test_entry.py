import importlib
import sys
from pathlib import Path

import pytest

from korproxy_addons.addons.control import Control
from korproxy_addons.config.problems import ConfigProblems


def loaded() -> list[object]:
    """The script's addons, as mitmproxy loads it: anew."""
    sys.modules.pop("korproxy_addons.entry", None)
    found: list[object] = importlib.import_module("korproxy_addons.entry").addons
    return found


def test_the_script_has_the_gateway_s_addons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KORPROXY_HOME", str(tmp_path / "home"))
    assert any(isinstance(it, Control) for it in loaded())
    assert (tmp_path / "home" / "config.yaml").exists()


def test_a_bad_config_keeps_the_script_from_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mitmproxy then ends, instead of running as an open proxy."""
    (tmp_path / "config.yaml").write_text("nonsense: 1\n")
    (tmp_path / "config.yaml").chmod(0o600)
    monkeypatch.setenv("KORPROXY_HOME", str(tmp_path))
    with pytest.raises(ConfigProblems):
        loaded()
