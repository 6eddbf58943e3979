import sys

import pytest

from launcher.tray import host
from launcher.tray.host import has_tray_host


@pytest.mark.skipif(sys.platform != "linux", reason="others always have a place for an icon")
def test_a_session_without_a_bus_has_no_tray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/at/all")
    assert not has_tray_host()


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_macos_and_windows_always_have_a_place(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert has_tray_host()


def test_what_the_watcher_says_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for said in (True, False):
        monkeypatch.setattr(host, "_registered", lambda said=said: said)
        assert has_tray_host() is said
