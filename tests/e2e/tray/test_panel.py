"""The icon in a real panel, as a picture: every state has its own shape there, and the menu opens and is obeyed."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.tray.art import NAMES, tray_icon
from support.gateway import free_port
from support.panel_session import PanelSession, nearest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="an X server is a part of Linux desktops"),
]


def write(home: Path, port: object) -> None:
    (home / "config.yaml").write_text(
        f"version: 1\nlisten: {{port: {port}}}\nadmin: {{port: 0}}\n"
        "profiles:\n- {id: default, name: Default}\n- {id: work, name: Work}\n"
    )
    (home / "config.yaml").chmod(0o600)


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[PanelSession]:
    tmp_path.chmod(0o700)
    write(tmp_path, free_port())
    with PanelSession(tmp_path) as found:
        yield found


def gateway_pid(panel: PanelSession) -> int:
    import json

    return int(json.loads(panel.korproxy("status", "--json"))["pid"])


def test_a_panel_shows_every_state_by_its_shape(panel: PanelSession) -> None:
    panel.wait_for("running", "1-running")
    panel.open_menu()
    panel.picture().save(panel.home / "2-menu.png")
    # Copy, Pause: what cannot be chosen is passed over.
    panel.press("Down", "Down", "Return")
    panel.wait_for("paused", "3-paused")
    panel.korproxy("resume")
    panel.wait_for("running", "4-resumed")
    os.kill(gateway_pid(panel), signal.SIGSTOP)
    panel.wait_for("degraded", "5-degraded")
    panel.wait_for("running", "6-mended")
    panel.open_menu()
    # Restart comes before it.
    panel.press("Down", "Down", "Down", "Down", "Return")
    panel.wait_for("stopped", "7-stopped")
    write(panel.home, "no")
    panel.korproxy("start")
    panel.wait_for("failed", "8-failed")
    panel.open_menu()
    panel.picture().save(panel.home / "9-menu-failed.png")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size_px", [16, 20, 22, 24, 32])
def test_the_shapes_are_told_apart_at_every_size_of_a_bar(name: str, size_px: int) -> None:
    """What the test above leans on; and what a person does, who may not see colours."""
    icon = tray_icon(name, size_px, "template")
    ground = (
        tray_icon(name, size_px, "template").convert("L").point(lambda _value: 26).convert("RGB")
    )
    ground.paste((220, 220, 220), (0, 0), icon.getchannel("A"))
    box = ground.convert("L").point(lambda value: 255 if value > 70 else 0).getbbox()
    assert box is not None
    assert nearest(ground.crop(box)) == name
