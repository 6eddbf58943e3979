from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

from launcher.tray import bar as module
from launcher.tray.bar import bar_of, linux_bar, windows_bar


class Registry:
    """A registry with one value, or without."""

    HKEY_CURRENT_USER = 1

    def __init__(self, value: int | None) -> None:
        self.value = value

    def OpenKey(self, _root: int, path: str) -> "Registry":  # noqa: N802 - as winreg has it
        assert path.endswith("Personalize")
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def QueryValueEx(self, _key: Any, name: str) -> tuple[int, int]:  # noqa: N802 - as winreg has it
        assert name == "SystemUsesLightTheme"
        if self.value is None:
            raise FileNotFoundError
        return self.value, 4


@pytest.mark.parametrize(("value", "expected"), [(1, "light"), (0, "dark"), (None, "dark")])
def test_windows_says_what_its_task_bar_is(value: int | None, expected: str) -> None:
    assert windows_bar(Registry(value)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "light"),
        ("[Colors:Window]\nBackgroundNormal=239,240,241\n", "light"),
        ("[Colors:Window]\nBackgroundNormal=32,35,38\n", "dark"),
        ("[Colors:Window]\nBackgroundNormal=#202326\n", "light"),
        ("[General]\nColorScheme=BreezeDark\n", "light"),
        ("no section", "light"),
    ],
)
def test_kde_s_panel_has_the_colour_of_its_windows(
    text: str | None, expected: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "kdeglobals").write_text(text)
    environ = {"XDG_CURRENT_DESKTOP": "KDE", "XDG_CONFIG_HOME": str(tmp_path)}
    assert linux_bar(environ) == expected
    assert linux_bar(environ | {"XDG_CURRENT_DESKTOP": "XFCE"}) == "dark"


def test_the_settings_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "sys", SimpleNamespace(platform="linux"))
    monkeypatch.setattr(module, "linux_bar", lambda _environ: "dark")
    config = tmp_path / "config.yaml"
    for text, expected in (
        ("", "dark"),
        ("tray: {bar: light}\n", "light"),
        ("tray: {bar: 7}\n", "dark"),
    ):
        config.write_text(f"version: 1\n{text}")
        config.chmod(0o600)
        assert bar_of(tmp_path) == expected
    monkeypatch.setattr(module, "sys", SimpleNamespace(platform="darwin"))
    assert bar_of(tmp_path) == "template"
